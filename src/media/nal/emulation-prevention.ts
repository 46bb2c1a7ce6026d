import { copyOf } from '../bytes.ts'

/**
 * NAL unit → RBSP: drops the 03 of every 00 00 03. ITU-T H.264 §7.4.1, H.265 §7.4.2. Returns the input itself when
 * there is nothing to drop.
 */
export function removeEmulationPrevention(nalUnit: Uint8Array): Uint8Array {
  let out: Uint8Array | undefined
  let written = 0
  let zeros = 0
  for (let i = 0; i < nalUnit.length; i++) {
    const byte = nalUnit[i] ?? 0
    if (zeros >= 2 && byte === 3) {
      out ??= copyOf(nalUnit)
      zeros = 0
      continue
    }
    zeros = byte === 0 ? zeros + 1 : 0
    if (out !== undefined) out[written] = byte
    written++
  }
  return out === undefined ? nalUnit : out.subarray(0, written)
}

/** RBSP → NAL unit: an 03 goes in wherever 00 00 would be followed by 00 to 03 or by the end. */
export function addEmulationPrevention(rbsp: Uint8Array): Uint8Array {
  const out: number[] = []
  let zeros = 0
  for (const byte of rbsp) {
    if (zeros === 2 && byte <= 3) {
      out.push(3)
      zeros = 0
    }
    zeros = byte === 0 ? zeros + 1 : 0
    out.push(byte)
  }
  if (zeros >= 2) out.push(3)
  return Uint8Array.from(out)
}
