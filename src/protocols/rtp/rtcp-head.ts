import { put32 } from './packet.ts'

/** RFC 3550 §12.1, RFC 4585 §6.1. */
export const RTCP_TYPE = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  bye: 203,
  transportFeedback: 205,
  payloadFeedback: 206,
} as const

/**
 * Writes the first eight bytes of a packet (RFC 3550 §6.1). Its length must be final: it stands in the header.
 * @param count reports, sources, or the format of a feedback message: the lower five bits of the first byte
 * @param ssrc whose packet it is
 */
export function writeRtcpHead(packet: Uint8Array, count: number, type: number, ssrc: number): void {
  packet[0] = 0x80 | count
  packet[1] = type
  const words = packet.length / 4 - 1
  packet[2] = words >>> 8
  packet[3] = words
  put32(packet, 4, ssrc)
}
