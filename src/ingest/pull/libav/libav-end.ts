import { constants } from 'node:os'
import {
  AVERROR_DEMUXER_NOT_FOUND,
  AVERROR_EOF,
  AVERROR_EXIT,
  AVERROR_HTTP_BAD_REQUEST,
  AVERROR_HTTP_FORBIDDEN,
  AVERROR_HTTP_NOT_FOUND,
  AVERROR_HTTP_OTHER_4XX,
  AVERROR_HTTP_SERVER_ERROR,
  AVERROR_HTTP_TOO_MANY_REQUESTS,
  AVERROR_HTTP_UNAUTHORIZED,
  AVERROR_INVALIDDATA,
} from 'node-av/constants'
import { publicUrl } from '#base/public-url.ts'
import type { LibavScheme } from './libav-url.ts'
import type { OverFrame } from './wire.ts'

const { EINVAL, EIO, ENOENT, ETIMEDOUT } = constants.errno

const MEANINGS = new Map<number, OverFrame['how']>([
  [AVERROR_EOF, 'ended'],
  [AVERROR_EXIT, 'stopped'],
  [-ETIMEDOUT, 'silent'],
  [-ENOENT, 'missing'],
  [AVERROR_HTTP_NOT_FOUND, 'missing'],
  [AVERROR_HTTP_BAD_REQUEST, 'refused'],
  [AVERROR_HTTP_UNAUTHORIZED, 'refused'],
  [AVERROR_HTTP_FORBIDDEN, 'refused'],
  [AVERROR_HTTP_TOO_MANY_REQUESTS, 'refused'],
  [AVERROR_HTTP_OTHER_4XX, 'refused'],
  [AVERROR_HTTP_SERVER_ERROR, 'refused'],
  [AVERROR_INVALIDDATA, 'strange'],
  [AVERROR_DEMUXER_NOT_FOUND, 'strange'],
  // A container that is not on the list.
  [-EINVAL, 'strange'],
])

/** libavformat's error → what it means here. Addresses in its words have their credentials hidden. */
export function howItEnded(
  code: number,
  told: {
    readonly words: string
    readonly message: string
    readonly isOpen: boolean
    readonly scheme: LibavScheme | 'pipe'
  },
): Pick<OverFrame, 'how' | 'message'> {
  const { words, message, isOpen } = told
  const shown = (words === '' || words === message ? message : `${message}: ${words}`)
    .slice(0, 400)
    .replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, (url) => publicUrl(url))
  const how = isUdpSilence(code, told.scheme) ? 'silent' : (MEANINGS.get(code) ?? (isOpen ? 'failed' : 'unreachable'))
  return { how, message: shown }
}

/** The timeout of a read of datagrams comes as an error of input. */
function isUdpSilence(code: number, scheme: LibavScheme | 'pipe'): boolean {
  return scheme === 'udp' && code === -EIO
}
