import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ManifestInvalidError, type StorageError, storageErrorFrom, systemCode } from './errors.ts'
import type { RecordingDocument } from './recording-document.ts'
import { readRecording } from './recording-schema.ts'
import { syncDirectory } from './sync-directory.ts'

/** Version of the file's shape: `{"manifest": 1, "recording": {…}}`. */
const MANIFEST_VERSION = 1

const ID = /^[0-9A-Za-z_-]{1,64}$/

/** What a place of a manifest is made of. */
export type ManifestKey = Pick<RecordingDocument, 'id' | 'requestedAt'>

/**
 * One JSON file per recording, `<folder>/<yyyy>/<mm>/<id>.json`: the proof of what was recorded, and what a lost catalog
 * is rebuilt from. Replaced whole, so that a reader sees the old or the new one, never half.
 */
export class ManifestStore {
  readonly #folder: string
  readonly #durability: 'process' | 'power'
  /** Saves and removals of one recording happen in the order of the calls. */
  readonly #last = new Map<string, Promise<void>>()

  /** @param folder absolute path; made with the first manifest */
  constructor(folder: string, durability: 'process' | 'power') {
    this.#folder = folder
    this.#durability = durability
  }

  /** Absolute path of a recording's manifest, whether it exists or not. */
  path({ id, requestedAt }: ManifestKey): string {
    const [, year = '', month = ''] = /^(\d{4})-(\d{2})/.exec(requestedAt) ?? []
    const path = join(this.#folder, year, month, `${id}.json`)
    if (!ID.test(id) || month === '')
      throw new ManifestInvalidError(path, `id ${id} of ${requestedAt} is no name for one`)
    return path
  }

  /** Writes or replaces a manifest; on the device when durability is `power` or the recording has ended. */
  save(recording: RecordingDocument): Promise<void> {
    return this.#inOrder(recording.id, () => this.#save(recording))
  }

  /** Undefined when there is none. @throws {ManifestInvalidError} */
  async read(key: ManifestKey): Promise<RecordingDocument | undefined> {
    const path = this.path(key)
    await this.#last.get(key.id)?.catch(() => {})
    try {
      return parseManifest(path, await readFile(path, 'utf8'))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw storageErrorFrom(error, path)
    }
  }

  /** Looks for a manifest by its id alone, through all months. @throws {ManifestInvalidError} */
  async find(id: string): Promise<RecordingDocument | undefined> {
    for await (const path of this.#paths()) {
      if (basename(path) === `${id}.json`) return parseManifest(path, await readFile(path, 'utf8'))
    }
    return undefined
  }

  /** All manifests, oldest months first, one at a time; what can't be read comes as the error. */
  async *readAll(): AsyncGenerator<RecordingDocument | StorageError> {
    for await (const path of this.#paths()) {
      try {
        yield parseManifest(path, await readFile(path, 'utf8'))
      } catch (error) {
        // Removed since the folder was listed: not there, which is no fault.
        if (systemCode(error) === 'ENOENT') continue
        yield error instanceof ManifestInvalidError ? error : new ManifestInvalidError(path, 'it is unreadable', error)
      }
    }
  }

  /** Deleting what isn't there is fine. */
  remove(key: ManifestKey): Promise<void> {
    return this.#inOrder(key.id, async () => {
      const path = this.path(key)
      try {
        await unlink(path)
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return
        throw storageErrorFrom(error, path)
      }
      await syncDirectory(dirname(path))
    })
  }

  async #save(recording: RecordingDocument): Promise<void> {
    const path = this.path(recording)
    const sync = this.#durability === 'power' || recording.state === 'ready' || recording.state === 'failed'
    try {
      await replaceFile(path, recording, sync)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw storageErrorFrom(error, path)
      await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
        throw storageErrorFrom(cause, path)
      })
      await replaceFile(path, recording, sync).catch((cause: unknown) => {
        throw storageErrorFrom(cause, path)
      })
    }
  }

  async *#paths(): AsyncGenerator<string> {
    for (const year of await entries(this.#folder, /^\d{4}$/)) {
      for (const month of await entries(year, /^\d{2}$/)) yield* await entries(month, /^[^.].*\.json$/)
    }
  }

  #inOrder(id: string, work: () => Promise<void>): Promise<void> {
    const before = this.#last.get(id) ?? Promise.resolve()
    const done = before.then(work, work)
    this.#last.set(id, done)
    const forget = (): void => {
      if (this.#last.get(id) === done) this.#last.delete(id)
    }
    done.then(forget, forget)
    return done
  }
}

/** @throws {ManifestInvalidError} */
export function parseManifest(path: string, text: string): RecordingDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ManifestInvalidError(path, 'it is no JSON', error)
  }
  if (typeof value !== 'object' || value === null || !('manifest' in value) || !('recording' in value)) {
    throw new ManifestInvalidError(path, 'manifest and recording are missing')
  }
  if (value.manifest !== MANIFEST_VERSION) {
    throw new ManifestInvalidError(path, `its version is ${String(value.manifest)}, not ${MANIFEST_VERSION}`)
  }
  const recording = readRecording(value.recording)
  if (typeof recording === 'string') throw new ManifestInvalidError(path, recording)
  return recording
}

/** Parts written at a time: stringifying so many takes well below a millisecond. */
const PARTS_IN_PIECE = 100

/**
 * A manifest's text in pieces, so that one of thousands of parts keeps nothing else waiting: whoever writes it lets others
 * have their turn between two of them. One line for each part.
 */
export function* manifestText({ parts, ...rest }: RecordingDocument): Generator<string> {
  const whole = JSON.stringify({ manifest: MANIFEST_VERSION, recording: { ...rest, parts: [] } }, undefined, 2)
  const end = whole.lastIndexOf('[]')
  let piece = whole.slice(0, end + 1)
  for (const [position, part] of parts.entries()) {
    if (position > 0 && position % PARTS_IN_PIECE === 0) {
      yield piece
      piece = ''
    }
    piece += `${position === 0 ? '' : ','}\n      ${JSON.stringify(part)}`
  }
  yield `${piece}${parts.length === 0 ? '' : '\n    '}${whole.slice(end + 1)}\n`
}

async function replaceFile(path: string, recording: RecordingDocument, sync: boolean): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`)
  const file = await open(temporary, 'w')
  try {
    for (const piece of manifestText(recording)) await file.writeFile(piece)
    if (sync) await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  if (sync) await syncDirectory(dirname(path))
}

/** Absolute paths of matching entries, sorted; none when the folder doesn't exist. */
async function entries(folder: string, pattern: RegExp): Promise<readonly string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw storageErrorFrom(error, folder)
  }
}
