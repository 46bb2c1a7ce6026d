import { TapedeckError } from '#base/error.ts'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { type AmfObject, amfFields, isAmfObject } from '#media/flv/amf-value.ts'
import { AmfEcmaArray, type AmfEncodable, decodeAmf0, encodeAmf0 } from '#media/flv/amf0.ts'
import { AUDIO_FOUR_CCS, fourCc, VIDEO_FOUR_CCS } from '#media/flv/four-cc.ts'
import type { TrackFormat } from '#media/track.ts'
import type { KeyFrameEntry } from './key-frame-index.ts'
import { TAG_FRAMING_BYTES, TAG_HEADER_BYTES, TagType, tagBytes } from './tag.ts'

/** The fields of onMetaData. Adobe FLV 10.1, E.5; `keyframes` is the custom of flvtool and of every player. */
export type Metadata = Readonly<Record<string, AmfEncodable>>

/** Room for every field but the index: about three times what we write. */
const FIELDS_BYTES = 2048

/** Two numbers of nine bytes. */
const ENTRY_BYTES = 18

/** One entry a second is more than encoders make; without a promise, enough for two hours of two-second GOPs. */
const DEFAULT_ENTRIES = 3600
const MIN_ENTRIES = 128
const MAX_ENTRIES = 16_384

const LEGACY_VIDEO_IDS: Readonly<Partial<Record<VideoCodec, number>>> = { h264: 7 }
const LEGACY_AUDIO_IDS: Readonly<Partial<Record<AudioCodec, number>>> = { mp3: 2, pcma: 7, pcmu: 8, aac: 10 }

/** Bytes to leave for onMetaData, so that its index can grow to one entry a second. */
export function roomBytesFor(expectedSeconds: number): number {
  const wanted = expectedSeconds === 0 ? DEFAULT_ENTRIES : Math.ceil(expectedSeconds)
  return FIELDS_BYTES + Math.min(MAX_ENTRIES, Math.max(MIN_ENTRIES, wanted)) * ENTRY_BYTES
}

/** Key frames an index in such a room can hold. */
export function indexCapacity(roomBytes: number): number {
  return Math.max(1, Math.floor((roomBytes - FIELDS_BYTES) / ENTRY_BYTES))
}

/** What is known when recording begins; the first track of each kind is described, FLV knows no more. */
export function initialMetadata(formats: readonly TrackFormat[], createdAtMs: number): Metadata {
  return {
    duration: 0,
    filesize: 0,
    hasVideo: false,
    hasAudio: false,
    ...describeTracks(formats),
    encoder: 'Tapedeck',
    creationdate: new Date(createdAtMs).toISOString(),
  }
}

/** The fields about these tracks; none about a kind that is not among them. */
export function describeTracks(formats: readonly TrackFormat[]): Metadata {
  const video = formats.find((format) => format.kind === 'video')
  const audio = formats.find((format) => format.kind === 'audio')
  return {
    ...(video && {
      hasVideo: true,
      ...(video.widthPixels > 0 && { width: video.widthPixels, height: video.heightPixels }),
      ...(video.frameRateHint > 0 && { framerate: video.frameRateHint }),
      videocodecid: LEGACY_VIDEO_IDS[video.codec] ?? fourCc(VIDEO_FOUR_CCS[video.codec] ?? ''),
    }),
    ...(audio && {
      hasAudio: true,
      audiocodecid: LEGACY_AUDIO_IDS[audio.codec] ?? fourCc(AUDIO_FOUR_CCS[audio.codec] ?? ''),
      audiosamplerate: audio.sampleRateHz,
      audiosamplesize: 16,
      stereo: audio.channels > 1,
    }),
  }
}

/** What only the finished part tells. */
export interface FinalFacts {
  readonly durationMs: number
  readonly fileBytes: number
  readonly videoBytes: number
  readonly audioBytes: number
  readonly pictures: number
  readonly lastTimestampMs: number
  readonly entries: readonly KeyFrameEntry[]
}

