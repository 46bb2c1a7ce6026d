import type { LibavScheme } from './libav-url.ts'

/** What a reading process is told, as one line of JSON: never as an argument, which everybody on the machine could see. */
export interface ReadingTask {
  /** `pipe`: the server gives the media itself. */
  readonly scheme: LibavScheme | 'pipe'
  readonly url: string
  /** libavformat's name of the container; empty: it looks. */
  readonly format: string
  /** libavformat's, of demuxer and protocols alike. */
  readonly options: Readonly<Record<string, string>>
  /** The source gives as fast as we take: it is read in real time. */
  readonly isPaced: boolean
  /**
   * Packets may be missing. Elsewhere a leap of MPEG-TS's packet counters is only a seam: many packagers count anew in
   * each segment of HLS.
   */
  readonly isLossy: boolean
  /** `https:` is fetched by us, and every certificate verified. */
  readonly isVerified: boolean
  readonly idleTimeoutMs: number
}

/** Longest line a reading process takes. */
export const MAX_TASK_BYTES = 64 * 1024

/** Containers of files and downloads, by libavformat's names: what holds media, and refers to nothing outside of itself. */
const FILE_FORMATS =
  'mpegts,flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,aac,mp3,ac3,eac3,flac,ogg,wav,h264,hevc'

/** And HLS, which refers to other addresses; `webvtt` is what its subtitles are, which nobody asks for. */
const STREAM_FORMATS = `hls,webvtt,${FILE_FORMATS}`

/** What may be opened on the way, so that a playlist or a redirection never leads to a file or another protocol. */
const PROTOCOLS: Readonly<Record<LibavScheme, string>> = {
  http: 'http,https,tcp,tls,crypto',
  https: 'http,https,tcp,tls,crypto',
  srt: 'srt',
  udp: 'udp',
  file: 'file',
}

/** Where we fetch for libavformat it must not do so itself, without verifying whom it asks. */
const RELAYED_PROTOCOLS = 'http,tcp,crypto'

/** Datagrams the kernel and libavformat hold while we are busy: half a second of 60 Mbit/s, where the kernel allows it. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024

/** Where a reading process finds media that the server gives it. */
export const MEDIA_PIPE = 4

/** What to tell the process that reads a transport stream from the server's own hands. */
export function pipedTask(): ReadingTask {
  return {
    scheme: 'pipe',
    url: `pipe:${MEDIA_PIPE}`,
    format: 'mpegts',
    options: { protocol_whitelist: 'pipe', format_whitelist: 'mpegts' },
    isPaced: false,
    isLossy: true,
    isVerified: false,
    idleTimeoutMs: 0,
  }
}

/** What to tell the process that reads an address. */
export function readingTask(
  { scheme, url }: { readonly scheme: LibavScheme; readonly url: string },
  settings: { readonly idleTimeoutMs: number; readonly verifyTls: boolean },
): ReadingTask {
  const isVerified = scheme === 'https' && settings.verifyTls
  const isLossy = scheme === 'srt' || scheme === 'udp'
  const isHttp = scheme === 'http' || scheme === 'https'
  const idleUs = String(settings.idleTimeoutMs * 1000)
  const options: Record<string, string> = {
    protocol_whitelist: isVerified ? RELAYED_PROTOCOLS : PROTOCOLS[scheme],
    format_whitelist: isHttp ? STREAM_FORMATS : FILE_FORMATS,
  }
  if (isHttp) {
    options['rw_timeout'] = idleUs
    options['user_agent'] = 'Tapedeck'
    options['seg_max_retry'] = '2'
  }
  // Silence ends reading in order, so that what libavformat still holds comes out.
  if (isLossy) options['timeout'] = idleUs
  if (scheme === 'udp') {
    options['overrun_nonfatal'] = '1'
    options['buffer_size'] = String(UDP_BUFFER_BYTES)
  }
  // Without being told, libavformat would wait for more than one packet to know it.
  const format = isLossy ? 'mpegts' : ''
  return {
    scheme,
    url,
    format,
    options,
    isPaced: !isLossy,
    isLossy,
    isVerified,
    idleTimeoutMs: settings.idleTimeoutMs,
  }
}
