import { TapedeckError } from '#base/error.ts'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import type { Codec } from '#media/codec.ts'
import { OPUS_SAMPLE_RATE_HZ, parseOpusHead } from '#media/opus/opus-head.ts'
import type { AudioFormat, ColorInfo, TrackFormat, VideoFormat } from '#media/track.ts'
import { codecIdOf, codecOf, codecPrivateOf, type DocType, isSelfDescribing, opusHeadOf } from './codec-mapping.ts'
import { element, float, text, uint } from './ebml.ts'
import { readElements, readUint } from './ebml-reader.ts'
import { Id } from './ids.ts'
import { matroskaLanguage } from './language.ts'

/** One track as the Tracks element describes it. */
export interface TrackEntry {
  /** What blocks call it, from 1. */
  readonly number: number
  /** The hub's; it is the track's UID. */
  readonly trackId: number
  readonly codec: Codec
  readonly codecPrivate: Uint8Array
  readonly sampleRateHz: number
  readonly channels: number
  /** The whole element. */
  readonly bytes: Uint8Array
}

const TRACK_TYPES = { video: 1, audio: 2 } as const

/** What a decoder wants to hear before the place it seeks to. RFC 7845 §4.6. */
const OPUS_SEEK_PRE_ROLL_NS = 80_000_000

/** A field that players divide by. Sizes are known before the first picture; this is for a stream that has none yet. */
const UNKNOWN_PIXELS = 1

/**
 * TrackEntry of a format. RFC 9559 §5.1.4.1.
 * @param isDefault the one of its kind that players choose by themselves
 * @throws {CodecUnsupportedError}
 */
export function trackEntry(docType: DocType, format: TrackFormat, number: number, isDefault: boolean): TrackEntry {
  const { trackId, codec } = format
  const codecPrivate = codecPrivateOf(format)
  const bytes = element(
    Id.trackEntry,
    uint(Id.trackNumber, number),
    uint(Id.trackUid, trackId),
    uint(Id.trackType, TRACK_TYPES[format.kind]),
    uint(Id.flagDefault, isDefault ? 1 : 0),
    uint(Id.flagLacing, 0),
    text(Id.language, matroskaLanguage(format.language)),
    text(Id.codecId, codecIdOf(docType, format)),
    ...(codecPrivate.length > 0 ? [element(Id.codecPrivate, codecPrivate)] : []),
    ...(format.kind === 'video' ? videoFields(format) : audioFields(format)),
  )
  const { sampleRateHz, channels } = format.kind === 'audio' ? format : { sampleRateHz: 0, channels: 0 }
  return { number, trackId, codec, codecPrivate, sampleRateHz, channels, bytes }
}

/** Whether access units of a format may go on in a track of a file, which its entry then still describes. */
export function continuesTrack(entry: TrackEntry, format: TrackFormat): boolean {
  if (entry.codec !== format.codec) return false
  if (format.kind === 'audio' && (entry.channels !== format.channels || entry.sampleRateHz !== format.sampleRateHz))
    return false
  return isSelfDescribing(format.codec) || Buffer.compare(entry.codecPrivate, codecPrivateOf(format)) === 0
}

/** Tracks. RFC 9559 §5.1.4. */
export function tracksElement(entries: readonly TrackEntry[]): Uint8Array {
  return element(Id.tracks, ...entries.map(({ bytes }) => bytes))
}

