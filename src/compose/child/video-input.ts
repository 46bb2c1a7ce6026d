import { AV_NOPTS_VALUE, AV_OPT_TYPE_INT64, type FFDecoderCodec } from 'node-av/constants'
import { Codec, CodecContext, FFmpegError, Frame, Packet, Rational } from 'node-av/lib'
import type { VideoCodec } from '#media/codec.ts'
import type { VideoSource } from '../messages.ts'

/** libavcodec's names. Those that need no hardware. */
const DECODERS: Readonly<Record<VideoCodec, string>> = {
  h264: 'h264',
  h265: 'hevc',
  av1: 'libdav1d',
  vp9: 'vp9',
  vp8: 'vp8',
  mpeg4: 'mpeg4',
  jpeg: 'mjpeg',
}
/** What their configuration records are for is in the payload as well, and libavcodec knows them not. */
const WITHOUT_EXTRADATA: readonly VideoCodec[] = ['vp8', 'vp9', 'jpeg']

/** Microseconds a second: the decoder's clock. */
const TICKS_PER_MS = 1_000

/** What waits to be decoded, at most: ten seconds of a good camera. Beyond it the oldest goes, up to a key frame. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Decoding this far behind goes on at the newest key frame that is due. */
const MAX_BEHIND_MS = 1_000

/** Larger pictures are not decoded: 8192 by 4320. */
const MAX_PIXELS = 35_389_440n

interface CodedPicture {
  /** Undefined: another source begins. */
  readonly payload: Uint8Array | undefined
  readonly source: VideoSource | undefined
  readonly dtsMs: number
  readonly ptsMs: number
  readonly isRandomAccess: boolean
}

/** One source's pictures: decoded when they are due, just in time. */
export class VideoInput implements Disposable {
  readonly #dueMs: (sourceMs: number) => number
  #waiting: CodedPicture[] = []
  #waitingBytes = 0
  #context: CodecContext | undefined
  #source: VideoSource | undefined
  readonly #packet = new Packet()
  /** Shown now; and decoded, but not yet due. */
  #shown = emptyFrame()
  #next = emptyFrame()
  #hasShown = false
  #nextMs: number | undefined
  #needsRandomAccess = true

  /** @param dueMs where a time of the source lies now */
  constructor(dueMs: (sourceMs: number) => number) {
    this.#dueMs = dueMs
    this.#packet.alloc()
  }

  /** The picture to show; undefined: there was none yet. Valid until the next call of advance(). */
  get picture(): Frame | undefined {
    return this.#hasShown ? this.#shown : undefined
  }

  /** Width of a pixel by its height. */
  get pixelAspect(): number {
    return this.#source?.pixelAspect ?? 1
  }

  /** What follows is of this source. */
  follow(source: VideoSource): void {
    this.#waiting.push({ payload: undefined, source, dtsMs: 0, ptsMs: 0, isRandomAccess: true })
  }

  take(payload: Uint8Array, dtsMs: number, ptsMs: number, isRandomAccess: boolean): void {
    if (payload.length === 0) return
    this.#waiting.push({ payload, source: undefined, dtsMs, ptsMs, isRandomAccess })
    this.#waitingBytes += payload.length
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#skipTo(this.#waiting.findIndex(isLaterRandomAccess))
  }

  /**
   * Goes on to what is due.
   * @param patienceMs decoding may take for what should have been shown before
   * @returns whether there is another picture
   */
  advance(nowMs: number, patienceMs: number): boolean {
    const behind = this.#waiting.findLastIndex((item) => item.isRandomAccess && this.#dueMs(item.dtsMs) <= nowMs)
    if (behind > 0 && nowMs - this.#dueMs(this.#waiting[0]?.dtsMs ?? 0) > MAX_BEHIND_MS) this.#skipTo(behind)
    const startMs = performance.now()
    let hasChanged = false
    for (;;) {
      if (this.#nextMs !== undefined) {
        if (this.#dueMs(this.#nextMs) > nowMs) return hasChanged
        this.#show()
        hasChanged = true
      }
      if (this.#receive()) continue
      const [item] = this.#waiting
      if (item === undefined) return hasChanged
      // A source that joins in the middle of a GOP has all of it to catch up with; the others must not wait for that.
      if (performance.now() - startMs > patienceMs && this.#dueMs(item.ptsMs) < nowMs) return hasChanged
      this.#waiting.shift()
      this.#decode(item)
    }
  }

  [Symbol.dispose](): void {
    this.#context?.freeContext()
    this.#packet.free()
    this.#shown.free()
    this.#next.free()
  }

  #skipTo(index: number): void {
    const to = index < 0 ? this.#waiting.length : index
    const skipped = this.#waiting.splice(0, to)
    const source = skipped.findLast((item) => item.source !== undefined)
    for (const { payload } of skipped) this.#waitingBytes -= payload?.length ?? 0
    if (source !== undefined) this.#waiting.unshift(source)
    this.#context?.flushBuffers()
    this.#needsRandomAccess = true
  }

  #show(): void {
    const { 0: next, 1: shown } = [this.#next, this.#shown]
    this.#shown = next
    this.#next = shown
    shown.unref()
    this.#hasShown = true
    this.#nextMs = undefined
  }

  #receive(): boolean {
    const context = this.#context
    if (context === undefined || context.receiveFrameSync(this.#next) < 0) return false
    const { bestEffortTimestamp: best } = this.#next
    this.#nextMs = best === AV_NOPTS_VALUE ? Number.NEGATIVE_INFINITY : Number(best) / TICKS_PER_MS
    return true
  }

  /** What can't be decoded is left out: the picture before it stays. */
  #decode({ payload, source, dtsMs, ptsMs, isRandomAccess }: CodedPicture): void {
    if (source !== undefined) this.#open(source)
    if (payload === undefined) return
    this.#waitingBytes -= payload.length
    if (this.#context === undefined || (this.#needsRandomAccess && !isRandomAccess)) return
    this.#needsRandomAccess = false
    const packet = this.#packet
    packet.data = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
    packet.pts = BigInt(Math.round(ptsMs * TICKS_PER_MS))
    packet.dts = BigInt(Math.round(dtsMs * TICKS_PER_MS))
    this.#context.sendPacketSync(packet)
    packet.unref()
  }

  #open(source: VideoSource): void {
    this.#context?.freeContext()
    this.#context = undefined
    this.#source = source
    this.#needsRandomAccess = true
    const codec = Codec.findDecoderByName(DECODERS[source.codec] as FFDecoderCodec)
    if (codec === null) return
    const context = new CodecContext()
    context.allocContext3(codec)
    context.pktTimebase = new Rational(1, 1_000 * TICKS_PER_MS)
    context.threadCount = 1
    if (source.configuration.length > 0 && !WITHOUT_EXTRADATA.includes(source.codec)) {
      context.extraData = Buffer.from(source.configuration)
    }
    context.setOption('max_pixels', MAX_PIXELS, AV_OPT_TYPE_INT64)
    if (FFmpegError.isFFmpegError(context.open2Sync(codec))) context.freeContext()
    else this.#context = context
  }
}

function isLaterRandomAccess({ isRandomAccess, payload }: CodedPicture, index: number): boolean {
  return index > 0 && isRandomAccess && payload !== undefined
}

function emptyFrame(): Frame {
  const frame = new Frame()
  frame.alloc()
  return frame
}
