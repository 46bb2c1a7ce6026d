/** Codecs by the names people know; anything newer is shown as the API names it. */
const NAMES: Readonly<Record<string, string>> = {
  h264: 'H.264',
  h265: 'HEVC',
  av1: 'AV1',
  vp9: 'VP9',
  vp8: 'VP8',
  mpeg4: 'MPEG-4',
  jpeg: 'JPEG',
  aac: 'AAC',
  mp3: 'MP3',
  opus: 'Opus',
  flac: 'FLAC',
  ac3: 'AC-3',
  eac3: 'E-AC-3',
  pcma: 'G.711 A-law',
  pcmu: 'G.711 µ-law',
  l16: 'PCM',
  g722: 'G.722',
  g726: 'G.726',
}

/** Containers by their file extension in capitals, as people name them. */
const CONTAINERS: Readonly<Record<string, string>> = {
  mp4: 'MP4',
  flv: 'FLV',
  ts: 'MPEG-TS',
  mpegts: 'MPEG-TS',
  webm: 'WebM',
  mkv: 'Matroska',
}

/** `H.264` for `h264`. */
export function codecName(codec: string): string {
  return NAMES[codec] ?? codec
}

/** `MPEG-TS` for `ts`. */
export function containerName(format: string): string {
  return CONTAINERS[format] ?? format.toUpperCase()
}

/** `RTMP` for `rtmp`, `RTMPS, fetched` for `rtmps-pull`, `WebRTC` for `webrtc`. */
export function protocolName(protocol: string): string {
  if (protocol === 'webrtc') return 'WebRTC'
  return protocol.endsWith('-pull') ? `${protocol.slice(0, -5).toUpperCase()}, fetched` : protocol.toUpperCase()
}

/** In the order of their ids, whatever order the server met them in. */
export function inOrder<Track extends { readonly trackId: number }>(tracks: readonly Track[]): readonly Track[] {
  return [...tracks].sort((a, b) => a.trackId - b.trackId)
}

interface DescribedTrack {
  readonly kind: 'video' | 'audio'
  readonly codec: string
  readonly width?: number
  readonly height?: number
  readonly frameRate?: number
  readonly sampleRateHz?: number
  readonly channels?: number
}

/** `H.264 1280×720 25 fps`, `AAC 48 kHz stereo`: what is known, and nothing where nothing is. */
export function describeTrack(track: DescribedTrack): string {
  const words = [codecName(track.codec)]
  if (track.kind === 'video') {
    if (track.width && track.height) words.push(`${track.width}×${track.height}`)
    if (track.frameRate) words.push(`${Number(track.frameRate.toFixed(2))} fps`)
  } else {
    if (track.sampleRateHz) words.push(`${track.sampleRateHz / 1000} kHz`)
    if (track.channels) words.push(channelWord(track.channels))
  }
  return words.join(' ')
}

function channelWord(channels: number): string {
  if (channels === 1) return 'mono'
  return channels === 2 ? 'stereo' : `${channels} channels`
}