/** The entries of a Tracks element of ours; undefined when it is none. @param content of the element */
export function readTracks(content: Uint8Array): TrackEntry[] | undefined {
  const entries: TrackEntry[] = []
  for (const { id, bytes, content: fields } of readElements(content)) {
    const entry = id === Id.trackEntry ? readEntry(bytes, fields) : undefined
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return entries
}

/** Milliseconds that the times of the track's blocks are ahead of their presentation: whole, as FFmpeg rounds it. */
export function codecDelayMs(format: TrackFormat): number {
  return Math.round(codecDelayNs(format) / 1_000_000)
}

function readEntry(bytes: Uint8Array, fields: Uint8Array): TrackEntry | undefined {
  let [number, trackId, sampleRateHz, channels, codecId] = [0, 0, 0, 0, '']
  let codecPrivate: Uint8Array = new Uint8Array()
  for (const { id, content } of readElements(fields)) {
    if (id === Id.trackNumber) number = readUint(content)
    if (id === Id.trackUid) trackId = readUint(content)
    if (id === Id.codecId) codecId = Buffer.from(content).toString('latin1')
    if (id === Id.codecPrivate) codecPrivate = content
    if (id !== Id.audio) continue
    for (const { id: audioId, content: value } of readElements(content)) {
      if (audioId === Id.channels) channels = readUint(value)
      if (audioId === Id.samplingFrequency) sampleRateHz ||= readDouble(value)
      if (audioId === Id.outputSamplingFrequency) sampleRateHz = readDouble(value)
    }
  }
  const codec = codecOf(codecId, codecPrivate)
  if (number === 0 || codec === undefined) return undefined
  return { number, trackId, codec, codecPrivate, sampleRateHz, channels, bytes }
}

function readDouble(content: Uint8Array): number {
  if (content.length !== 8) return 0
  return new DataView(content.buffer, content.byteOffset, 8).getFloat64(0)
}

/** Video, §5.1.4.1.28. */
function videoFields(format: VideoFormat): Uint8Array[] {
  const { pixelAspect, color } = format
  const widthPixels = format.widthPixels || UNKNOWN_PIXELS
  const heightPixels = format.heightPixels || UNKNOWN_PIXELS
  const { horizontal, vertical } = pixelAspect
  const isSquare = horizontal === vertical || horizontal === 0 || vertical === 0
  // The larger side grows: nobody scales a picture down who doesn't have to.
  const isWide = horizontal > vertical
  const displayWidth = isWide ? Math.round((widthPixels * horizontal) / vertical) : widthPixels
  const displayHeight = isWide ? heightPixels : Math.round((heightPixels * vertical) / horizontal)
  return [
    element(
      Id.video,
      uint(Id.pixelWidth, widthPixels),
      uint(Id.pixelHeight, heightPixels),
      ...(isSquare ? [] : [uint(Id.displayWidth, displayWidth), uint(Id.displayHeight, displayHeight)]),
      ...(color === undefined ? [] : [colour(color)]),
    ),
  ]
}

/** Colour, §5.1.4.1.28.16: the code points of ITU-T H.273. */
const colour = (color: ColorInfo): Uint8Array =>
  element(
    Id.colour,
    uint(Id.matrixCoefficients, color.matrix),
    uint(Id.range, color.fullRange ? 2 : 1), // full, broadcast
    uint(Id.transferCharacteristics, color.transfer),
    uint(Id.primaries, color.primaries),
  )

/** Audio, §5.1.4.1.29, and the times that belong to a decoder. */
function audioFields(format: AudioFormat): Uint8Array[] {
  const { sampleRateHz, channels, samplesPerAccessUnit, codec } = format
  const delayNs = codecDelayNs(format)
  const isFixed = samplesPerAccessUnit > 0 && sampleRateHz > 0
  return [
    ...(isFixed ? [uint(Id.defaultDuration, Math.round((samplesPerAccessUnit * 1e9) / sampleRateHz))] : []),
    ...(delayNs > 0 ? [uint(Id.codecDelay, delayNs)] : []),
    ...(codec === 'opus' ? [uint(Id.seekPreRoll, OPUS_SEEK_PRE_ROLL_NS)] : []),
    element(
      Id.audio,
      float(Id.samplingFrequency, coreSampleRateHz(format)),
      ...(coreSampleRateHz(format) === sampleRateHz ? [] : [float(Id.outputSamplingFrequency, sampleRateHz)]),
      uint(Id.channels, channels),
      ...(codec === 'l16' ? [uint(Id.bitDepth, 16)] : []),
    ),
  ]
}

/** The rate before spectral band replication doubles it. */
function coreSampleRateHz({ codec, configuration, sampleRateHz }: AudioFormat): number {
  if (codec !== 'aac') return sampleRateHz
  try {
    return parseAudioSpecificConfig(configuration).coreSampleRateHz
  } catch (error) {
    if (error instanceof TapedeckError) return sampleRateHz
    throw error
  }
}

/** CodecDelay of Opus is its pre-skip. Matroska Codec Specifications, A_OPUS. */
function codecDelayNs(format: TrackFormat): number {
  if (format.codec !== 'opus') return 0
  try {
    return Math.round((parseOpusHead(opusHeadOf(format)).preSkip * 1e9) / OPUS_SAMPLE_RATE_HZ)
  } catch (error) {
    if (error instanceof TapedeckError) return 0 // players that can't read it either skip nothing
    throw error
  }
}
