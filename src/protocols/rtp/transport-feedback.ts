import { TICKS_PER_MS, writeTransportFeedback } from './feedback.ts'
import { distance } from './jitter-buffer.ts'

/** Arrivals remembered, a power of two: 2048 packets are a quarter of a second of 80 Mbit/s. */
const CAPACITY = 2048
/** How far behind what was told a late packet may be, to be told still. */
const MAX_LATE = 512
/** Between two reports at least. Senders expect 50 to 250 ms; each costs as much as receiving several packets. */
const EVERY_MS = 100
const NOT_RECEIVED = -1
const NONE: readonly Uint8Array[] = []

/**
 * Remembers when each packet of a transport arrived, and tells the sender, who estimates the bandwidth by it
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3). Remembering allocates nothing.
 */
export class TransportFeedback {
  readonly #senderSsrc: number
  /** Ticks of 250 µs, by sequence number. */
  readonly #arrivals = new Float64Array(CAPACITY).fill(NOT_RECEIVED)
  /** The first that has not been told; -1 before the first packet. */
  #first = -1
  #highest = -1
  #hasNews = false
  #toldMs = Number.NEGATIVE_INFINITY
  /** Counts the reports, 8 bits. */
  #count = 0
  #mediaSsrc = 0
  readonly #arrivalTicks = (sequence: number) => this.#arrivals[sequence & (CAPACITY - 1)] ?? NOT_RECEIVED

  /** @param senderSsrc our own name */
  constructor(senderSsrc: number) {
    this.#senderSsrc = senderSsrc
  }

  /**
   * @param transportSequence 16 bits
   * @param mediaSsrc of the packet: reports are about all sources, but name one
   */
  received(transportSequence: number, arrivalMs: number, mediaSsrc = this.#mediaSsrc): void {
    this.#mediaSsrc = mediaSsrc
    if (this.#first === -1) this.#begin(transportSequence)
    const ahead = distance(this.#highest, transportSequence)
    if (ahead >= CAPACITY || ahead <= -CAPACITY) {
      this.#begin(transportSequence)
    } else if (ahead > 0) {
      for (let each = 1; each < ahead; each++) this.#arrivals[(this.#highest + each) & (CAPACITY - 1)] = NOT_RECEIVED
      this.#highest = transportSequence
      // What is forgotten can't be told.
      if (distance(this.#first, this.#highest) >= CAPACITY - MAX_LATE) {
        this.#first = (this.#highest - (CAPACITY - MAX_LATE) + 1) & 0xffff
      }
    } else {
      if (this.#arrivals[transportSequence & (CAPACITY - 1)] !== NOT_RECEIVED) return
      const behind = distance(transportSequence, this.#first)
      if (behind > MAX_LATE) return
      // It was told as missing: it is told again, with those behind it.
      if (behind > 0) this.#first = transportSequence
    }
    this.#arrivals[transportSequence & (CAPACITY - 1)] = Math.round(arrivalMs * TICKS_PER_MS)
    this.#hasNews = true
  }

  /** What is to be sent now: nothing, or what has come since the last time. Call it every few tens of milliseconds. */
  packets(nowMs: number): readonly Uint8Array[] {
    if (!this.#hasNews || nowMs - this.#toldMs < EVERY_MS) return NONE
    this.#toldMs = nowMs
    this.#hasNews = false
    const packets: Uint8Array[] = []
    const end = (this.#highest + 1) & 0xffff
    let at = this.#first
    while (at !== end) {
      const { bytes, statuses } = writeTransportFeedback({
        senderSsrc: this.#senderSsrc,
        mediaSsrc: this.#mediaSsrc,
        firstSequence: at,
        statuses: distance(at, end),
        count: this.#count,
        arrivalTicks: this.#arrivalTicks,
      })
      if (bytes !== undefined) {
        packets.push(bytes)
        this.#count = (this.#count + 1) & 0xff
      }
      at = (at + statuses) & 0xffff
    }
    this.#first = end
    return packets
  }

  #begin(transportSequence: number): void {
    this.#arrivals.fill(NOT_RECEIVED)
    this.#first = transportSequence
    this.#highest = transportSequence
  }
}
