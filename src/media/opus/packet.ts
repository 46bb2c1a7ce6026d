import { BitstreamError } from '../errors.ts'

/** Samples at 48 kHz of one frame by `config`. RFC 6716 table 2: SILK 10–60 ms, hybrid 10–20 ms, CELT 2.5–20 ms. */
function frameSamples(config: number): number {
  if (config < 12) return [480, 960, 1920, 2880][config & 3] ?? 0
  if (config < 16) return [480, 960][config & 1] ?? 0
  return [120, 240, 480, 960][config & 3] ?? 0
}

/** 120 ms, RFC 6716 §3.2.5. */
const MAX_PACKET_SAMPLES = 5760

/**
 * Duration of an Opus packet in samples at 48 kHz. RFC 6716 §3.1 and §3.2.
 * @throws {BitstreamError} empty, or longer than 120 ms
 */
export function opusPacketSamples(packet: Uint8Array): number {
  const toc = packet[0]
  if (toc === undefined) throw new BitstreamError('Opus packet', 'is empty')
  const samples = frameSamples(toc >> 3) * frameCount(packet, toc & 3)
  if (samples === 0 || samples > MAX_PACKET_SAMPLES) throw new BitstreamError('Opus packet', `lasts ${samples} samples`)
  return samples
}

function frameCount(packet: Uint8Array, code: number): number {
  if (code === 0) return 1
  if (code < 3) return 2
  const count = packet[1]
  if (count === undefined) throw new BitstreamError('Opus packet', 'ends early')
  return count & 0x3f
}
