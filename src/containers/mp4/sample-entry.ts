import { CodecUnsupportedError } from '#containers/errors.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { Codec } from '#media/codec.ts'
import { bringsParameterSets } from '#media/nal/parameter-sets-in-band.ts'
import type { TrackFormat } from '#media/track.ts'
import { audioDescription } from './audio-sample-entry.ts'
import { serialize } from './box.ts'
import { typeAt } from './box-reader.ts'
import { MP3_OBJECT_TYPES, OBJECT_TYPE_JPEG, objectTypeIndication } from './esds.ts'
import { videoDescription } from './video-sample-entry.ts'

/** Sample entry types of every codec MP4 can carry; the first is the everyday one. Registered at mp4ra.org. */
const TYPES: Readonly<Partial<Record<Codec, readonly string[]>>> = {
  h264: ['avc1', 'avc3'],
  h265: ['hvc1', 'hev1'],
  av1: ['av01'],
  vp9: ['vp09'],
  vp8: ['vp08'],
  mpeg4: ['mp4v'],
  jpeg: ['mp4v'],
  aac: ['mp4a'],
  mp3: ['mp4a'],
  opus: ['Opus'],
  flac: ['fLaC'],
  ac3: ['ac-3'],
  eac3: ['ec-3'],
  pcma: ['alaw'],
  pcmu: ['ulaw'],
}

/** Without its configuration record, a track of these would be there and unplayable. */
const NEEDS_CONFIGURATION: readonly Codec[] = ['h264', 'h265', 'av1', 'mpeg4', 'aac', 'flac', 'ac3', 'eac3']

/** L16, G.722 and G.726 have no sample entry that FFmpeg 5 or a browser reads. */
export function isCarried(codec: Codec): boolean {
  return codec in TYPES
}

/** The sample entry (a box inside stsd) that describes a format. @throws {CodecUnsupportedError} */
export function sampleEntry(format: TrackFormat): Uint8Array {
  if (format.configuration.length === 0 && NEEDS_CONFIGURATION.includes(format.codec)) {
    throw new CodecUnsupportedError('MP4', format.codec, 'its configuration record never arrived')
  }
  return serialize(format.kind === 'video' ? videoDescription(format) : audioDescription(format))
}

/** Which codec a sample entry of ours is for; undefined for a foreign one. */
export function codecOfSampleEntry(entry: Uint8Array): Codec | undefined {
  const type = typeAt(entry, 4)
  if (type === 'mp4a') return MP3_OBJECT_TYPES.includes(objectTypeIndication('audio', entry) ?? 0) ? 'mp3' : 'aac'
  if (type === 'mp4v') return objectTypeIndication('video', entry) === OBJECT_TYPE_JPEG ? 'jpeg' : 'mpeg4'
  for (const [codec, types] of Object.entries(TYPES)) if (types.includes(type)) return codec as Codec
  return undefined
}

/** Codecs whose access units carry all that decoding needs, so that a player may ignore a new sample entry. */
const SELF_DESCRIBING: readonly Codec[] = ['av1', 'vp9', 'vp8', 'jpeg', 'mp3', 'opus', 'ac3', 'eac3', 'pcma', 'pcmu']

/**
 * True when samples of `b` may follow those of `a` in a track without a player noticing, apart from the size of the
 * picture. Chromium 156 keeps the first sample entry for good: other H.264 parameter sets end its playback
 * (PIPELINE_ERROR_DECODE), although FFmpeg follows. Sets that come in band it takes.
 * @param first the first sample of `b`
 */
export function canShareTrack(a: TrackFormat, b: TrackFormat, first?: AccessUnit): boolean {
  if (a.codec !== b.codec || a.timescale !== b.timescale) return false
  if (a.kind === 'audio' && b.kind === 'audio') {
    if (a.channels !== b.channels || a.sampleRateHz !== b.sampleRateHz) return false
  }
  if (SELF_DESCRIBING.includes(a.codec) || Buffer.compare(a.configuration, b.configuration) === 0) return true
  return first?.isRandomAccess === true && bringsParameterSets(first)
}
