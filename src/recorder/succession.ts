import type { Stream } from '#hub/stream.ts'
import type { HeldStream } from './held-stream.ts'
import type { Recording } from './recording.ts'
import type { ResolvedRequest } from './request-defaults.ts'

export interface SuccessionOptions {
  /** The rule that records; null: somebody asked for it. */
  readonly ruleId: string | null
  readonly request: ResolvedRequest
  readonly hold: (stream: Stream) => HeldStream
  readonly monotonicMs: () => number
}

/**
 * Streams of one path that a recording is to have one after the other, held until it can take them: until it is known
 * whether it can have its file, and until that is open. A publisher may be lost and come back meanwhile.
 */
export class Succession implements Disposable {
  readonly #options: SuccessionOptions
  #waiting: HeldStream[] = []
  #last: { readonly stream: Stream; readonly held: HeldStream } | undefined
  #isOver = false
  #recording: Recording | undefined

  constructor(options: SuccessionOptions) {
    this.#options = options
  }

  get ruleId(): string | null {
    return this.#options.ruleId
  }

  get path(): string {
    return this.#options.request.stream
  }

  /** Undefined until it is in progress. */
  get recording(): Recording | undefined {
    return this.#recording
  }

  /** The recording takes its streams by itself. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether the stream is the newest of them. */
  endsWith(stream: Stream): boolean {
    return this.#last?.stream === stream
  }

  /** Takes a stream that has just begun if the recording would go on with it; otherwise it is another recording's. */
  offer(stream: Stream): boolean {
    if (!this.#goesOn()) return false
    this.add(stream)
    return true
  }

  add(stream: Stream): void {
    const held = this.#options.hold(stream)
    this.#last = { stream, held }
    this.#waiting.push(held)
  }

  /** Gives the recording the next one; false when there is none. */
  next(recording: Recording): boolean {
    this.#recording = recording
    using held = this.#waiting.shift()
    if (held === undefined) return false
    // It may have been stopped: then it takes nothing more.
    recording.attach(held)
    return true
  }

  /** Gives the recording all of them, each when it can take it, and is over. */
  async handOver(recording: Recording): Promise<void> {
    this.#recording = recording
    do await recording.opened
    while (this.next(recording))
    this.#isOver = true
  }

  /** Nobody will take what is held. */
  [Symbol.dispose](): void {
    this.#isOver = true
    for (const held of this.#waiting) held[Symbol.dispose]()
    this.#waiting = []
  }

  #goesOn(): boolean {
    const { request, monotonicMs } = this.#options
    if (this.#recording?.isStopping === true) return false
    const end = this.#last?.held.end
    if (this.#last === undefined || end === undefined) return this.#last === undefined && request.waitForStream
    const { isEmpty, endedMs = monotonicMs() } = this.#last.held
    // As a recording in progress does: what was to be waited for has not come yet, or may come back.
    if (request.waitForStream && isEmpty && this.#recording === undefined && end.cause !== 'shutdown') return true
    return end.cause === 'lost' && monotonicMs() - endedMs < request.reconnectSeconds * 1000
  }
}
