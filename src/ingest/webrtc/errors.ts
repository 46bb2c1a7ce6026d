import { TapedeckError } from '#base/error.ts'

/** The library can't do what we need of it. */
export class WebRtcTransportError extends TapedeckError {
  readonly code = 'webrtc/transport-failed'
  readonly origin = 'internal'
  constructor(reason: string, cause?: unknown) {
    super(`WebRTC: ${reason}: see webrtc.udp, and whether the port is free`, { cause })
  }
}
