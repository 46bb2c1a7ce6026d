import { startsAlike } from '#media/bytes.ts'

/** The header and the PreviousTagSize0 behind it. */
export const FILE_HEADER_BYTES = 13

/** FLV header and PreviousTagSize0. Adobe FLV 10.1, E.2 and E.3. */
export function fileHeader(hasVideo: boolean, hasAudio: boolean): Uint8Array {
  return Uint8Array.of(
    ...[0x46, 0x4c, 0x56], // Signature 'FLV'
    1, // Version
    (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0), // TypeFlagsAudio, TypeFlagsVideo
    ...[0, 0, 0, 9], // DataOffset
    ...[0, 0, 0, 0], // PreviousTagSize0
  )
}

/** Whether a file of ours may go on from here. @param start fewer than FILE_HEADER_BYTES of it */
export function beginsFile(start: Uint8Array): boolean {
  return startsAlike(start, fileHeader((start[4] ?? 0) % 2 === 1, (start[4] ?? 0) >= 4))
}

export function isFileHeader(bytes: Uint8Array): boolean {
  return bytes[0] === 0x46 && bytes[1] === 0x4c && bytes[2] === 0x56 && bytes[3] === 1 && bytes[8] === 9
}
