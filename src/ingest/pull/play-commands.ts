import type { AmfEncodable } from '#media/flv/amf0.ts'
import { AUDIO_FOUR_CCS, VIDEO_FOUR_CCS } from '#media/flv/four-cc.ts'
import { encodeCommand } from '#protocols/rtmp/message.ts'
import type { RtmpUrl } from './rtmp-url.ts'

/** Transactions of the two calls we make. */
export const Transaction = { connect: 1, createStream: 2 } as const

/** Everything: SUPPORT_SND_ALL, SUPPORT_VID_ALL, seeking. Adobe RTMP 1.0 §7.2.1.1. */
const SOUND_ALL = 0x0fff
const VIDEO_ALL = 0x00ff

/** Enhanced RTMP v2: multitrack, ModEx, nanoseconds; codecs are passed on, not decoded. */
const CAPABILITIES = 2 + 4 + 8
const CAN_FORWARD = 4

/** What a player asks to be taken for. Servers that look at it expect one of Adobe's. */
const FLASH_VERSION = 'LNX 9,0,124,2'

/** "Live, else recorded". Adobe RTMP 1.0 §7.2.2.1; on the wire in milliseconds, as players send it. */
const LIVE_OR_RECORDED = -2000

/** `connect`, with the query of a login where one was asked for. */
export function connectCommand({ app, tcUrl }: RtmpUrl, loginQuery: string): Uint8Array {
  const video = Object.values(VIDEO_FOUR_CCS)
  const audio = Object.values(AUDIO_FOUR_CCS)
  return encodeCommand('connect', Transaction.connect, {
    app: withQuery(app, loginQuery),
    flashVer: FLASH_VERSION,
    tcUrl: withQuery(tcUrl, loginQuery),
    fpad: false,
    capabilities: 15,
    audioCodecs: SOUND_ALL,
    videoCodecs: VIDEO_ALL,
    videoFunction: 1,
    fourCcList: [...video, ...audio],
    videoFourCcInfoMap: forwarded(video),
    audioFourCcInfoMap: forwarded(audio),
    capsEx: CAPABILITIES,
  })
}

export function createStreamCommand(): Uint8Array {
  return encodeCommand('createStream', Transaction.createStream, null)
}

export function playCommand(stream: string): Uint8Array {
  return encodeCommand('play', 0, null, stream, LIVE_OR_RECORDED)
}

/** Takes leave. */
export function deleteStreamCommand(messageStreamId: number): Uint8Array {
  return encodeCommand('deleteStream', 0, null, messageStreamId)
}

function withQuery(text: string, query: string): string {
  if (query === '') return text
  return `${text}${text.includes('?') ? '&' : '?'}${query}`
}

function forwarded(fourCcs: readonly string[]): Readonly<Record<string, AmfEncodable>> {
  return Object.fromEntries(fourCcs.map((each) => [each, CAN_FORWARD]))
}
