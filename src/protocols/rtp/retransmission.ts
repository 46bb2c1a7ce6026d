import { distance } from './jitter-buffer.ts'
import { put32, type RtpPacket, u16 } from './packet.ts'

/** Of the original sequence number (RFC 4588 §4). */
const OSN_BYTES = 2

/**
 * Turns a retransmission (RFC 4588 §4) into the packet it repeats, within its own memory: the header moves over the
 * original sequence number.
 * @param packet the retransmission, as it was parsed from the whole of `bytes`; its fields mean nothing afterwards
 * @param payloadType that of the original (`apt` of the format parameters)
 * @param ssrc that of the original
 * @returns the original, a view; undefined when it repeats nothing but only probes the path (padding)
 */
export function unwrapRetransmission(
  packet: RtpPacket,
  bytes: Uint8Array,
  payloadType: number,
  ssrc: number,
): Uint8Array | undefined {
  if (packet.payloadBytes < OSN_BYTES) return undefined
  const sequenceNumber = u16(bytes, packet.payloadStart)
  bytes.copyWithin(OSN_BYTES, 0, packet.payloadStart)
  const original = bytes.subarray(OSN_BYTES)
  original[1] = (packet.marker ? 0x80 : 0) | (payloadType & 0x7f)
  original[2] = sequenceNumber >>> 8
  original[3] = sequenceNumber
  put32(original, 8, ssrc)
  return original
}

/** More missing at once than this are not asked for: it is faster to begin with a new picture. */
const MAX_GAP = 512
/** Slots by sequence number; a power of two, larger than what can be missing at once. */
const SLOTS = 2048
/** A missing packet is asked for after this: most of those that are only out of order have come by then. */
const GRACE_MS = 10
/** An answer takes at least this, and at most that. */
const MIN_RTT_MS = 10
const MAX_RTT_MS = 1_000
/** How much a new round trip counts. */
const RTT_WEIGHT = 1 / 8
/** Answers come a little earlier and later. */
const RTT_MARGIN = 1.25
/** Asked for this often at most. */
const MAX_TRIES = 10
/** Bounds what one call returns, and so the packet that asks. */
const MAX_DUE = 256

/** In place of the number of tries: nothing is missing there. */
const PRESENT = 255

/** A number this far behind has nothing to do with those before: the source has restarted (RFC 3550 appendix A.1). */
const MAX_BACK = 3000

/**
 * Knows which packets of a source are missing, and when each is to be asked for (RFC 4585 §6.2.1): shortly after a later
 * one came, then again about every round trip, for as long as it may still come in time. How long a round trip takes is
 * learned from the answers.
 */
export class NackRequester {
  readonly #maxDelayMs: number
  #rttMs: number
  #highest = -1
  /** Sequence numbers, oldest first. */
  readonly #missing: number[] = []
  /** By slot: when it was found missing, when it was last asked for, how often. Most sources never miss one: made then. */
  #sinceMs = new Float64Array(0)
  #askedMs = new Float64Array(0)
  #tries = new Uint8Array(0)
  #requested = 0
  #repaired = 0
  #givenUp = 0

  /** @param options.maxDelayMs how long a missing packet is of use  @param options.rttMs assumed before the first answer */
  constructor({ maxDelayMs, rttMs }: { readonly maxDelayMs: number; readonly rttMs: number }) {
    this.#maxDelayMs = maxDelayMs
    this.#rttMs = rttMs
  }

  /** Packets asked for, each counted once. */
  get requested(): number {
    return this.#requested
  }

  /** Packets that were asked for and came in time. */
  get repaired(): number {
    return this.#repaired
  }

  /** Packets that were asked for, or would have been, and did not come in time. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** What is missing now. */
  get missing(): number {
    return this.#missing.length
  }

  /** Between a request and its answer, milliseconds. */
  get rttMs(): number {
    return this.#rttMs
  }

