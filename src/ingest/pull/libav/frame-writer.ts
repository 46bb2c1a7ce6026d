import { Buffer } from 'node:buffer'
import {
  FRAME_HEAD_BYTES,
  FrameKind,
  type OpenedFrame,
  type OverFrame,
  type TrackFrame,
  UnitFlag,
  type UnitHead,
} from './wire.ts'

/** Frames are gathered up to this size, or for this long: a write costs more than what is in it. */
const GATHER_BYTES = 256 * 1024
const GATHER_MS = 20

/** What takes the media of a source. Payloads are borrowed. */
export interface MediaTaker {
  track(frame: TrackFrame): void
  accessUnit(head: UnitHead, payload: Uint8Array): void
}

/** The reading process's end of the pipe. */
export class FrameWriter implements MediaTaker {
  readonly #write: (bytes: Uint8Array) => void
  readonly #memory = Buffer.alloc(GATHER_BYTES)
  #length = 0
  #timer: NodeJS.Timeout | undefined

  /** @param write all of it, before it returns; blocks while the other end is slow, so that nothing piles up */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write
  }

  opened(frame: OpenedFrame): void {
    this.#text(FrameKind.opened, frame)
  }

  track(frame: TrackFrame): void {
    this.#text(FrameKind.track, frame)
  }

  over(frame: OverFrame): void {
    this.#text(FrameKind.over, frame)
    this.flush()
  }

  accessUnit(head: UnitHead, payload: Uint8Array): void {
    const flags =
      (head.isRandomAccess ? UnitFlag.randomAccess : 0) |
      (head.isDamaged ? UnitFlag.damaged : 0) |
      (head.isUnusable ? UnitFlag.unusable : 0)
    this.#frame(FrameKind.accessUnit, head.trackId, flags, head.dts, head.pts, payload)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#length === 0) return
    this.#write(this.#memory.subarray(0, this.#length))
    this.#length = 0
  }

  #text(kind: number, value: object): void {
    this.#frame(kind, 0, 0, 0, 0, Buffer.from(JSON.stringify(value)))
  }

  #frame(kind: number, trackId: number, flags: number, dts: number, pts: number, body: Uint8Array): void {
    if (this.#length + FRAME_HEAD_BYTES + body.length > GATHER_BYTES) this.flush()
    const at = this.#length
    this.#memory.writeUInt32LE(body.length, at)
    this.#memory[at + 4] = kind
    this.#memory[at + 5] = trackId
    this.#memory[at + 6] = flags
    this.#memory[at + 7] = 0
    this.#memory.writeDoubleLE(dts, at + 8)
    this.#memory.writeDoubleLE(pts, at + 16)
    this.#length = at + FRAME_HEAD_BYTES
    if (this.#length + body.length <= GATHER_BYTES) {
      this.#memory.set(body, this.#length)
      this.#length += body.length
      this.#timer ??= setTimeout(() => this.flush(), GATHER_MS)
      return
    }
    this.flush()
    this.#write(body)
  }
}
