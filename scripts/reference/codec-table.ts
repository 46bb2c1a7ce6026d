import { readFileSync } from 'node:fs'
import { WEBRTC_AUDIO_CODECS, WEBRTC_VIDEO_CODECS } from '../../src/base/webrtc-codecs.ts'
import type { Container } from '../../src/containers/container.ts'
import { flv } from '../../src/containers/flv/flv.ts'
import { mp4 } from '../../src/containers/mp4/mp4.ts'
import { mpegts } from '../../src/containers/mpegts/mpegts.ts'
import { mkv, webm } from '../../src/containers/webm/webm.ts'
import { AUDIO_CODECS, type Codec, VIDEO_CODECS } from '../../src/media/codec.ts'
import { parseAudioTag } from '../../src/media/flv/audio-tag.ts'
import { AUDIO_FOUR_CCS, VIDEO_FOUR_CCS } from '../../src/media/flv/four-cc.ts'
import { parseVideoTag } from '../../src/media/flv/video-tag.ts'
import { PAYLOAD_CODECS } from '../../src/protocols/rtp/payloads/all.ts'

const START = '<!-- codecs: written by npm run reference -->'
const END = '<!-- /codecs -->'

const NAMES: Readonly<Record<Codec, string>> = {
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
  vorbis: 'Vorbis',
  flac: 'FLAC',
  ac3: 'AC-3',
  eac3: 'E-AC-3',
  pcma: 'G.711 A-law',
  pcmu: 'G.711 µ-law',
  l16: 'PCM',
  g722: 'G.722',
  g726: 'G.726',
}
const FILES: readonly (readonly [title: string, container: Container])[] = [
  ['MP4', mp4],
  ['FLV', flv],
  ['MPEG-TS', mpegts],
  ['WebM', webm],
  ['Matroska', mkv],
]

/** The README with its table of protocols, codecs and containers as the code has it. */
export function readmeWithTable(): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const start = readme.indexOf(START) + START.length
  const end = readme.indexOf(END)
  if (start < START.length || end < start) throw new Error(`README.md lost its marks ${START} and ${END}`)
  return `${readme.slice(0, start)}\n\n${codecTable()}\n\n${readme.slice(end)}`
}

function codecTable(): string {
  const legacy = legacyCodecs()
  const enhanced = new Set<string>([...Object.keys(VIDEO_FOUR_CCS), ...Object.keys(AUDIO_FOUR_CCS)])
  const browsers = new Set<string>([...WEBRTC_VIDEO_CODECS, ...WEBRTC_AUDIO_CODECS])
  const yes = (value: boolean) => (value ? 'yes' : '–')
  const rows = [...VIDEO_CODECS, ...AUDIO_CODECS].map((codec) => {
    const carried = FILES.map(([, container]) => yes(container.carries(codec)))
    const taken = [legacy, enhanced, PAYLOAD_CODECS, browsers].map((codecs) => yes(codecs.has(codec)))
    return [NAMES[codec], ...taken, ...carried]
  })
  const ways = ['in: RTMP(S)', 'in: enhanced RTMP(S)', 'in: RTSP(S)', 'in: WebRTC']
  const header = ['', ...ways, ...FILES.map(([title]) => `to: ${title}`)]
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** What the 4-bit codec fields of plain FLV tags can name. */
function legacyCodecs(): ReadonlySet<string> {
  const ids = Array.from({ length: 16 }, (_, id) => id)
  const video = ids.map((id) => parseVideoTag(Uint8Array.of(0x10 | id, 1, 0, 0, 0)).codec)
  // 9 announces the enhanced header.
  const audio = ids.filter((id) => id !== 9).map((id) => parseAudioTag(Uint8Array.of(id << 4, 1)).codec)
  return new Set([...video, ...audio].filter((codec) => codec !== undefined))
}
