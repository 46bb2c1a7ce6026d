import { Buffer } from 'node:buffer'
import type { Codec } from '#media/codec.ts'
import type { Reservation } from '#media/payload-memory.ts'
import { PullReaderError } from './errors.ts'

/**
 * What a reading process tells the server over its pipe: frames with a head of fixed size, all numbers little-endian.
 *
 *     u32 bytes of the body │ u8 kind │ u8 track │ u8 flags │ u8 0 │ f64 DTS │ f64 PTS │ body
 *
 * The body of an access unit is its payload in the hub's form, that of any other kind JSON.
 */
export const FRAME_HEAD_BYTES = 24

/** Kinds of frames. */
export const FrameKind = { opened: 1, track: 2, accessUnit: 3, over: 4 } as const

/** Flags of an access unit. Damaged: parts of it are missing. Unusable: it is not in the hub's form either. */
export const UnitFlag = { randomAccess: 1, damaged: 2, unusable: 4 } as const

/** A larger access unit is no media, but an attack on our memory. */
export const MAX_UNIT_BYTES = 16 * 1024 * 1024

/** Room for a codec configuration of 64 KiB in base64. */
const MAX_TEXT_BYTES = 128 * 1024

/** The source is open: it has said something that is media. Comes again when its tracks are known. */
export interface OpenedFrame {
  /** libavformat's name of the container. */
  readonly format: string
  /** Tracks that are not recorded, and why. */
  readonly left: readonly string[]
}

/** A track, or what has become of one. What is not known is 0 or empty. */
export interface TrackFrame {
  /** 1 to 255. */
  readonly trackId: number
  readonly codec: Codec
  /** Ticks per second. */
  readonly timescale: number
  /** The codec configuration record, base64. */
  readonly configuration: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly sampleRateHz: number
  readonly channels: number
  readonly language: string
}

/** Why reading is over. `nothing`: there are no tracks that could be taken; the reasons are why. */
export interface OverFrame {
  readonly how:
    | 'ended'
    | 'stopped'
    | 'silent'
    | 'unreachable'
    | 'missing'
    | 'refused'
    | 'strange'
    | 'nothing'
    | 'failed'
  /** Whether media was being read, not only asked for. */
  readonly isOpen: boolean
  /** In libav's words, addresses hidden. */
  readonly message: string
  readonly reasons: readonly string[]
}

/** The head of an access unit. */
export interface UnitHead {
  readonly trackId: number
  readonly dts: number
  readonly pts: number
  readonly isRandomAccess: boolean
  readonly isDamaged: boolean
  readonly isUnusable: boolean
}

/** Takes the frames of one reading process. */
export interface FrameSink {
  opened(frame: OpenedFrame): void
  track(frame: TrackFrame): void
  /** Where the payload of an access unit is to be put. @throws {PullReaderError} there is no such track */
  place(trackId: number, bytes: number): Reservation
  /** It is there. The reservation goes over to the sink; the head is used again. */
  accessUnit(head: UnitHead, reservation: Reservation): void
  over(frame: OverFrame): void
}

/** Bytes of a pipe → frames. Payloads are copied once, to their place in the hub. */
export class FrameReader implements Disposable {
  readonly #sink: FrameSink
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES)
  readonly #unit = { trackId: 0, dts: 0, pts: 0, isRandomAccess: false, isDamaged: false, isUnusable: false }
  #headBytes = 0
  #bodyLength = 0
  #bodyBytes = 0
  #body: Uint8Array = this.#head
  #bodyStart = 0
  #reservation: Reservation | undefined

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** @throws {PullReaderError} these are no frames */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#headBytes < FRAME_HEAD_BYTES) {
        const taken = Math.min(FRAME_HEAD_BYTES - this.#headBytes, bytes.length - at)
        this.#head.set(bytes.subarray(at, at + taken), this.#headBytes)
        this.#headBytes += taken
        at += taken
        if (this.#headBytes < FRAME_HEAD_BYTES) return
        this.#begin()
      }
      const taken = Math.min(this.#bodyLength - this.#bodyBytes, bytes.length - at)
      this.#body.set(bytes.subarray(at, at + taken), this.#bodyStart + this.#bodyBytes)
      this.#bodyBytes += taken
      at += taken
      if (this.#bodyBytes === this.#bodyLength) this.#end()
    }
  }

  /** What was begun is forgotten. */
  [Symbol.dispose](): void {
    this.#reservation?.chunk.release()
    this.#reservation = undefined
  }

  #begin(): void {
    const length = this.#head.readUInt32LE(0)
    const isUnit = this.#head[4] === FrameKind.accessUnit
    if (length === 0 || length > (isUnit ? MAX_UNIT_BYTES : MAX_TEXT_BYTES)) {
      throw new PullReaderError(`a frame of kind ${this.#head[4]} with ${length} bytes`)
    }
    this.#bodyLength = length
    this.#bodyBytes = 0
    if (isUnit) {
      this.#reservation = this.#sink.place(this.#head[5] ?? 0, length)
      this.#body = this.#reservation.chunk.bytes
      this.#bodyStart = this.#reservation.start
    } else {
      this.#body = new Uint8Array(length)
      this.#bodyStart = 0
    }
  }

  #end(): void {
    this.#headBytes = 0
    const reservation = this.#reservation
    if (reservation !== undefined) {
      this.#reservation = undefined
      const flags = this.#head[6] ?? 0
      this.#unit.trackId = this.#head[5] ?? 0
      this.#unit.dts = this.#head.readDoubleLE(8)
      this.#unit.pts = this.#head.readDoubleLE(16)
      this.#unit.isRandomAccess = (flags & UnitFlag.randomAccess) !== 0
      this.#unit.isDamaged = (flags & UnitFlag.damaged) !== 0
      this.#unit.isUnusable = (flags & UnitFlag.unusable) !== 0
      this.#sink.accessUnit(this.#unit, reservation)
      return
    }
    const kind = this.#head[4]
    const text = Buffer.from(this.#body).toString()
    if (kind === FrameKind.opened) this.#sink.opened(JSON.parse(text))
    else if (kind === FrameKind.track) this.#sink.track(JSON.parse(text))
    else if (kind === FrameKind.over) this.#sink.over(JSON.parse(text))
    else throw new PullReaderError(`a frame of kind ${kind}`)
  }
}
