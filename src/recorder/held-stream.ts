import type { AttachOptions, Stream, StreamEnd, StreamLoss, StreamSink } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { type DataMessage, heldBytes } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'

/** What a recording takes its media from: a stream, or one that was held for it. */
export type StreamSource = Pick<
  Stream,
  | 'id'
  | 'path'
  | 'formats'
  | 'end'
  | 'attach'
  | 'memoryAgeMs'
  | 'sourceWallClock'
  | 'askRandomAccess'
  | 'canAskRandomAccess'
  | 'promisedVideo'
> & {
  /** Of one that was held, on the monotonic clock in milliseconds: since when, and when it ended. */
  readonly heldMs?: number
  readonly endedMs?: number | undefined
}

export interface HeldStreamOptions {
  readonly capacityBytes: number
  /** As in AttachOptions of the hub. */
  readonly from: AttachOptions['from']
  /** How far in the past it begins; see AttachOptions of the hub. */
  readonly backMs: number
  readonly monotonicMs: () => number
}

type Item =
  | { readonly kind: 'format'; readonly format: TrackFormat }
  | { readonly kind: 'lost'; readonly loss: StreamLoss }
  | { readonly kind: 'data'; readonly message: DataMessage }
  | { readonly kind: 'accessUnit'; readonly accessUnit: AccessUnit }

/**
 * A stream as it was when it was first seen: keeps what comes until the recording that is to have it can begin (the
 * catalog has to be asked before a file is appended to), then hands all of it over. Holds no more than `capacityBytes`;
 * beyond that the stream's own memory has to do.
 */
export class HeldStream implements StreamSource, StreamSink, Disposable {
  readonly #stream: Stream
  readonly #options: HeldStreamOptions
  /** Since when, on the monotonic clock. */
  readonly heldMs: number
  #endedMs: number | undefined
  /** Of what came first, when it was taken; undefined: it came later. */
  readonly #ageMs: number | undefined
  readonly #knownFormats: ReadonlyMap<number, TrackFormat>
  readonly #attachment: Disposable
  #items: Item[] = []
  #bytes = 0
  #overflowed = false
  #released = false

  constructor(stream: Stream, options: HeldStreamOptions) {
    this.#stream = stream
    this.#options = options
    this.#knownFormats = new Map(stream.formats)
    this.heldMs = options.monotonicMs()
    this.#ageMs = stream.memoryAgeMs(options.backMs)
    this.#attachment = stream.attach(this, { from: options.from, backMs: options.backMs, live: false })
  }

  get id(): string {
    return this.#stream.id
  }

  get path(): string {
    return this.#stream.path
  }

  get formats(): ReadonlyMap<number, TrackFormat> {
    return this.#overflowed ? this.#stream.formats : this.#knownFormats
  }

  get end(): StreamEnd | undefined {
    return this.#stream.end
  }

  get promisedVideo(): Stream['promisedVideo'] {
    return this.#stream.promisedVideo
  }

  sourceWallClock = (timeMs: number): number | undefined => this.#stream.sourceWallClock(timeMs)

  askRandomAccess = (): void => this.#stream.askRandomAccess()

  canAskRandomAccess = (): boolean => this.#stream.canAskRandomAccess()

  memoryAgeMs(backMs: number): number | undefined {
    if (this.#overflowed) return this.#stream.memoryAgeMs(backMs)
    return this.#ageMs === undefined ? undefined : this.#ageMs + this.#options.monotonicMs() - this.heldMs
  }

  format(format: TrackFormat): void {
    if (!this.#released) this.#items.push({ kind: 'format', format })
  }

  lost(loss: StreamLoss): void {
    if (!this.#released) this.#items.push({ kind: 'lost', loss })
  }

  data(message: DataMessage): void {
    const bytes = heldBytes(message)
    if (this.#released || this.#overflowed || this.#bytes + bytes > this.#options.capacityBytes) return
    this.#bytes += bytes
    this.#items.push({ kind: 'data', message })
  }

  accessUnit(accessUnit: AccessUnit): void {
    if (this.#released || this.#overflowed) return
    this.#bytes += accessUnit.payloadBytes
    if (this.#bytes > this.#options.capacityBytes) {
      this.#overflowed = true
      this.#release()
      return
    }
    this.#items.push({ kind: 'accessUnit', accessUnit: accessUnit.retain() })
  }

  /** Whoever attaches later is told by the stream itself. */
  ended(_end: StreamEnd): void {
    this.#endedMs = this.#options.monotonicMs()
  }

  /** On the monotonic clock, milliseconds; undefined while it goes on, and when it ended after it was handed over. */
  get endedMs(): number | undefined {
    return this.#endedMs
  }

  /** No media has come yet. */
  get isEmpty(): boolean {
    return !this.#overflowed && !this.#items.some(({ kind }) => kind === 'accessUnit')
  }

  /** Once: what was held goes to the sink first. */
  attach(sink: StreamSink, options: AttachOptions): Disposable {
    this.#leave()
    if (this.#overflowed) return this.#stream.attach(sink, options)
    for (const item of this.#items) {
      if (item.kind === 'format') sink.format(item.format)
      else if (item.kind === 'lost') sink.lost?.(item.loss)
      else if (item.kind === 'data') sink.data?.(item.message)
      else sink.accessUnit(item.accessUnit, false)
    }
    this.#release()
    return this.#stream.attach(sink, { ...options, from: 'now' })
  }

  /** Nobody will attach. */
  [Symbol.dispose](): void {
    this.#leave()
    this.#release()
  }

  #leave(): void {
    this.#released = true
    this.#attachment[Symbol.dispose]()
  }

  #release(): void {
    for (const item of this.#items) if (item.kind === 'accessUnit') item.accessUnit.release()
    this.#items = []
  }
}
