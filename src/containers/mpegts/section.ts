import { crc32Mpeg } from './crc32.ts'

/** One programme, always. Its number and the transport stream's id are ours to choose. */
const PROGRAM_NUMBER = 1
const TRANSPORT_STREAM_ID = 1

/** PID of the only programme's map. Any free PID would do; this is what most muxers use. */
export const PMT_PID = 0x1000

/** One elementary stream of the programme map. */
export interface ProgramStream {
  readonly streamType: number
  readonly pid: number
  /** Descriptors, one after the other. */
  readonly descriptors: Uint8Array
}

/** program_association_section. H.222.0 §2.4.4.4. */
export function programAssociation(): Uint8Array {
  return section(0x00, TRANSPORT_STREAM_ID, 0, [
    ...u16(PROGRAM_NUMBER), // program_number
    ...u16(0xe000 | PMT_PID), // reserved, program_map_PID
  ])
}

/** TS_program_map_section. H.222.0 §2.4.4.9. */
export function programMap(version: number, pcrPid: number, streams: readonly ProgramStream[]): Uint8Array {
  return section(0x02, PROGRAM_NUMBER, version, [
    ...u16(0xe000 | pcrPid), // reserved, PCR_PID
    ...u16(0xf000), // reserved, program_info_length
    ...streams.flatMap(({ streamType, pid, descriptors }) => [
      streamType, // stream_type
      ...u16(0xe000 | pid), // reserved, elementary_PID
      ...u16(0xf000 | descriptors.length), // reserved, ES_info_length
      ...descriptors,
    ]),
  ])
}

function section(tableId: number, tableIdExtension: number, version: number, body: readonly number[]): Uint8Array {
  const withoutCrc = Uint8Array.of(
    tableId,
    ...u16(0xb000 | (5 + body.length + 4)), // section_syntax_indicator, '0', reserved, section_length
    ...u16(tableIdExtension),
    0xc1 | ((version & 0x1f) << 1), // reserved, version_number, current_next_indicator
    0, // section_number
    0, // last_section_number
    ...body,
  )
  const crc = crc32Mpeg(withoutCrc)
  return Uint8Array.of(...withoutCrc, ...u16(crc >>> 16), ...u16(crc & 0xffff))
}

function u16(value: number): [number, number] {
  return [(value >> 8) & 0xff, value & 0xff]
}
