import type { Runtime } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { type StreamItem, StreamQueue } from '#hub/stream-queue.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { Codec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import { NotViewableError, TooManyViewersError } from './errors.ts'
import { LiveTimeline } from './live-timeline.ts'

/** Turns access units into an endless fragmented MP4; times start near zero. See containers/mp4. */
export interface FragmentWriter {
  /** Retains the access unit until its bytes were taken. */
  write(accessUnit: AccessUnit, timing: { readonly dts: number; readonly pts: number }): void
  /** Whole fragments so far (first the initialization segment), copied out of pooled memory. Empty when there are none. */
  take(): readonly Uint8Array[]
  /** Closes the fragment in progress: nothing more is at hand, show what there is. */
  flush(): void
  /** Releases what was not taken. */
  [Symbol.dispose](): void
}

export interface FragmentFormat {
  carries(codec: Codec): boolean
  open(formats: readonly TrackFormat[], createdAtMs: number): FragmentWriter
}

export interface LiveViewsOptions {
  readonly runtime: Runtime
  readonly fragments: FragmentFormat
  readonly maxViewers: number
}

/** What a viewer may be behind, in bytes of media: a few seconds of a good picture. */
const VIEWER_QUEUE_BYTES = 4 * 1024 * 1024

/** Live views of streams as fragmented MP4, a bounded number at once. */
export class LiveViews {
  readonly #options: LiveViewsOptions
  #viewers = 0

  constructor(options: LiveViewsOptions) {
    this.#options = options
  }

  get viewers(): number {
    return this.#viewers
  }

  /**
   * The stream from its last random access point on, as pieces to send in order; take them no faster than they go
   * out. A viewer that falls behind loses whole GOPs. Ends with the stream, when a format changes or a track appears
   * (progressive MP4 has one initialization segment), and when timestamps jump: the viewer asks again.
   * @throws {NotViewableError} at once: no media yet, or a codec MP4 can't carry
   * @throws {TooManyViewersError} at once
   */
  open(stream: Stream): LiveView {
    const formats = [...stream.formats.values()]
    const { fragments, runtime, maxViewers } = this.#options
    const refused = formats.filter(({ codec }) => !fragments.carries(codec)).map(({ codec }) => codec)
    if (formats.length === 0 || refused.length > 0) throw new NotViewableError(stream.path, refused)
    if (this.#viewers >= maxViewers) throw new TooManyViewersError(maxViewers)
    this.#viewers++
    return new LiveView(stream, fragments.open(formats, runtime.nowMs()), formats, () => void this.#viewers--)
  }
}

/** One viewer. Iterate it once; dispose it when the viewer is gone, which also ends an iteration that waits. */
export class LiveView implements AsyncIterable<Uint8Array>, Disposable {
  readonly #writer: FragmentWriter
  readonly #queue: StreamQueue
  readonly #subscription: Disposable
  readonly #formats: readonly TrackFormat[]
  readonly #timeline = new LiveTimeline()
  readonly #onClosed: () => void
  #wake: () => void = () => undefined
  #started = false
  #ended = false
  #disposed = false

  constructor(stream: Stream, writer: FragmentWriter, formats: readonly TrackFormat[], onClosed: () => void) {
    this.#writer = writer
    this.#formats = formats
    this.#onClosed = onClosed
    this.#queue = new StreamQueue(VIEWER_QUEUE_BYTES, () => this.#wake())
    this.#subscription = stream.attach(this.#queue, { from: 'memory', live: true })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (!this.#ended && !this.#disposed) {
        this.#takeIn(this.#queue.takeAll())
        yield* this.#writer.take()
        await this.#nextItems()
      }
      if (this.#disposed) return
      this.#writer.flush()
      yield* this.#writer.take()
    } finally {
      this[Symbol.dispose]()
    }
  }

  #takeIn(items: readonly StreamItem[]): void {
    for (const item of items) {
      if (item.kind === 'accessUnit') this.#write(item.accessUnit, item.startsGop)
      else if (item.kind === 'ended') this.#ended = true
      else if (item.kind === 'format' && !this.#formats.includes(item.format)) this.#ended = true
    }
  }

  #write(accessUnit: AccessUnit, startsGop: boolean): void {
    // A GOP too large to be remembered is joined in its middle: nothing of it could be decoded.
    this.#started ||= startsGop
    if (this.#started && !this.#ended) {
      const timing = this.#timeline.place(accessUnit)
      if (timing === 'jumped') this.#ended = true
      else if (timing !== 'early') this.#writer.write(accessUnit, timing)
    }
    accessUnit.release()
  }

  /** Resolves when something is queued, or the view is over. */
  async #nextItems(): Promise<void> {
    if (this.#ended || this.#disposed || this.#queue.hasItems) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#subscription[Symbol.dispose]()
    this.#queue[Symbol.dispose]()
    this.#writer[Symbol.dispose]()
    this.#onClosed()
    this.#wake()
  }
}
