import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, Packetizer, UnitSink } from './payload-format.ts'

/** For formats whose packets are access units as they are. */
export class WholeUnitDepacketizer implements Depacketizer {
  readonly #sink: UnitSink
  #configure: (() => void) | undefined

  /** @param configure called before the first access unit */
  constructor(sink: UnitSink, configure: () => void) {
    this.#sink = sink
    this.#configure = configure
  }

  push({ bytes, payloadStart, payloadEnd, timestamp }: RtpPacket, lostBefore: number): void {
    if (payloadStart === payloadEnd) return
    this.#configure?.()
    this.#configure = undefined
    this.#sink.append(bytes, payloadStart, payloadEnd)
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
