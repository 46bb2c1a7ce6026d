import type { EmitPayload, Packetizer } from './payload-format.ts'

/** Audio whose bytes can be parted at any group of samples: a large access unit makes packets with times of their own. */
export class SamplePacketizer implements Packetizer {
  readonly #groupBytes: number
  readonly #groupTicks: number

  /**
   * @param groupBytes the fewest bytes that make whole samples of all channels
   * @param groupTicks of the RTP clock, how long those last
   */
  constructor(groupBytes: number, groupTicks: number) {
    this.#groupBytes = groupBytes
    this.#groupTicks = groupTicks
  }

  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const groups = Math.max(1, Math.floor(maxPayloadBytes / this.#groupBytes))
    const room = groups * this.#groupBytes
    // The marker would say that silence was left out before (RFC 3551 §4.1), of which an access unit knows nothing.
    for (let at = 0, later = 0; at < accessUnit.length; at += room, later += groups * this.#groupTicks) {
      emit(accessUnit.subarray(at, at + room), false, later)
    }
  }
}
