import { parseAudioSpecificConfig } from './aac/audio-specific-config.ts'
import { parseAv1C } from './av1/av1c.ts'
import { parseAvcC } from './h264/avcc.ts'
import { holdsHevcParameterSets, parseHvcC } from './h265/hvcc.ts'
import { parseMpeg4Headers } from './mpeg4/headers.ts'
import type { AudioFormat, TrackFormat, VideoFormat } from './track.ts'
import { vp9Level } from './vp9/level.ts'
import { parseVpcC } from './vp9/vpcc.ts'

/**
 * The track's entry in a `codecs=` parameter, as MediaSource and <video> want it (RFC 6381 and each codec's binding).
 * Without a configuration record it is the bare four-character code.
 */
export function codecString(format: TrackFormat): string {
  switch (format.codec) {
    case 'h264':
      return h264String(format.configuration)
    case 'h265':
      return h265String(format.configuration)
    case 'av1':
      return av1String(format.configuration)
    case 'vp9':
      return vp9String(format)
    case 'vp8':
      return 'vp8'
    case 'mpeg4':
      return mpeg4String(format.configuration)
    case 'jpeg':
      return 'mp4v.6C' // ISO/IEC 14496-1 table 5
    case 'aac':
      return aacString(format)
    case 'mp3':
      return format.sampleRateHz < 32_000 ? 'mp4a.69' : 'mp4a.6B' // MPEG-2 and MPEG-1 audio, ISO/IEC 14496-1 table 5
    case 'opus':
      return 'opus'
    case 'vorbis':
      return 'vorbis'
    case 'flac':
      return 'flac'
    case 'ac3':
      return 'ac-3'
    case 'eac3':
      return 'ec-3'
    case 'pcma':
      return 'alaw'
    case 'pcmu':
      return 'ulaw'
    case 'l16':
      return 'ipcm' // ISO/IEC 23003-5
    case 'g722':
    case 'g726':
      return format.codec // nobody has registered a name for these
  }
}

/** RFC 6381 §3.3. */
function h264String(configuration: Uint8Array): string {
  if (configuration.length === 0) return 'avc1'
  const { profileIdc, profileCompatibility, levelIdc } = parseAvcC(configuration)
  return `avc1.${[profileIdc, profileCompatibility, levelIdc].map(twoHexDigits).join('')}`
}

/** ISO/IEC 14496-15 annex E.3: profile, compatibility flags in reverse bit order, tier and level, constraint bytes. */
function h265String(configuration: Uint8Array): string {
  if (configuration.length === 0) return 'hev1'
  const record = parseHvcC(configuration)
  const { profileSpace, profileIdc, compatibilityFlags, highTier, levelIdc, constraintBytes } = record.profileTierLevel
  const constraints = constraintBytes.map((byte) => byte.toString(16).toUpperCase())
  while (constraints.at(-1) === '0') constraints.pop()
  return [
    holdsHevcParameterSets(record) ? 'hvc1' : 'hev1',
    `${['', 'A', 'B', 'C'][profileSpace] ?? ''}${profileIdc}`,
    reverseBits32(compatibilityFlags).toString(16).toUpperCase(),
    `${highTier ? 'H' : 'L'}${levelIdc}`,
    ...constraints,
  ].join('.')
}

/** AV1 in ISOBMFF v1.2.0 §5. */
function av1String(configuration: Uint8Array): string {
  if (configuration.length === 0) return 'av01'
  const { profile, levelIdx, highTier, bitDepth } = parseAv1C(configuration)
  return `av01.${profile}.${twoDigits(levelIdx)}${highTier ? 'H' : 'M'}.${twoDigits(bitDepth)}`
}

/** VP Codec ISO Media File Format Binding v1.0 §5. The level is worked out when the record leaves it open. */
function vp9String(format: VideoFormat): string {
  if (format.configuration.length === 0) return 'vp09'
  const { profile, level, bitDepth } = parseVpcC(format.configuration, 'vp9')
  const effective = level || vp9Level(format.widthPixels, format.heightPixels, format.frameRateHint)
  return `vp09.${[profile, effective, bitDepth].map(twoDigits).join('.')}`
}

/** RFC 6381 §3.3: the profile and level indication in decimal, where the headers have one. */
function mpeg4String(configuration: Uint8Array): string {
  const profileLevel = configuration.length === 0 ? undefined : parseMpeg4Headers(configuration).profileLevel
  return profileLevel === undefined ? 'mp4v.20' : `mp4v.20.${profileLevel}`
}

/** ISO/IEC 14496-3 object type after the object type indication of MPEG-4 audio. */
function aacString(format: AudioFormat): string {
  const { objectType, sbr, parametricStereo } = parseAudioSpecificConfig(format.configuration)
  return `mp4a.40.${parametricStereo ? 29 : sbr ? 5 : objectType}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

function twoHexDigits(value: number): string {
  return value.toString(16).padStart(2, '0')
}

function reverseBits32(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) if ((value >>> bit) & 1) reversed += 2 ** (31 - bit)
  return reversed
}
