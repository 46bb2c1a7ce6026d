import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, Packetizer, UnitSink } from './payload-format.ts'

/** For formats whose packets are access units as they are. */
export class WholeUnitDepacketizer implements Depacketizer {
  readonly #sink: UnitSink
  #configure: (() => void) | undefined
  readonly #groupBytes: number

  /**
   * @param configure called before the first access unit
   * @param groupBytes of which every payload is a multiple; a torn rest is left out. Default 1
   */
  constructor(sink: UnitSink, configure: () => void, groupBytes = 1) {
    this.#sink = sink
    this.#configure = configure
    this.#groupBytes = groupBytes
  }

  push({ bytes, payloadStart, payloadEnd, timestamp }: RtpPacket, lostBefore: number): void {
    const bytesUsed = payloadEnd - payloadStart - ((payloadEnd - payloadStart) % this.#groupBytes)
    if (bytesUsed === 0) return
    this.#configure?.()
    this.#configure = undefined
    this.#sink.append(bytes, payloadStart, payloadStart + bytesUsed)
    this.#sink.finish({ rtpTimestamp: timestamp, isDamaged: false, followsLoss: lostBefore > 0 })
  }

  /** Every packet is complete. */
  flush(): void {}
}

/** The access unit is the payload. */
export const wholeUnitPacketizer: Packetizer = {
  packetize(accessUnit, _maxPayloadBytes, emit) {
    emit(accessUnit, false)
  },
}
