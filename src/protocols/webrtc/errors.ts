import { TapedeckError } from '#base/error.ts'

/** A session description, or a fragment of one, that makes no sense, or asks for what is not there. */
export class WebRtcBadOfferError extends TapedeckError {
  readonly code = 'webrtc/bad-offer'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string, cause?: unknown) {
    super(`the WebRTC offer can't be used: ${reason}: send what createOffer() gives, unchanged`, { cause })
    this.reason = reason
  }
}

/** Nothing of what is offered can be taken, or given. */
export class WebRtcNoCommonCodecError extends TapedeckError {
  readonly code = 'webrtc/no-common-codec'
  readonly origin = 'client'
  /** What was offered, such as `video RED`. */
  readonly offered: readonly string[]
  constructor(offered: readonly string[], wanted: string) {
    super(`the WebRTC offer has only ${offered.slice(0, 40).join(', ') || 'nothing'}: offer ${wanted}`)
    this.offered = offered
  }
}
