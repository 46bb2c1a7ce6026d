import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { SessionsApi } from '#sessions/sessions.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import type { GapDocument, PartDocument } from '#storage/recording-document.ts'
import type { CompositionDocument, CompositionsApi } from './compositions.ts'
import { type EventRecording, eventRecording } from './event-recording.ts'
import type { EventType } from './event-types.ts'
import type { PullDocument } from './pull-document.ts'
import type { PullsApi } from './pulls.ts'
import type { RecompositionDocument, RecompositionsApi } from './recompositions.ts'
import { describeSessionEvent, type SessionEventData } from './session-event.ts'
import { describeStream, type StreamDocument } from './stream-document.ts'

/** Newest events kept for readers that come back; both bounds hold. */
const MAX_REMEMBERED_EVENTS = 1_000
const MAX_REMEMBERED_CHARACTERS = 4 * 1024 * 1024

/** One thing that happened. */
export interface ServerEvent {
  readonly id: string
  readonly type: EventType
  /** ISO 8601, UTC. */
  readonly at: string
  /** Path of the stream it concerns: decides who may see it. Empty: it concerns all streams. */
  readonly stream: string
  /** Id of the recording it concerns; null for what happens to streams and rules. */
  readonly recording: string | null
  /** Index of the part it concerns. */
  readonly part: number | null
  /** What is sent, made once for all readers: `{id, type, at, data}`. */
  readonly json: string
}

/**
 * All events of this node in one order, with a bounded memory of the newest. Made before the recorder and disposed after
 * it, so that what becomes final while the server closes is told as well.
 */
export class EventFeed implements Disposable {
  readonly #signal: Signal<ServerEvent>
  readonly #runtime: Runtime
  readonly #sources = new DisposableStack()
  readonly #remembered: ServerEvent[] = []
  #rememberedCharacters = 0
  #sequence = 0
  readonly #epoch: string

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#epoch = runtime.newId()
    this.#signal = new Signal((error) => runtime.log.error({ event: 'events.listener-failed', err: error }))
  }

  /** Tells from now on what happens in these. */
  follow(hub: Hub, recorder: RecorderApi): void {
    this.#sources.use(
      hub.streamStarted.listen((stream) => {
        this.#emit('stream.started', stream.path, { stream: describeStream(stream, recorder) })
      }),
    )
    this.#sources.use(
      hub.streamEnded.listen((stream) => {
        this.#emit('stream.ended', stream.path, { stream: describeStream(stream, recorder), end: stream.end ?? null })
      }),
    )
    this.#sources.use(
      recorder.events.listen((event) => {
        const { type, ...data } = event
        if ('rule' in data) {
          this.#emit(type, '', data)
          return
        }
        const recording = eventRecording(type, data.recording, 'part' in data ? data.part : undefined)
        this.#emit(type, recording.stream, { ...data, recording })
      }),
    )
  }

  /** Tells from now on how pulls go. */
  followPulls(pulls: Pick<PullsApi, 'events'>): void {
    this.#sources.use(pulls.events.listen(({ type, pull }) => this.#emit(type, pull.path, { pull })))
  }

  /** Tells from now on how compositions go, of streams and of recordings. */
  followCompositions(compositions: Pick<CompositionsApi, 'events'>, jobs: Pick<RecompositionsApi, 'events'>): void {
    this.#sources.use(
      compositions.events.listen(({ type, composition }) => this.#emit(type, composition.output, { composition })),
    )
    this.#sources.use(jobs.events.listen(({ type, job }) => this.#emit(type, job.stream, { job })))
  }

  /** Tells from now on what happens in rooms, as of the stream that shows all of one: whoever reaches it is told. */
  followSessions(sessions: Pick<SessionsApi, 'events'>): void {
    this.#sources.use(
      sessions.events.listen((event) => {
        const described = describeSessionEvent(event)
        if (described !== undefined) this.#emit(described.type, event.session.composedPath, described.data)
      }),
    )
  }

  listen(listener: (event: ServerEvent) => void): Disposable {
    return this.#signal.listen(listener)
  }

  /** Events after the one with this id; undefined when it is not remembered any more (or of another run). */
  since(id: string): readonly ServerEvent[] | undefined {
    const index = this.#remembered.findLastIndex((event) => event.id === id)
    return index < 0 ? undefined : this.#remembered.slice(index + 1)
  }

  #emit(type: EventType, stream: string, data: EventData): void {
    // The epoch keeps ids of two runs apart, the number keeps them in order within one.
    const id = `${this.#epoch}-${++this.#sequence}`
    const at = new Date(this.#runtime.nowMs()).toISOString()
    const recording = 'recording' in data ? data.recording.id : null
    const part = 'part' in data ? (data.part?.index ?? null) : null
    const event = { id, type, at, stream, recording, part, json: JSON.stringify({ id, type, at, data }) }
    this.#remember(event)
    this.#signal.emit(event)
  }

  #remember(event: ServerEvent): void {
    this.#remembered.push(event)
    this.#rememberedCharacters += event.json.length
    while (this.#remembered.length > MAX_REMEMBERED_EVENTS || this.#rememberedCharacters > MAX_REMEMBERED_CHARACTERS) {
      this.#rememberedCharacters -= this.#remembered.shift()?.json.length ?? 0
    }
  }

  [Symbol.dispose](): void {
    this.#sources.dispose()
  }
}

type EventData =
  | { readonly stream: StreamDocument; readonly end?: unknown }
  | { readonly recording: EventRecording; readonly part?: PartDocument; readonly gap?: GapDocument }
  | { readonly rule: RuleRow }
  | { readonly pull: PullDocument }
  | { readonly composition: CompositionDocument }
  | { readonly job: RecompositionDocument }
  | SessionEventData
