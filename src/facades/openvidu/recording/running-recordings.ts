import type { SessionEvent } from '#sessions/session.ts'
import type { SessionRecordingRequest } from '#sessions/session-recording.ts'
import {
  RecordingConflictError,
  RecordingStartingError,
  RecordingUnknownError,
  StreamsNotRecordedError,
} from '../errors.ts'
import type { RecordingProperties } from '../properties.ts'
import type { Room } from '../room.ts'
import type { Finishing } from './finishing.ts'
import type { LayoutPages } from './layout-pages.ts'
import type { RecordingFacts } from './recording-facts.ts'
import { freeFileName, newRecordingId } from './recording-ids.ts'
import { recordingRequest } from './recording-request.ts'
import type { RecordingRoot } from './recording-root.ts'
import { type RecordingWorkshop, RunningRecording } from './running-recording.ts'

type Stopped = Extract<SessionEvent, { readonly type: 'recording-stopped' }>

/** The vendor's recordings that go on, from taking an id to the finished file. spec sections 3.6 and 5. */
export class RunningRecordings {
  readonly #workshop: RecordingWorkshop
  readonly #place: RecordingRoot
  readonly #finishing: Finishing
  readonly #pages: LayoutPages
  readonly #running = new Map<string, RunningRecording>()

  constructor(
    workshop: RecordingWorkshop,
    { place, finishing, pages }: { place: RecordingRoot; finishing: Finishing; pages: LayoutPages },
  ) {
    this.#workshop = workshop
    this.#place = place
    this.#finishing = finishing
    this.#pages = pages
  }

  /** Undefined: none of this id goes on. */
  get(id: string): RunningRecording | undefined {
    this.#prune()
    return this.#running.get(id)
  }

  list(): readonly RunningRecording[] {
    this.#prune()
    return [...this.#running.values()]
  }

  /** Follows what is recorded of a session. */
  follow(room: Room): void {
    room.session.events.listen((event) => this.#happened(event))
  }

  /** How a session is recorded by itself. */
  automatic(room: Room): SessionRecordingRequest {
    return this.#request(this.#begin(room, room.properties.defaultRecordingProperties))
  }

  /**
   * Resolves when it records; the caller has made the checks that come before.
   * @throws {LayoutMissingError} @throws {StreamsNotRecordedError} @throws {TapedeckError} what starting a recording throws
   */
  async start(room: Room, properties: RecordingProperties): Promise<RunningRecording> {
    const running = this.#begin(room, properties)
    try {
      const { failures } = await room.session.startRecording(this.#request(running))
      if (failures.length > 0 && !properties.ignoreFailedStreams) {
        running.isGivenUp = true
        await room.session.stopRecording('failed')
        const streamIds = failures.map(({ publication }) => publication?.id ?? running.id)
        throw new StreamsNotRecordedError(streamIds, failures[0]?.error)
      }
      await running.written
      return running
    } catch (error) {
      this.#failedToStart(running)
      throw error
    }
  }

  /** Resolves when the file is complete. @throws {RecordingUnknownError | RecordingStartingError | RecordingConflictError} */
  async stop(id: string): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) throw new RecordingUnknownError(id)
    if (running.facts.status === 'starting') throw new RecordingStartingError(id)
    const { session } = running.room
    if (session.recording?.id !== id) throw new RecordingConflictError(`recording ${id} is being finished already`)
    await session.stopRecording('requested')
    await running.finished.promise
  }

  /** Resolves when all are finished that go on now; it ends none. */
  async allFinished(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ finished }) => finished.promise))
  }

  /** Takes an id, at once. */
  #begin(room: Room, properties: RecordingProperties): RunningRecording {
    this.#prune()
    const { desk, folder } = this.#workshop
    const { compat } = desk.settings
    const { ids, files } = folder.taken()
    for (const running of this.#running.values()) {
      ids.add(running.id)
      files.add(running.fileName)
    }
    // In the flat layout a file of another recording takes the id as well. spec section 4.2.
    const id = newRecordingId(room.id, compat, compat === 'classic' ? ids.union(files) : ids)
    const name = properties.name === '' ? id : properties.name
    const layout = compat === 'classic' ? 'flat' : 'folder'
    const fileName = layout === 'flat' ? freeFileName(name, files) : name
    const running = new RunningRecording(this.#workshop, { room, properties, id, layout, fileName })
    this.#running.set(id, running)
    return running
  }

  #request(running: RunningRecording): SessionRecordingRequest {
    const { desk, folder } = this.#workshop
    const composer = this.#pages.composer(running.room, running.properties)
    return recordingRequest(running, { desk, folder, place: this.#place, composer })
  }

  #happened(event: SessionEvent): void {
    if (!('recording' in event)) return
    const running = this.#running.get(event.recording.id)
    if (running === undefined || running.room.session !== event.session) return
    switch (event.type) {
      case 'recording-started':
        running.change({ status: 'started' })
        running.tell(undefined)
        break
      case 'recording-stopping':
        if (running.facts.status === 'started') running.tell(event.recording.reason, 'stopped')
        break
      case 'recording-stopped':
        if (running.isGivenUp)
          running.afterwards(() => this.#finishing.removeSources(event.documents.map(({ id }) => id)))
        else void this.#finish(running, event)
        break
    }
  }

  async #finish(running: RunningRecording, { recording, documents }: Stopped): Promise<void> {
    const { layout, room } = running
    await running.written
    const facts: RecordingFacts = await this.#finishing.finish({ facts: running.kept(), layout }, documents)
    running.change(facts)
    await running.written
    await this.#finishing.removeZipped({ facts, layout }, documents)
    this.#running.delete(running.id)
    running.tell(recording.reason)
    room.recordingIsReady(recording)
    running.finished.resolve(facts)
  }

  #failedToStart(running: RunningRecording): void {
    if (this.#running.get(running.id) !== running) return
    this.#running.delete(running.id)
    const facts: RecordingFacts = { ...running.facts, status: 'failed' }
    running.finished.resolve(facts)
    running.tell(undefined, 'failed')
    const { folder } = this.#workshop
    running.afterwards(() => folder.remove({ facts, layout: running.layout }))
  }

  /** Forgets automatic recordings whose start has failed: nobody else is told of that. */
  #prune(): void {
    for (const running of this.#running.values()) {
      const { session, properties } = running.room
      const isManual = properties.recordingMode === 'MANUAL'
      if (isManual || running.facts.status !== 'starting' || session.recording?.id === running.id) continue
      this.#failedToStart(running)
    }
  }
}
