/** Generator polynomial of H.222.0 annex A, most significant bit first. */
const POLYNOMIAL = 0x04c1_1db7

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ POLYNOMIAL : crc << 1
  return crc
})

/** CRC_32 of a PSI section, computed over everything before it. H.222.0 annex A. */
export function crc32Mpeg(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] ?? 0)
  return crc >>> 0
}
