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
  const samples = opusSamples(packet, 0, packet.length)
  if (samples === 0) throw new BitstreamError('Opus packet', 'is empty, cut off or longer than 120 ms')
  return samples
}

/** The same of a packet that lies somewhere in memory; 0 when it is none. */
export function opusSamples(memory: Uint8Array, start: number, bytes: number): number {
  if (bytes === 0) return 0
  const toc = memory[start] ?? 0
  const code = toc & 3
  if (code === 3 && bytes < 2) return 0
  const frames = code === 0 ? 1 : code < 3 ? 2 : (memory[start + 1] ?? 0) & 0x3f
  const samples = frameSamples(toc >> 3) * frames
  return samples > MAX_PACKET_SAMPLES ? 0 : samples
}
