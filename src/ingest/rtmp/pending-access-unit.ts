import type { AccessUnit } from '#media/access-unit.ts'
import type { AccessUnitPool } from '#media/access-unit-pool.ts'
import type { VideoTag } from '#media/flv/video-tag.ts'
import type { Reservation } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Placement } from '#protocols/rtmp/chunk-reader.ts'

/** What a tag header tells of the access unit behind it. */
export type TagTiming = Pick<VideoTag, 'timestampOffsetNs' | 'compositionTimeMs' | 'isKeyFrame'>

/** Takes access units whose bytes are complete, in the order they became so. */
export interface AccessUnitFeed {
  finish(accessUnit: PendingAccessUnit): void
}

/** An access unit whose payload is still arriving, straight into the memory it will stay in. */
export class PendingAccessUnit implements Placement {
  readonly format: TrackFormat
  /** Of the message, wrapping. */
  readonly timestampMs: number
  readonly timing: TagTiming
  readonly reservation: Reservation
  readonly #feed: AccessUnitFeed

  constructor(
    feed: AccessUnitFeed,
    format: TrackFormat,
    timestampMs: number,
    timing: TagTiming,
    reservation: Reservation,
  ) {
    this.#feed = feed
    this.format = format
    this.timestampMs = timestampMs
    this.timing = timing
    this.reservation = reservation
  }

  get memory(): Uint8Array {
    return this.reservation.chunk.bytes
  }

  get start(): number {
    return this.reservation.start
  }

  get payloadBytes(): number {
    return this.reservation.payloadBytes
  }

  complete(): void {
    this.#feed.finish(this)
  }

  abandon(): void {
    this.reservation.chunk.release()
  }

  /** The complete access unit, its times known; takes the reservation over. */
  at(dts: number, pts: number, pool: AccessUnitPool): AccessUnit {
    return pool.make(this.format, { dts, pts, isRandomAccess: this.timing.isKeyFrame }, this.reservation)
  }
}
