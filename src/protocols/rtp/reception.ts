import { distance } from './jitter-buffer.ts'
import type { RtpPacket } from './packet.ts'
import type { ReportBlock, SenderReport } from './rtcp.ts'
import { timestampDistance } from './timestamp.ts'

/** Numbers further ahead or behind are of a source that counts anew, or of nobody: a second one in a row decides. */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 3000

/** What a receiver has to know of one source for its reports (RFC 3550 appendix A.3 and A.8). */
export class Reception {
  readonly ssrc: number
  readonly #clockRateHz: number
  #firstSequenceNumber = -1
  #cycles = 0
  /** What would follow a number out of all order; -1: there was none. */
  #suspect = -1
  #highest = 0
  #received = 0
  #receivedBefore = 0
  #expectedBefore = 0
  #jitter = 0
  #lastTransit = 0
  #compactNtp = 0
  #reportArrivedMs = 0

  constructor(ssrc: number, clockRateHz: number) {
    this.ssrc = ssrc
    this.#clockRateHz = clockRateHz
  }

  get receivedPackets(): number {
    return this.#received
  }

  /** Interarrival jitter, milliseconds. */
  get jitterMs(): number {
    return (this.#jitter * 1000) / this.#clockRateHz
  }

  packet(packet: RtpPacket, arrivalMs: number): void {
    const { sequenceNumber, timestamp } = packet
    const transit = (arrivalMs * this.#clockRateHz) / 1000 - timestamp
    if (this.#firstSequenceNumber === -1) {
      this.#begin(sequenceNumber)
    } else {
      const ahead = distance(this.#highest, sequenceNumber)
      if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
        if (sequenceNumber !== this.#suspect) {
          this.#suspect = (sequenceNumber + 1) & 0xffff
          return
        }
        this.#begin(sequenceNumber)
      }
      this.#suspect = -1
      if (distance(this.#highest, sequenceNumber) > 0) {
        if (sequenceNumber < this.#highest) this.#cycles += 0x10000
        this.#highest = sequenceNumber
      }
      // Timestamps wrap: the difference of two transits is small whatever happened in between.
      const difference = Math.abs(timestampDistance(Math.round(this.#lastTransit) >>> 0, Math.round(transit) >>> 0))
      this.#jitter += (difference - this.#jitter) / 16
    }
    this.#lastTransit = transit
    this.#received++
  }

  /** RFC 3550 appendix A.1, init_seq. */
  #begin(sequenceNumber: number): void {
    this.#firstSequenceNumber = sequenceNumber
    this.#highest = sequenceNumber
    this.#cycles = 0
    this.#received = 0
    this.#receivedBefore = 0
    this.#expectedBefore = 0
    this.#suspect = -1
  }

  senderReport(report: SenderReport, arrivalMs: number): void {
    this.#compactNtp = report.compactNtp
    this.#reportArrivedMs = arrivalMs
  }

  /** Fractions are since the last call. */
  report(nowMs: number): ReportBlock {
    const highestSequenceNumber = this.#cycles + this.#highest
    const expected = highestSequenceNumber - this.#firstSequenceNumber + 1
    const expectedNow = expected - this.#expectedBefore
    const lostNow = expectedNow - (this.#received - this.#receivedBefore)
    this.#expectedBefore = expected
    this.#receivedBefore = this.#received
    return {
      ssrc: this.ssrc,
      fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : lostNow / expectedNow,
      cumulativeLost: expected - this.#received,
      highestSequenceNumber,
      jitter: Math.round(this.#jitter),
      lastSenderReport: this.#compactNtp,
      delaySinceLastSenderReport:
        this.#compactNtp === 0 ? 0 : Math.round(((nowMs - this.#reportArrivedMs) * 65_536) / 1000),
    }
  }
}
