import { BitstreamError } from '#media/errors.ts'
import { RtpPacket } from '#protocols/rtp/packet.ts'
import { latmPayload } from '#protocols/rtp/payloads/latm.ts'
import type { Depacketizer } from '#protocols/rtp/payloads/payload-format.ts'
import type { PayloadFormOptions } from './payload-form.ts'
import { UnitBuffer } from './unit-buffer.ts'

const LOAS_HEADER_BYTES = 3
const RTP_HEADER_BYTES = 12

/** AudioSyncStream() of LATM, as broadcasters send AAC: each packet is an AudioMuxElement with its length. ISO/IEC 14496-3 §1.7.2. */
export class LoasReader {
  readonly #depacketizer: Depacketizer
  readonly #packet = new RtpPacket()

  constructor({ timescale, configured, unit }: PayloadFormOptions) {
    this.#depacketizer = latmPayload.depacketizer({
      parameters: new Map(),
      clockRateHz: timescale,
      channels: 0,
      sink: new UnitBuffer((payload, { rtpTimestamp }) => unit(payload, rtpTimestamp)),
      configured,
    })
  }

  /** @throws {BitstreamError} */
  push(packet: Uint8Array): void {
    const first = packet[0] ?? 0
    const second = packet[1] ?? 0
    if (first !== 0x56 || second >> 5 !== 7) throw new BitstreamError('LOAS frame', 'lacks its sync word')
    // The element is what RTP carries behind a header with a marker and, here, the time 0 (RFC 6416 §6).
    const rtp = new Uint8Array(RTP_HEADER_BYTES + packet.length - LOAS_HEADER_BYTES)
    rtp[0] = 0x80
    rtp[1] = 0x80 | 96
    rtp.set(packet.subarray(LOAS_HEADER_BYTES), RTP_HEADER_BYTES)
    if (this.#packet.parse(rtp, 0, rtp.length)) this.#depacketizer.push(this.#packet, 0)
  }
}
