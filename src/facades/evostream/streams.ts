import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { EvoCommandError } from './errors.ts'
import type { Parameters } from './parameters.ts'

/** A stream somebody publishes. */
export interface InStream {
  readonly kind: 'in'
  readonly id: number
  /** As its publisher called it. */
  readonly name: string
  readonly stream: Stream
}

/** A recording that runs: for this vendor a stream as well. */
export interface OutStream {
  readonly kind: 'out'
  readonly id: number
  readonly name: string
  readonly recordingId: string
  readonly createdAtMs: number
  readonly source: InStream | undefined
  /** As it was told of last. */
  recording: RecordingDocument
}

/** One stream of either kind. */
export type AnyStream = InStream | OutStream

/** What is told of streams as they come and go. */
export interface StreamWatcher {
  created(stream: AnyStream): void
  closed(stream: AnyStream): void
}

/** Numbers for streams and running recordings, which have none elsewhere: from 1, in the order they came. */
export class Streams implements Disposable {
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #recorder: RecorderApi
  readonly #watcher: StreamWatcher
  readonly #in = new Map<string, InStream>()
  readonly #out = new Map<string, OutStream>()
  readonly #owned = new DisposableStack()
  #nextId = 1

  constructor(options: { runtime: Runtime; hub: Hub; recorder: RecorderApi; watcher: StreamWatcher }) {
    this.#runtime = options.runtime
    this.#hub = options.hub
    this.#recorder = options.recorder
    this.#watcher = options.watcher
    this.#owned.use(this.#hub.streamStarted.listen((stream) => this.#arrived(stream)))
    this.#owned.use(this.#hub.streamEnded.listen((stream) => this.#left(stream)))
  }

  /** Takes up what is there already. */
  begin(): void {
    for (const stream of this.#hub.streams()) this.#arrived(stream)
    for (const recording of this.#recorder.active()) this.recording(recording)
  }

  /** In the order of their ids. */
  list(): AnyStream[] {
    return [...this.#in.values(), ...this.#out.values()].sort((a, b) => a.id - b.id)
  }

  inbound(): InStream[] {
    return [...this.#in.values()]
  }

  /** Ids of the recordings of a stream. */
  outIds(source: InStream): number[] {
    return [...this.#out.values()].filter((out) => out.source === source).map(({ id }) => id)
  }

  ofRecording(recordingId: string): OutStream | undefined {
    return this.#out.get(recordingId)
  }

  /** Undefined when there is no such stream. A name means the published stream, not its recordings. */
  find(by: { readonly id: number } | { readonly name: string }): AnyStream | undefined {
    if ('id' in by) return this.list().find(({ id }) => id === by.id)
    return this.inbound().find(({ name, stream }) => name === by.name || stream.path === by.name)
  }

  /** What `id` or `localStreamName` of a command says. @throws {EvoCommandError} none of them, or both */
  static wanted(parameters: Parameters): { readonly id: number } | { readonly name: string } {
    const hasId = parameters.has('id')
    const name = parameters.text('localStreamName')
    if (hasId && name !== undefined) {
      throw new EvoCommandError('id and localStreamName must not go together, choose only 1')
    }
    if (hasId) return { id: parameters.integer('id', 0, 0, Number.MAX_SAFE_INTEGER) }
    if (name !== undefined) return { name }
    throw new EvoCommandError('id or localStreamName parameters needs to be supplied')
  }

  /**
   * A recording as it is now; it gets its number when it is first told of. Undefined while it waits for a stream, and
   * when it is over: for this vendor there is none then.
   */
  recording(recording: RecordingDocument): OutStream | undefined {
    const known = this.#out.get(recording.id)
    if (known !== undefined) {
      known.recording = recording
      return known
    }
    const stream = this.#hub.get(recording.stream)
    const isOver = recording.state === 'ready' || recording.state === 'failed'
    if (isOver || (stream === undefined && recording.state === 'waiting')) return undefined
    const source = stream === undefined ? undefined : this.#arrived(stream)
    const out: OutStream = {
      kind: 'out',
      id: this.#nextId++,
      name: source?.name ?? recording.stream,
      recordingId: recording.id,
      createdAtMs: this.#runtime.nowMs(),
      source,
      recording,
    }
    this.#out.set(recording.id, out)
    this.#watcher.created(out)
    return out
  }

  /** The recording is over. */
  recordingOver(recordingId: string): void {
    const out = this.#out.get(recordingId)
    if (out === undefined) return
    this.#out.delete(recordingId)
    this.#watcher.closed(out)
  }

  [Symbol.dispose](): void {
    this.#owned.dispose()
  }

  #arrived(stream: Stream): InStream {
    const known = this.#in.get(stream.id)
    if (known !== undefined) return known
    const arrived: InStream = { kind: 'in', id: this.#nextId++, name: nameOf(stream), stream }
    this.#in.set(stream.id, arrived)
    this.#watcher.created(arrived)
    return arrived
  }

  #left(stream: Stream): void {
    const left = this.#in.get(stream.id)
    if (left === undefined) return
    this.#in.delete(stream.id)
    this.#watcher.closed(left)
  }
}

/** Applications have streams of the same name here; this vendor's names leave the application out. */
function nameOf({ path, publisher: { app, instance } }: Stream): string {
  const prefix = `${[app, instance].filter((part) => part !== '').join('/')}/`
  return app !== '' && path.startsWith(prefix) ? path.slice(prefix.length) : path
}
