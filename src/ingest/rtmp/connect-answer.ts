import { type AmfObject, isAmfObject } from '#media/flv/amf-value.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import { AUDIO_FOUR_CCS, VIDEO_FOUR_CCS } from '#media/flv/four-cc.ts'

/** Bits of `capsEx`. Enhanced RTMP v2, "CapsExMask". Reconnect requests (1) are never sent. */
const CAPABILITIES = { multitrack: 2, modEx: 4, timestampNanoOffset: 8 } as const

/** Bits of the FourCC maps. Enhanced RTMP v2, "FourCcInfoMask": we pass on, and decode nothing. */
const CAN_FORWARD = 4

/** The two objects of the answer to `connect`. */
export interface ConnectAnswer {
  readonly properties: AmfEncodable
  readonly information: AmfEncodable
}

/** Answers `connect`; enhanced RTMP is offered to those who ask for it, as far as it is recorded. */
export function connectAnswer(request: AmfObject): ConnectAnswer {
  const objectEncoding = request['objectEncoding'] === 3 ? 3 : 0
  return {
    properties: { fmsVer: 'FMS/3,5,7,7009', capabilities: 31, mode: 1 },
    information: {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
      objectEncoding,
      ...enhanced(request),
    },
  }
}

function enhanced(request: AmfObject): Readonly<Record<string, AmfEncodable>> {
  const asksV1 = Array.isArray(request['fourCcList'])
  const asksV2 = typeof request['capsEx'] === 'number' || isAmfObject(request['videoFourCcInfoMap'])
  if (!asksV1 && !asksV2) return {}
  const video = Object.values(VIDEO_FOUR_CCS)
  const audio = Object.values(AUDIO_FOUR_CCS)
  const map = (fourCcs: readonly string[]) => Object.fromEntries(fourCcs.map((fourCc) => [fourCc, CAN_FORWARD]))
  return {
    fourCcList: [...video, ...audio],
    ...(asksV2 && {
      videoFourCcInfoMap: map(video),
      audioFourCcInfoMap: map(audio),
      capsEx: CAPABILITIES.multitrack | CAPABILITIES.modEx | CAPABILITIES.timestampNanoOffset,
    }),
  }
}
