import type { AudioCodec, Codec, VideoCodec } from '../codec.ts'

/** The four characters as a big-endian number. */
export function fourCc(text: string): number {
  let value = 0
  for (let i = 0; i < 4; i++) value = (value << 8) | text.charCodeAt(i)
  return value >>> 0
}

/** The number as text, unprintable characters as dots. */
export function fourCcText(value: number): string {
  return [24, 16, 8, 0]
    .map((shift) => (value >>> shift) & 0xff)
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
    .join('')
}

/** Video codecs of enhanced RTMP that the hub carries. Enhanced RTMP v2, table "Valid FOURCC values". `vvc1` is not. */
export const VIDEO_FOUR_CCS: Readonly<Partial<Record<VideoCodec, string>>> = {
  h264: 'avc1',
  h265: 'hvc1',
  av1: 'av01',
  vp9: 'vp09',
  vp8: 'vp08',
}

/** Audio codecs of enhanced RTMP v2. G.711 has none: it stays with the legacy header. */
export const AUDIO_FOUR_CCS: Readonly<Partial<Record<AudioCodec, string>>> = {
  aac: 'mp4a',
  mp3: '.mp3',
  opus: 'Opus',
  flac: 'fLaC',
  ac3: 'ac-3',
  eac3: 'ec-3',
}

/** Whether FLV and RTMP have a form for the codec. */
export function isFlvCodec(codec: Codec): boolean {
  return codec in VIDEO_FOUR_CCS || codec in AUDIO_FOUR_CCS || codec === 'pcma' || codec === 'pcmu'
}

const videoByFourCc = new Map(
  Object.entries(VIDEO_FOUR_CCS).map(([codec, text]) => [fourCc(text), codec as VideoCodec]),
)
const audioByFourCc = new Map(
  Object.entries(AUDIO_FOUR_CCS).map(([codec, text]) => [fourCc(text), codec as AudioCodec]),
)

export function videoCodecOfFourCc(value: number): VideoCodec | undefined {
  return videoByFourCc.get(value)
}

export function audioCodecOfFourCc(value: number): AudioCodec | undefined {
  return audioByFourCc.get(value)
}