/** The metadata of a part with everything known that its bytes tell. */
export function finalMetadata(before: Metadata, facts: FinalFacts): Metadata {
  const seconds = facts.durationMs / 1000
  const kbps = (bytes: number) => (seconds > 0 ? (bytes * 8) / 1000 / seconds : 0)
  const lastKeyFrame = facts.entries.at(-1)
  const { keyframes: _outdated, ...fields } = before
  return {
    ...fields,
    duration: seconds,
    filesize: facts.fileBytes,
    lasttimestamp: facts.lastTimestampMs / 1000,
    ...(facts.pictures > 0 && {
      videodatarate: kbps(facts.videoBytes),
      ...(fields['framerate'] === undefined && seconds > 0 && { framerate: facts.pictures / seconds }),
    }),
    ...(facts.audioBytes > 0 && { audiodatarate: kbps(facts.audioBytes) }),
    ...(lastKeyFrame !== undefined && {
      lastkeyframetimestamp: lastKeyFrame.timeMs / 1000,
      lastkeyframelocation: lastKeyFrame.position,
      hasKeyframes: true,
    }),
    // FFmpeg calls an index of one entry invalid; nobody needs it to find the start.
    ...(facts.entries.length > 1 && {
      keyframes: {
        filepositions: facts.entries.map(({ position }) => position),
        times: facts.entries.map(({ timeMs }) => timeMs / 1000),
      },
    }),
  }
}

/** Whether onMetaData already says so: the part is final. */
export function isFinal(metadata: Metadata, facts: FinalFacts): boolean {
  return metadata['filesize'] === facts.fileBytes && metadata['duration'] === facts.durationMs / 1000
}

/**
 * The room: onMetaData, and behind it a tag that every reader skips, which fills what is left to the byte. When the
 * index does not fit, every second entry goes until it does.
 */
export function metadataRoom(metadata: Metadata, roomBytes: number): Uint8Array {
  for (let fields = metadata; ; fields = thinnerIndex(fields)) {
    const tag = tagBytes(TagType.script, 0, encodeAmf0('onMetaData', new AmfEcmaArray(fields)))
    const restBytes = roomBytes - tag.length
    if (restBytes < TAG_FRAMING_BYTES) continue
    const room = new Uint8Array(roomBytes)
    room.set(tag)
    room.set(tagBytes(TagType.reserve, 0, new Uint8Array(restBytes - TAG_FRAMING_BYTES)), tag.length)
    return room
  }
}

function thinnerIndex(metadata: Metadata): Metadata {
  const keyframes = metadata['keyframes']
  if (typeof keyframes !== 'object' || keyframes === null || !('times' in keyframes)) {
    throw new RangeError('onMetaData without an index outgrew its room')
  }
  const { filepositions, times } = keyframes
  if (!Array.isArray(filepositions) || !Array.isArray(times) || times.length === 0) {
    throw new RangeError('onMetaData with an empty index outgrew its room')
  }
  const even = (_: unknown, index: number) => index % 2 === 0
  const isLast = times.length === 1
  return {
    ...metadata,
    keyframes: isLast
      ? { filepositions: [], times: [] }
      : { filepositions: filepositions.filter(even), times: times.filter(even) },
  }
}

/** Reads onMetaData back; undefined when the room holds something else. @param room from its first byte */
export function readMetadata(room: Uint8Array, bodyBytes: number): Metadata | undefined {
  try {
    const values = decodeAmf0(room.subarray(TAG_HEADER_BYTES, TAG_HEADER_BYTES + bodyBytes))
    return values[0] === 'onMetaData' && isAmfObject(values[1] ?? null) ? encodable(amfFields(values[1])) : undefined
  } catch (error) {
    if (error instanceof TapedeckError) return undefined
    throw error
  }
}

/** We never write bytes into onMetaData, so all of it can be written again. */
function encodable(fields: AmfObject): Metadata {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !(value instanceof Uint8Array))) as Metadata
}
