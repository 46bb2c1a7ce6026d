import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import { KeyedQueue } from '#recorder/keyed-queue.ts'
import type { RecorderApi, RecorderEvent } from '#recorder/recorder-api.ts'
import { isFinal } from '#recorder/state.ts'
import { makeFolder, resolveInRoot } from '#storage/confine.ts'
import { storageErrorFrom } from '#storage/errors.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { isEnded, playlistText } from './playlist.ts'

/** Label of a recording whose parts are slices: path of the playlist below the root. */
export const PLAYLIST_LABEL = 'agora.playlist'

/** Recordings that are looked through: at a start those of all streams, else those of one. */
const PAGE = 500

type RecordingEvent = Extract<RecorderEvent, { recording: unknown }>

/**
 * Keeps playlists beside the slices they list: rewritten with each slice, ended with the last. What a kill left open is
 * ended when its recording is recovered; one whose recordings are deleted goes with them.
 */
export class Playlists implements AsyncDisposable {
  readonly #runtime: Runtime
  readonly #recorder: RecorderApi
  readonly #root: string
  readonly #following: Disposable
  readonly #writing = new KeyedQueue()
  readonly #pending = new Set<Promise<void>>()
  /** Those that go on, with their recordings by id, in the order these began. */
  readonly #open = new Map<string, Map<string, RecordingDocument>>()

  constructor(options: { readonly runtime: Runtime; readonly recorder: RecorderApi; readonly root: string }) {
    this.#runtime = options.runtime
    this.#recorder = options.recorder
    this.#root = options.root
    this.#following = options.recorder.events.listen((event) => this.#heard(event))
    this.#do('', () => this.#endLeftOvers())
  }

  /** It goes on until it is ended, whatever becomes of its recordings. */
  begin(playlist: string): void {
    if (!this.#open.has(playlist)) this.#open.set(playlist, new Map())
  }

  /** Nothing follows. Resolves when it is on the disk; one without a slice is not. */
  async end(playlist: string): Promise<void> {
    const recordings = this.#open.get(playlist)
    this.#open.delete(playlist)
    if (recordings !== undefined) await this.#write(playlist, [...recordings.values()], true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following[Symbol.dispose]()
    await Promise.allSettled([...this.#open.keys()].map((playlist) => this.end(playlist)))
    await Promise.allSettled(this.#pending)
  }

  #heard(event: RecorderEvent): void {
    if (!('recording' in event)) return
    const playlist = event.recording.metadata[PLAYLIST_LABEL]
    if (playlist === undefined) return
    const recordings = this.#open.get(playlist)
    this.#do(playlist, () => {
      return recordings === undefined ? this.#settle(playlist, event) : this.#update(playlist, recordings, event)
    })
  }

  #do(playlist: string, job: () => Promise<void>): void {
    const done = job()
      .catch((err: unknown) => this.#runtime.log.error({ event: 'facade.playlist-not-written', playlist, err }))
      .finally(() => this.#pending.delete(done))
    this.#pending.add(done)
  }

  /** What was recovered before anybody listened. */
  async #endLeftOvers(): Promise<void> {
    const { recordings } = await this.#recorder.list({ limit: PAGE })
    const ofPlaylists = Map.groupBy(recordings, ({ metadata }) => metadata[PLAYLIST_LABEL])
    for (const [playlist, listed] of ofPlaylists) {
      if (playlist === undefined || this.#open.has(playlist) || !listed.every(({ state }) => isFinal(state))) continue
      const path = await resolveInRoot(this.#root, playlist)
      const text = await readFile(path, 'utf8').catch(() => '')
      if (!isEnded(text)) await this.#write(playlist, inOrder(listed), true)
    }
  }

  async #update(playlist: string, recordings: Map<string, RecordingDocument>, event: RecordingEvent): Promise<void> {
    const { type, recording } = event
    if (type === 'recording.deleted') recordings.delete(recording.id)
    else recordings.set(recording.id, recording)
    if (type === 'part.ready' || type === 'recording.deleted') {
      await this.#write(playlist, [...recordings.values()], false)
    }
  }

  /** Of one that nobody keeps open. */
  async #settle(playlist: string, { type, recording }: RecordingEvent): Promise<void> {
    if (type !== 'recording.ready' && type !== 'recording.failed' && type !== 'recording.deleted') return
    const { stream } = recording
    const page = await this.#recorder.list({ stream, limit: PAGE })
    const others = page.recordings.filter(({ id, metadata }) => {
      return metadata[PLAYLIST_LABEL] === playlist && id !== recording.id
    })
    const all = type === 'recording.deleted' ? others : [...others, recording]
    await this.#write(playlist, inOrder(all), true)
  }

  #write(playlist: string, recordings: readonly RecordingDocument[], isEnded: boolean): Promise<void> {
    return this.#writing.run(playlist, async () => {
      const path = await resolveInRoot(this.#root, playlist)
      const hasSlices = recordings.some(({ parts }) => parts.some(({ state }) => state === 'ready'))
      try {
        if (!hasSlices) {
          await rm(path, { force: true })
          return
        }
        await makeFolder(this.#root, dirname(path))
        await writeFile(`${path}.new`, playlistText(recordings, isEnded))
        await rename(`${path}.new`, path)
      } catch (error) {
        throw storageErrorFrom(error, path)
      }
    })
  }
}

function inOrder(recordings: readonly RecordingDocument[]): readonly RecordingDocument[] {
  return recordings.toSorted((a, b) => (a.requestedAt < b.requestedAt ? -1 : 1))
}
