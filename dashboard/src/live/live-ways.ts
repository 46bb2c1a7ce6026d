import { ConnectionError, ServerError, type TapedeckError } from '../../../client/src/errors.ts'

/** How a live picture comes: by WebRTC, or as endless MP4. */
export type LiveWay = 'webrtc' | 'mp4'

/** Remembers where WebRTC did not work, so that no picture waits for the same disappointment twice. */
export class LiveWays {
  /** Why, by the id of the publication: an encoder that comes again may do better. */
  readonly #refused = new Map<string, string>()
  #blockedBecause: string | undefined
  readonly #hasWebRtc: boolean

  /** `hasWebRtc`: this browser does. */
  constructor(hasWebRtc: boolean) {
    this.#hasWebRtc = hasWebRtc
  }

  /** `accepts`: the server has WebRTC switched on. */
  wayOf(streamId: string, accepts: boolean): LiveWay {
    const mayTry = accepts && this.#hasWebRtc && this.reasonAgainst(streamId) === undefined
    return mayTry ? 'webrtc' : 'mp4'
  }

  /** What kept this stream from coming by WebRTC. */
  reasonAgainst(streamId: string): string | undefined {
    return this.#blockedBecause ?? this.#refused.get(streamId)
  }

  /** The server refused this stream, nothing came through at all, or no picture came of what did. */
  failed(streamId: string, error: TapedeckError): void {
    // No datagram gets through between us: no other stream's will either.
    if (error instanceof ConnectionError && error.code === 'client/connection-failed')
      this.#blockedBecause = error.message
    else if (error instanceof ServerError && error.code === 'webrtc/disabled') this.#blockedBecause = error.message
    else this.#refused.set(streamId, error.message)
  }
}
