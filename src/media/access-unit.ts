import { TapedeckError } from '#base/error.ts'
import type { AccessUnitPool } from './access-unit-pool.ts'
import type { Chunk, Reservation } from './payload-memory.ts'
import type { TrackFormat } from './track.ts'

/** A payload was read after its memory went back to the pool: a missing retain() of ours, never a user's fault. */
export class ReleasedAccessUnitError extends TapedeckError {
  readonly code = 'internal/access-unit-released'
  readonly origin = 'internal'
  constructor() {
    super('an access unit was used after its last release; please report this with the log')
  }
}

/** When an access unit is decoded and shown, in ticks of its track's timescale, never wrapping. */
export interface AccessUnitTiming {
  readonly dts: number
  readonly pts: number
  /** Decoding may start here (ISO/IEC 14496-12 SAP type 1 or 2). Always true for audio. */
  readonly isRandomAccess: boolean
}

/**
 * All coded data of one picture or one audio frame; the hub's unit. Whoever keeps one beyond the call that handed it
 * over calls `retain()`, and later `release()`; the maker holds the first reference.
 */
export class AccessUnit {
  #format: TrackFormat
  #dts: number
  #pts: number
  #isRandomAccess: boolean
  #payloadBytes: number
  // A place, not a view: access units outlive the young generation by the thousand, and a view weighs twice as much.
  #chunk: Chunk | undefined
  #payloadStart: number
  #references = 1
  readonly #pool: AccessUnitPool | undefined

  /**
   * Takes over the reservation's reference to its chunk.
   * @param reservation undefined: reviveShared() follows at once
   * @param pool where it goes after its last release
   */
  constructor(format: TrackFormat, timing: AccessUnitTiming, reservation?: Reservation, pool?: AccessUnitPool) {
    this.#format = format
    this.#dts = timing.dts
    this.#pts = timing.pts
    this.#isRandomAccess = timing.isRandomAccess
    this.#payloadBytes = reservation?.payloadBytes ?? 0
    this.#chunk = reservation?.chunk
    this.#payloadStart = reservation?.start ?? 0
    this.#pool = pool
  }

  get format(): TrackFormat {
    return this.#format
  }

  get dts(): number {
    return this.#dts
  }

  get pts(): number {
    return this.#pts
  }

  get isRandomAccess(): boolean {
    return this.#isRandomAccess
  }

  get payloadBytes(): number {
    return this.#payloadBytes
  }

  /** Access units that arrived and end in its sound: 1, unless it was transcoded or is silence that nobody sent. */
  get sourceAccessUnits(): number {
    return 1
  }

  /** The coded bytes, a new view each time. Never change them: every subscriber shares them. */
  get payload(): Uint8Array {
    return this.memory.subarray(this.#payloadStart, this.#payloadStart + this.#payloadBytes)
  }

  /** The memory that holds the payload, from `payloadStart` on: for gathering neighbours without a view of each. */
  get memory(): Uint8Array {
    if (this.#chunk === undefined) throw new ReleasedAccessUnitError()
    return this.#chunk.bytes
  }

  get payloadStart(): number {
    return this.#payloadStart
  }

  retain(): this {
    if (this.#references === 0) throw new ReleasedAccessUnitError()
    this.#references++
    return this
  }

  release(): void {
    if (this.#references === 0) throw new ReleasedAccessUnitError()
    if (--this.#references > 0) return
    this.#chunk?.release()
    this.#chunk = undefined
    this.#pool?.recycle(this)
  }

  /** Called by the pool only: another access unit in the same object. */
  revive(format: TrackFormat, timing: AccessUnitTiming, reservation: Reservation): this {
    this.#format = format
    this.#dts = timing.dts
    this.#pts = timing.pts
    this.#isRandomAccess = timing.isRandomAccess
    this.#payloadBytes = reservation.payloadBytes
    this.#chunk = reservation.chunk
    this.#payloadStart = reservation.start
    this.#references = 1
    return this
  }

  /** Called by the pool only: another access unit in the same object, with the payload of `source`, which both keep. */
  reviveShared(source: AccessUnit, format: TrackFormat, shiftTicks: number): this {
    const chunk = source.#chunk
    if (chunk === undefined) throw new ReleasedAccessUnitError()
    chunk.retain()
    this.#format = format
    this.#dts = source.#dts + shiftTicks
    this.#pts = source.#pts + shiftTicks
    this.#isRandomAccess = source.#isRandomAccess
    this.#payloadBytes = source.#payloadBytes
    this.#chunk = chunk
    this.#payloadStart = source.#payloadStart
    this.#references = 1
    return this
  }
}
