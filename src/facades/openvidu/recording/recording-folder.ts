import { type Dirent, readdirSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { resolveInRoot } from '#storage/confine.ts'
import { isFileName, parseRecordingFacts, type RecordingFacts } from './recording-facts.ts'
import type { Layout, MediaPlace } from './recording-object.ts'

const FACTS_PREFIX = '.recording.'
/** Clients' data may be 10,000 characters, of each of many streams. */
const MAX_FACTS_BYTES = 16 * 1024 * 1024
/** Read at the same time when a folder is listed. */
const READERS = 32
const MEDIA_EXTENSIONS = ['.mp4', '.webm', '.zip'] as const

/** A recording as it lies in the folder. */
export interface StoredRecording {
  readonly facts: RecordingFacts
  readonly layout: Layout
}

/** The vendor's recording folder: both layouts are read, whichever is written. spec section 4.5. */
export class RecordingFolder {
  /** Absolute. */
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Everything that was recorded there, by whomever; in no order. */
  async list(): Promise<readonly StoredRecording[]> {
    const entries = await this.#entries()
    const candidates = entries.flatMap((entry): Candidate[] => {
      if (entry.isFile && entry.name.startsWith(FACTS_PREFIX)) {
        return [{ id: entry.name.slice(FACTS_PREFIX.length), layout: 'flat' }]
      }
      return entry.isFolder && isFileName(entry.name) ? [{ id: entry.name, layout: 'folder' }] : []
    })
    const found = new Map<string, StoredRecording>()
    for (let from = 0; from < candidates.length; from += READERS) {
      const some = candidates.slice(from, from + READERS).map((candidate) => this.#read(candidate))
      for (const stored of await Promise.all(some)) if (stored !== undefined) found.set(stored.facts.id, stored)
    }
    return [...found.values()]
  }

  /** Undefined: there is none of this id. */
  async get(id: string): Promise<StoredRecording | undefined> {
    return (await this.#read({ id, layout: 'folder' })) ?? (await this.#read({ id, layout: 'flat' }))
  }

  /**
   * Names that a new recording may not take: ids of recordings, and in the flat layout those of files. spec section 4.2.
   * At once, so that nobody takes the same one in between; reading the names of a folder takes milliseconds.
   */
  taken(): { readonly ids: Set<string>; readonly files: Set<string> } {
    const entries = readdirSync(this.path, { withFileTypes: true }).map(entryOf)
    const ids = new Set<string>()
    const files = new Set<string>()
    for (const { name, isFile } of entries) {
      if (name.startsWith(FACTS_PREFIX)) ids.add(name.slice(FACTS_PREFIX.length))
      else if (isFile && !name.startsWith('.')) files.add(name.slice(0, name.length - extname(name).length))
      else if (!name.startsWith('.')) ids.add(name)
    }
    return { ids, files }
  }

  /** Writes what is told of a recording; a reader sees the old or the new, never half of it. */
  async write({ facts, layout }: StoredRecording): Promise<void> {
    const path = await this.#inside(this.relative(facts.id, layout, FACTS_PREFIX + facts.id))
    if (layout === 'folder') await mkdir(join(this.path, facts.id), { recursive: true })
    // Not `.recording.…`: what a kill leaves must not look like a recording.
    const draft = join(dirname(path), `.new${FACTS_PREFIX}${facts.id}`)
    const file = await open(draft, 'w', 0o644)
    try {
      await file.writeFile(`${JSON.stringify({ object: 'recording', url: null, ...facts })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  }

  /** The media file; undefined: there is none. */
  async media({ facts, layout }: StoredRecording): Promise<(MediaPlace & { readonly path: string }) | undefined> {
    const { file } = facts.tapedeck ?? {}
    const names = file === undefined ? MEDIA_EXTENSIONS.map((extension) => facts.name + extension) : [file]
    for (const name of names) {
      const path = await this.file(this.relative(facts.id, layout, name))
      if (path !== undefined) return { layout, file: name, path }
    }
    return undefined
  }

  /** Absolute path of a file below the folder; undefined: there is none, or it may not be seen. */
  async file(relative: string): Promise<string | undefined> {
    if (!relative.split('/').every(isFileName)) return undefined
    try {
      const path = await this.#inside(relative)
      return (await stat(path)).isFile() ? path : undefined
    } catch {
      return undefined
    }
  }

  /** Deletes exactly what belongs to a recording. */
  async remove(stored: StoredRecording): Promise<void> {
    const { id } = stored.facts
    if (stored.layout === 'folder') {
      await rm(await this.#inside(id), { recursive: true, force: true })
      return
    }
    await rm(await this.#inside(this.keptTracks(id, stored.layout)), { recursive: true, force: true })
    const media = await this.media(stored)
    const siblings = [`${id}.info`, `${id}.jpg`].map((name) => join(this.path, name))
    // Last what makes it a recording: whoever is killed in between can delete it again.
    const files = [...(media === undefined ? [] : [media.path]), ...siblings, join(this.path, FACTS_PREFIX + id)]
    for (const file of files) await rm(file, { force: true })
  }

  /**
   * A file that is called so in its address. In the folder of a recording everything is its own; beside others', what is
   * called after it. Undefined: it has none.
   */
  async fileOf(stored: StoredRecording, name: string): Promise<string | undefined> {
    const { facts, layout } = stored
    if (layout === 'flat' && name !== `${facts.id}.jpg` && name !== `${facts.id}.info`) {
      const media = await this.media(stored)
      return media?.file === name ? media.path : undefined
    }
    return await this.file(this.relative(facts.id, layout, name))
  }

  /** Where streams lie that are on their way into a zip; the flat layout has no place for them that anybody sees. */
  streams(id: string, layout: Layout): string {
    return layout === 'flat' ? `.streams.${id}` : id
  }

  /** Where streams lie that are kept besides what is composed of them, for nobody to see. */
  keptTracks(id: string, layout: Layout): string {
    return layout === 'flat' ? this.streams(id, layout) : `${id}/.tracks`
  }

  /** Path below the folder, with forward slashes. */
  relative(id: string, layout: Layout, name: string): string {
    return layout === 'flat' ? name : `${id}/${name}`
  }

  async #read({ id, layout }: Candidate): Promise<StoredRecording | undefined> {
    if (!isFileName(id)) return undefined
    try {
      const path = await this.#inside(this.relative(id, layout, FACTS_PREFIX + id))
      const { size } = await stat(path)
      if (size > MAX_FACTS_BYTES) return undefined
      const facts = parseRecordingFacts(await readFile(path, 'utf8'), id)
      return facts === undefined ? undefined : { facts, layout }
    } catch {
      // Not a recording's folder, or gone in this moment.
      return undefined
    }
  }

  async #entries(): Promise<readonly Entry[]> {
    return (await readdir(this.path, { withFileTypes: true })).map(entryOf)
  }

  #inside(relative: string): Promise<string> {
    return resolveInRoot(this.path, relative)
  }
}

interface Candidate {
  readonly id: string
  readonly layout: Layout
}

interface Entry {
  readonly name: string
  readonly isFile: boolean
  readonly isFolder: boolean
}

function entryOf(entry: Dirent): Entry {
  return { name: entry.name, isFile: entry.isFile(), isFolder: entry.isDirectory() }
}