  /** Whether it is being waited for. */
  isMissing(sequenceNumber: number): boolean {
    const slot = sequenceNumber & (SLOTS - 1)
    return (this.#tries[slot] ?? PRESENT) !== PRESENT && this.#missing.includes(sequenceNumber)
  }

  /** A packet came, by whatever way. @param sequenceNumber the original's */
  received(sequenceNumber: number, nowMs: number): void {
    if (this.#highest === -1) {
      this.#highest = sequenceNumber
      return
    }
    const ahead = distance(this.#highest, sequenceNumber)
    if (ahead === 1) {
      this.#highest = sequenceNumber
      return
    }
    if (ahead > MAX_BACK || ahead < -MAX_BACK) return
    if (ahead <= 0) {
      if (this.#missing.length > 0) this.#came(sequenceNumber, nowMs)
      return
    }
    const first = (this.#highest + 1) & 0xffff
    this.#highest = sequenceNumber
    if (ahead - 1 > MAX_GAP || this.#missing.length + ahead - 1 > SLOTS / 2) {
      // Those that were missing before are not worth asking for either: what follows cannot be used without a new picture.
      this.#forget()
      return
    }
    if (this.#tries.length === 0) this.#makeSlots()
    for (let count = 1; count < ahead; count++) this.#misses((first + count - 1) & 0xffff, nowMs)
  }

  /** The source counts anew: nothing before is missing any more. */
  restarted(): void {
    this.#forget()
    this.#highest = -1
  }

  /**
   * What is to be asked for now, in order; call it every few tens of milliseconds, and ask. The array is the caller's.
   */
  due(nowMs: number): readonly number[] {
    const missing = this.#missing
    if (missing.length === 0) return NONE
    let due: number[] | undefined
    let kept = 0
    for (const sequenceNumber of missing) {
      const slot = sequenceNumber & (SLOTS - 1)
      if (this.#tries[slot] === PRESENT) continue
      if (nowMs - (this.#sinceMs[slot] ?? 0) >= this.#maxDelayMs || distance(sequenceNumber, this.#highest) >= SLOTS) {
        this.#tries[slot] = PRESENT
        this.#givenUp++
        continue
      }
      missing[kept++] = sequenceNumber
      if ((due?.length ?? 0) < MAX_DUE && this.#isDue(slot, nowMs)) {
        due ??= []
        due.push(sequenceNumber)
      }
    }
    missing.length = kept
    return due ?? NONE
  }

  #isDue(slot: number, nowMs: number): boolean {
    const tries = this.#tries[slot] ?? 0
    if (tries === 0) {
      if (nowMs - (this.#sinceMs[slot] ?? 0) < GRACE_MS) return false
      this.#requested++
    } else {
      if (tries >= MAX_TRIES || nowMs - (this.#askedMs[slot] ?? 0) < this.#rttMs * RTT_MARGIN) return false
    }
    this.#tries[slot] = tries + 1
    this.#askedMs[slot] = nowMs
    return true
  }

  #makeSlots(): void {
    this.#sinceMs = new Float64Array(SLOTS)
    this.#askedMs = new Float64Array(SLOTS)
    this.#tries = new Uint8Array(SLOTS).fill(PRESENT)
  }

  #misses(sequenceNumber: number, nowMs: number): void {
    const slot = sequenceNumber & (SLOTS - 1)
    this.#missing.push(sequenceNumber)
    this.#sinceMs[slot] = nowMs
    this.#tries[slot] = 0
  }

  #came(sequenceNumber: number, nowMs: number): void {
    const slot = sequenceNumber & (SLOTS - 1)
    const tries = this.#tries[slot] ?? PRESENT
    if (tries === PRESENT) return
    const index = this.#missing.indexOf(sequenceNumber)
    if (index < 0) return
    this.#missing.splice(index, 1)
    this.#tries[slot] = PRESENT
    if (tries === 0) return
    this.#repaired++
    // Which request a packet answers is only sure when there was but one.
    if (tries !== 1) return
    const tookMs = Math.max(MIN_RTT_MS, Math.min(MAX_RTT_MS, nowMs - (this.#askedMs[slot] ?? nowMs)))
    this.#rttMs += (tookMs - this.#rttMs) * RTT_WEIGHT
  }

  #forget(): void {
    for (const sequenceNumber of this.#missing) this.#tries[sequenceNumber & (SLOTS - 1)] = PRESENT
    this.#givenUp += this.#missing.length
    this.#missing.length = 0
  }
}

const NONE: readonly number[] = []
