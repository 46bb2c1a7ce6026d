import { extname, join } from 'node:path'
import type { SessionRecordingRequest } from '#sessions/session-recording.ts'
import type { Desk } from '../desk.ts'
import { RecordingConflictError, RecordingUnknownError } from '../errors.ts'
import type { EventSink } from '../events/event-sink.ts'
import type { RecordingProperties } from '../properties.ts'
import type { Room } from '../room.ts'
import { Finishing } from './finishing.ts'
import { LayoutPages } from './layout-pages.ts'
import { RecordingFolder, type StoredRecording } from './recording-folder.ts'
import { recordingObject } from './recording-object.ts'
import { type RecordingRoot, recordingRoot } from './recording-root.ts'
import { recoverRecordings } from './recovery.ts'
import type { RunningRecording } from './running-recording.ts'
import { RunningRecordings } from './running-recordings.ts'

/** The vendor's recordings as callers see them: what goes on, and what is on disk. spec sections 3.6 and 4. */
export class Recordings implements AsyncDisposable {
  readonly folder: RecordingFolder
  readonly #desk: Desk
  readonly #finishing: Finishing
  readonly #pages: LayoutPages
  readonly #running: RunningRecordings
  #recovered: Promise<void> = Promise.resolve()

  private constructor(desk: Desk, place: RecordingRoot, events: EventSink) {
    this.#desk = desk
    this.folder = new RecordingFolder(place.path)
    this.#finishing = new Finishing(desk, this.folder)
    const workshop = { desk, folder: this.folder, events }
    this.#pages = new LayoutPages(desk)
    this.#running = new RunningRecordings(workshop, { place, finishing: this.#finishing, pages: this.#pages })
  }

  /**
   * Begins to finish what a crash left.
   * @throws {RecordingPathError}
   */
  static async open(desk: Desk, events: EventSink): Promise<Recordings> {
    const recordings = new Recordings(desk, await recordingRoot(desk.settings.recordingPath, desk.roots), events)
    recordings.#recovered = recordings.#recover().catch((err: unknown) => {
      desk.runtime.log.error({ event: 'facade.recordings-not-recovered', err })
    })
    return recordings
  }

  /** How a session is recorded by itself. */
  automatic(room: Room): SessionRecordingRequest {
    return this.#running.automatic(room)
  }

  /** Follows what is recorded of a session. */
  follow(room: Room): void {
    this.#pages.follow(room)
    this.#running.follow(room)
  }

  /** Resolves when it records. @throws as RunningRecordings.start() */
  async start(room: Room, properties: RecordingProperties): Promise<object> {
    return this.#runningObject(await this.#running.start(room, properties))
  }

  /** Resolves when the file is complete. @throws {RecordingUnknownError | RecordingStartingError | RecordingConflictError} */
  async stop(id: string): Promise<object> {
    await this.#running.stop(id)
    return await this.get(id)
  }

  /** @throws {RecordingUnknownError} */
  async get(id: string): Promise<object> {
    const running = this.#running.get(id)
    if (running !== undefined) return this.#runningObject(running)
    return await this.#storedObject(await this.#stored(id))
  }

  /** Newest first. */
  async list(): Promise<readonly object[]> {
    const running = this.#running.list()
    const ids = new Set(running.map(({ id }) => id))
    const stored = (await this.folder.list()).filter(({ facts }) => !ids.has(facts.id))
    const all = [
      ...running.map((each) => ({ at: each.facts.createdAt, object: this.#runningObject(each) })),
      ...(await Promise.all(
        stored.map(async (each) => ({ at: each.facts.createdAt, object: await this.#storedObject(each) })),
      )),
    ]
    return all.sort((a, b) => b.at - a.at).map(({ object }) => object)
  }

  /** With all its files. @throws {RecordingUnknownError | RecordingConflictError} @throws {RecordingHeldError} */
  async remove(id: string): Promise<void> {
    if (this.#running.get(id) !== undefined) {
      throw new RecordingConflictError(`recording ${id} goes on: stop it before you delete it`)
    }
    const stored = await this.#stored(id)
    await this.#finishing.posterMade(id)
    await this.#finishing.removeSources(stored.facts.tapedeck?.recordings ?? [])
    await this.folder.remove(stored)
  }

  /**
   * A file of a recording, by any of the addresses there have been: `NAME.EXT` and `ID/NAME.EXT`, whichever way it is
   * kept. Nothing else that may lie in the folder. Undefined: there is none.
   */
  async find(address: string): Promise<string | undefined> {
    const names = address.split('/')
    const [first = '', second] = names
    if (names.length === 2 && second !== undefined) {
      const stored = await this.folder.get(first)
      return stored === undefined ? undefined : await this.folder.fileOf(stored, second)
    }
    if (names.length !== 1) return undefined
    const sameName = await this.folder.get(first.slice(0, first.length - extname(first).length))
    const near = sameName === undefined ? undefined : await this.folder.fileOf(sameName, first)
    if (near !== undefined) return near
    const newestFirst = (await this.folder.list()).toSorted((a, b) => b.facts.createdAt - a.facts.createdAt)
    for (const stored of newestFirst) {
      const path = await this.folder.fileOf(stored, first)
      if (path !== undefined) return path
    }
    return undefined
  }

  /** Whether a file of the folder is being written. */
  isChanging(path: string): boolean {
    return this.#desk.control.recorder
      .active()
      .some(({ parts }) => parts.some((part) => part.state === 'open' && join(part.root, part.path) === path))
  }

  /** Resolves when what was recorded is finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.allFinished()
    await this.#recovered
    await this.#pages[Symbol.asyncDispose]()
    await this.#finishing[Symbol.asyncDispose]()
  }

  #recover(): Promise<void> {
    const isRunning = (id: string) => this.#running.get(id) !== undefined
    return recoverRecordings({ desk: this.#desk, folder: this.folder, finishing: this.#finishing, isRunning })
  }

  /** @throws {RecordingUnknownError} */
  async #stored(id: string): Promise<StoredRecording> {
    const stored = await this.folder.get(id)
    if (stored === undefined) throw new RecordingUnknownError(id)
    return stored
  }

  #runningObject({ facts }: RunningRecording): object {
    return recordingObject(facts, undefined, this.#objectOptions)
  }

  async #storedObject(stored: StoredRecording): Promise<object> {
    return recordingObject(stored.facts, await this.folder.media(stored), this.#objectOptions)
  }

  get #objectOptions() {
    const { compat, publicAccess } = this.#desk.settings
    return { compat, publicAccess, publicUrl: this.#desk.publicAddress().url }
  }
}
