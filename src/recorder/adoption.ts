import { extname, join } from 'node:path'
import type { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import { NameTakenError } from '#storage/errors.ts'
import { moveInRoot } from '#storage/exclusive-rename.ts'
import { isThere } from '#storage/part-files.ts'
import type { GapDocument, PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { RequestInvalidError } from './errors.ts'
import type { FilesInUse } from './files-in-use.ts'
import { finalNames, writeRecipe } from './final-name.ts'
import type { Journal } from './journal.ts'
import type { AdoptedFile, RecorderEvent } from './recorder-api.ts'
import type { RecorderSettings } from './settings.ts'

/** Names tried before it is given up. */
const MAX_ATTEMPTS = 10_000
const MAX_NAME_CHARACTERS = 1_024

export interface AdoptionOptions {
  readonly runtime: Runtime
  readonly settings: RecorderSettings
  readonly journal: Journal
  readonly inUse: FilesInUse
  readonly events: Signal<RecorderEvent>
  /** Takes back what was noted. */
  readonly forget: (recording: RecordingDocument) => Promise<void>
}

/**
 * Where a file goes that its sender has given a name: below the folder of its stream. The extension follows from what
 * it holds, so that of the name is dropped.
 * @throws {RequestInvalidError} the name leads out of there, or is none
 */
export function adoptedPath(stream: string, name: string): string {
  const components = name.split('/')
  const refused =
    name.length > MAX_NAME_CHARACTERS ||
    /\p{Cc}/u.test(name) ||
    name.startsWith('/') ||
    /^[/.\s]*$/.test(name) ||
    components.some((component) => component === '' || /^\.+$/.test(component))
  if (refused) {
    throw new RequestInvalidError('name', name.slice(0, 200), 'a file name, without ".." and control characters')
  }
  const extension = extname(name)
  const isExtension = /^\.[A-Za-z0-9]{1,8}$/.test(extension) && !/^\.\d+$/.test(extension)
  return `${stream}/${isExtension ? name.slice(0, -extension.length) : name}`
}

/**
 * Makes a finished file a recording: noted under the name it has and the one it gets, then renamed, then ready, so that
 * the next start completes what a kill interrupts.
 * @throws {NameTakenError} @throws {StorageError}
 */
export async function adopt(file: AdoptedFile, options: AdoptionOptions): Promise<RecordingDocument> {
  const { runtime, settings, journal, inUse, events } = options
  const { root, temporaryPath, startedAtMs, durationMs } = file
  const id = runtime.newId()
  const recipe = recipeOf(file, id, settings)
  let noted: RecordingDocument | undefined
  const names = finalNames(recipe, { endedAtMs: startedAtMs + durationMs, durationMs })
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const to = names(attempt)
      if (inUse.isTaken(root, to, id) || (await isThere(root, to))) continue
      inUse.claim(root, to, id)
      const part = partOf(file)
      noted = documentOf(file, id, { ...part, state: 'open', rename: { to, recipe } }, options)
      journal.note(noted, 'now')
      await journal.settled(id)
      if ((await moveInRoot(root, join(root, temporaryPath), to)) === undefined) continue
      const recording = documentOf(file, id, { ...part, path: to }, options)
      journal.note(recording, 'now')
      await journal.settled(id)
      runtime.log.info({ event: 'recording.adopted', recording: id, stream: file.stream, path: join(root, to) })
      for (const ready of recording.parts) events.emit({ type: 'part.ready', recording, part: ready })
      events.emit({ type: 'recording.ready', recording })
      return recording
    }
    throw new NameTakenError(join(root, names(1)))
  } catch (error) {
    if (noted !== undefined) await options.forget({ ...noted, parts: [] })
    throw error
  } finally {
    inUse.release(id)
  }
}

function recipeOf(file: AdoptedFile, id: string, settings: RecorderSettings): string {
  const codecOf = (wanted: 'video' | 'audio') => file.tracks.find(({ kind }) => kind === wanted)?.codec ?? ''
  return writeRecipe({
    template: settings.name,
    rules: { path: file.path },
    timeZone: settings.timeZone,
    values: {
      stream: file.stream,
      id,
      startedAtMs: file.startedAtMs,
      part: 1,
      version: 1,
      videoCodec: codecOf('video'),
      audioCodec: codecOf('audio'),
    },
    extension: `.${settings.containers[file.format].extension}`,
    numbered: false,
  })
}

function partOf({ root, temporaryPath, startedAtMs, durationMs, bytes, tracks }: AdoptedFile): PartDocument {
  const startedAt = new Date(startedAtMs).toISOString()
  const place = { index: 1, path: temporaryPath, root, state: 'ready' as const }
  return { ...place, startedAt, sourceStartedAt: null, startMs: 0, durationMs, bytes, sha256: null, tracks }
}

function documentOf(
  { stream, format, startedAtMs, durationMs, bytes, tracks, lost, metadata }: AdoptedFile,
  id: string,
  part: PartDocument,
  { runtime, settings }: AdoptionOptions,
): RecordingDocument {
  const at = new Date(runtime.nowMs()).toISOString()
  const lostOf = (wanted: number) => lost.find(({ trackId }) => trackId === wanted)?.accessUnits ?? 0
  const gaps = lost.map(({ trackId, accessUnits }): GapDocument => {
    return {
      track: trackId,
      fromMs: 0,
      toMs: durationMs,
      missingMs: 0,
      accessUnits,
      packets: 0,
      cause: 'publisher',
      at,
    }
  })
  return {
    id,
    node: settings.node,
    stream,
    state: part.state === 'ready' ? 'ready' : 'finishing',
    format,
    rule: null,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(startedAtMs + durationMs).toISOString(),
    requestedAt: at,
    durationMs,
    bytes,
    parts: [part],
    ledger: {
      tracks: tracks.map(({ trackId, kind, codec, accessUnits }) => {
        const lostUnits = lostOf(trackId)
        return { trackId, kind, codec, received: accessUnits + lostUnits, written: accessUnits, lost: lostUnits }
      }),
      gaps,
    },
    metadata,
    held: false,
    error: null,
  }
}
