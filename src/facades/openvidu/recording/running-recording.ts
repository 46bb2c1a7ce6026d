import type { RecordingStopReason } from '#sessions/session-recording.ts'
import type { Desk } from '../desk.ts'
import type { EventSink } from '../events/event-sink.ts'
import type { RecordingProperties } from '../properties.ts'
import { type Room, recordingReason } from '../room.ts'
import { recordingEvent } from './recording-event.ts'
import type { RecordedStream, RecordingFacts } from './recording-facts.ts'
import type { RecordingFolder } from './recording-folder.ts'
import type { Layout } from './recording-object.ts'

/** What a recording works with. */
export interface RecordingWorkshop {
  readonly desk: Desk
  readonly folder: RecordingFolder
  readonly events: EventSink
}

/** A recording that goes on: what is known of it, noted on the disk and told to whoever follows events. */
export class RunningRecording {
  readonly room: Room
  readonly properties: RecordingProperties
  readonly layout: Layout
  /** Of the media file, without extension. */
  readonly fileName: string
  readonly finished = Promise.withResolvers<RecordingFacts>()
  /** What there is of it is thrown away when it has stopped. */
  isGivenUp = false
  readonly #workshop: RecordingWorkshop
  readonly #streams: RecordedStream[] = []
  #facts: RecordingFacts
  /** Files are written one after the other. */
  #written: Promise<void> = Promise.resolve()

  constructor(
    workshop: RecordingWorkshop,
    options: {
      readonly room: Room
      readonly properties: RecordingProperties
      readonly id: string
      readonly layout: Layout
      readonly fileName: string
    },
  ) {
    this.#workshop = workshop
    this.room = options.room
    this.properties = options.properties
    this.layout = options.layout
    this.fileName = options.fileName
    this.#facts = firstFacts(options.id, options.room, options.properties, workshop.desk.runtime.nowMs())
    // Nobody has to wait for it.
    this.finished.promise.catch(() => {})
  }

  get facts(): RecordingFacts {
    return this.#facts
  }

  get id(): string {
    return this.#facts.id
  }

  /** Resolves when what is known of it is on the disk. */
  get written(): Promise<void> {
    return this.#written
  }

  /** Notes a stream that is recorded into a file of its own. */
  addStream(stream: RecordedStream): void {
    this.#streams.push(stream)
    this.#write()
  }

  /** Notes something else of it. */
  change(change: Partial<RecordingFacts>): void {
    this.#facts = { ...this.#facts, ...change }
    this.#write()
  }

  /** As it is to be kept, with what only this server needs. */
  kept(): RecordingFacts {
    const { outputMode, name, tapedeck } = this.#facts
    const isZip = outputMode === 'INDIVIDUAL'
    const file = isZip && this.fileName !== name ? { file: `${this.fileName}.zip` } : {}
    return { ...this.#facts, tapedeck: { ...(isZip && { streams: this.#streams }), ...file, ...tapedeck } }
  }

  /** Tells of its status, or of another that it has for a moment. @param why undefined while it goes on */
  tell(why: RecordingStopReason | undefined, status: string = this.#facts.status): void {
    const { desk, events } = this.#workshop
    const reason = why === undefined ? undefined : recordingReason(why)
    const news = { status, reason, nowMs: desk.runtime.nowMs(), room: this.room, compat: desk.settings.compat }
    for (const event of recordingEvent(this.#facts, news)) events.emit(event)
  }

  /** Does something about its files once everything before is written; what fails is left over, and said. */
  afterwards(work: () => Promise<void>): void {
    const { log } = this.#workshop.desk.runtime
    this.#written = this.#written
      .then(work)
      .catch((err: unknown) => log.warn({ event: 'facade.leftover', recording: this.id, err }))
  }

  /** A disk that refuses must not end the recording. */
  #write(): void {
    const { desk, folder } = this.#workshop
    const stored = { facts: this.kept(), layout: this.layout }
    this.#written = this.#written
      .then(() => folder.write(stored))
      .catch((err: unknown) => {
        desk.runtime.log.error({ event: 'facade.recording-not-noted', recording: this.id, err })
      })
  }
}

function firstFacts(id: string, room: Room, properties: RecordingProperties, nowMs: number): RecordingFacts {
  const { name, outputMode, hasAudio, hasVideo, resolution, frameRate, recordingLayout, customLayout } = properties
  const isComposed = outputMode !== 'INDIVIDUAL' && hasVideo
  return {
    id,
    name: name === '' ? id : name,
    outputMode,
    sessionId: room.id,
    createdAt: nowMs,
    size: 0,
    duration: 0,
    hasAudio,
    hasVideo,
    status: 'starting',
    uniqueSessionId: room.uniqueId,
    ...(isComposed && { resolution, frameRate, recordingLayout }),
    ...(isComposed && recordingLayout === 'CUSTOM' && { customLayout }),
  }
}
