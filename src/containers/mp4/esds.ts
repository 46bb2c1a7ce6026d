import { type Bytes, fullBox, join, u8, u16, u32 } from './box.ts'

/** objectTypeIndication values, ISO/IEC 14496-1 table 5 (and the registry at mp4ra.org). */
export const OBJECT_TYPE_AAC = 0x40
export const OBJECT_TYPE_MPEG4_VIDEO = 0x20
export const OBJECT_TYPE_JPEG = 0x6c
const OBJECT_TYPE_MP3_MPEG2 = 0x69
const OBJECT_TYPE_MP3_MPEG1 = 0x6b
export const MP3_OBJECT_TYPES: readonly number[] = [OBJECT_TYPE_MP3_MPEG1, OBJECT_TYPE_MP3_MPEG2]

/** MPEG-1 audio knows 32, 44.1 and 48 kHz; everything slower is MPEG-2 or its unofficial extension. */
export const mp3ObjectType = (sampleRateHz: number): number =>
  sampleRateHz >= 32_000 ? OBJECT_TYPE_MP3_MPEG1 : OBJECT_TYPE_MP3_MPEG2

/** A descriptor, ISO/IEC 14496-1 §8.3.3: tag, size in 7-bit groups (one suffices below 128 bytes), content. */
function descriptor(tag: number, content: readonly (Bytes | Uint8Array)[]): Bytes {
  const body = join(content)
  const sizeBytes: number[] = [body.length & 0x7f]
  for (let rest = body.length >>> 7; rest > 0; rest >>>= 7) sizeBytes.unshift((rest & 0x7f) | 0x80)
  return join([u8(tag, ...sizeBytes), body])
}

/** streamType, upStream 0, reserved 1. ISO/IEC 14496-1 table 6. */
const STREAM_TYPES = { video: 0x11, audio: 0x15 } as const

/** ESDBox, ISO/IEC 14496-14 §5.6. */
export function esds(
  kind: keyof typeof STREAM_TYPES,
  objectType: number,
  averageBitrateBps: number,
  decoderSpecificInfo: Uint8Array,
): Bytes {
  return fullBox('esds', 0, 0, [
    descriptor(0x03, [
      u16(0), // ES_ID: 0 in files
      u8(0), // no dependency, URL or OCR stream; streamPriority 0
      descriptor(0x04, [
        u8(objectType), // objectTypeIndication
        u8(STREAM_TYPES[kind]),
        u8(0, 0, 0), // bufferSizeDB: unknown
        u32(averageBitrateBps), // maxBitrate
        u32(averageBitrateBps), // avgBitrate; 0: unknown
        ...(decoderSpecificInfo.length > 0 ? [descriptor(0x05, [decoderSpecificInfo])] : []),
      ]),
      descriptor(0x06, [u8(2)]), // SLConfigDescriptor, predefined 2: MP4
    ]),
  ])
}

/** Bytes of the fields of an AudioSampleEntry and of a VisualSampleEntry, behind the box header. */
const ENTRY_FIELDS_BYTES = { audio: 28, video: 78 } as const

/** The objectTypeIndication inside an mp4a or mp4v sample entry as we write it: esds is its first child. */
export function objectTypeIndication(kind: 'audio' | 'video', sampleEntry: Uint8Array): number | undefined {
  const esdsContentAt = 8 + ENTRY_FIELDS_BYTES[kind] + 8 + 4 // box header, fields, esds header, version and flags
  let at = esdsContentAt
  if (sampleEntry[at] !== 0x03) return undefined
  at = skipSize(sampleEntry, at + 1) + 3
  if (sampleEntry[at] !== 0x04) return undefined
  return sampleEntry[skipSize(sampleEntry, at + 1)]
}

/** The DecoderSpecificInfo of such a sample entry (of AAC: its AudioSpecificConfig) and the average bitrate beside it. */
export function decoderConfiguration(
  kind: 'audio' | 'video',
  sampleEntry: Uint8Array,
): { readonly configuration: Uint8Array; readonly averageBitrateBps: number } | undefined {
  const esdsContentAt = 8 + ENTRY_FIELDS_BYTES[kind] + 8 + 4
  if (sampleEntry[esdsContentAt] !== 0x03) return undefined
  const configAt = skipSize(sampleEntry, esdsContentAt + 1) + 3
  if (sampleEntry[configAt] !== 0x04) return undefined
  const fieldsAt = skipSize(sampleEntry, configAt + 1)
  const infoAt = fieldsAt + 13 // objectTypeIndication to avgBitrate
  if (sampleEntry[infoAt] !== 0x05 || infoAt + 2 > sampleEntry.length) return undefined
  const start = skipSize(sampleEntry, infoAt + 1)
  const length = (sampleEntry[start - 1] ?? 0) & 0x7f
  const view = new DataView(sampleEntry.buffer, sampleEntry.byteOffset, sampleEntry.length)
  return { configuration: sampleEntry.slice(start, start + length), averageBitrateBps: view.getUint32(infoAt - 4) }
}

function skipSize(bytes: Uint8Array, at: number): number {
  let next = at
  while (((bytes[next] ?? 0) & 0x80) !== 0) next++
  return next + 1
}
