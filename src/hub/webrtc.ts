import type { Signal } from '#base/events.ts'
import type { CodecPreference } from '#base/webrtc-codecs.ts'
import type { Stream, StreamEnd } from './stream.ts'

/**
 * Browsers as publishers and players: offers are taken, and answered. Implemented in ingest/; whoever speaks with the
 * browser (HTTP, a WebSocket) only brings the descriptions.
 */
export interface WebRtcApi {
  /**
   * Takes a publisher's offer. Its stream begins when the browser is connected, so that an offer alone holds no path.
   * @throws {TapedeckError} `webrtc/bad-offer`, `webrtc/no-common-codec`, `webrtc/too-many-sessions`,
   * `stream/path-in-use`, `stream/path-invalid`
   */
  publish(request: PublishRequest): Promise<WebRtcSession>
  /** Takes a player's offer. @throws {TapedeckError} as publish(), or nobody publishes the path */
  play(request: PlayRequest): Promise<WebRtcSession>
  /** Undefined: there is none, or it has ended. */
  session(id: string): WebRtcSession | undefined
  /**
   * Whether a session of that id ended on this side not long ago: whoever ends it too has only come late. Says so once,
   * and of the last thousand.
   */
  endedHere(id: string): boolean
  readonly sessions: Iterable<WebRtcSession>
  /** For browsers whose networks need them. */
  readonly iceServers: readonly IceServer[]
}

/** A STUN or TURN server, as RTCPeerConnection takes it. */
export interface IceServer {
  readonly urls: readonly string[]
  readonly username?: string | undefined
  readonly credential?: string | undefined
}

/** Who sends an offer, and from where. */
export interface PlayRequest {
  readonly path: string
  /** The offer. */
  readonly sdp: string
  /** Of the connection that the offer came by: IP addresses, without ports. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** User-Agent, or what the client calls itself. */
  readonly encoder: string
  readonly query: Readonly<Record<string, string>>
}

/** {@link PlayRequest}, of a publisher. */
export interface PublishRequest extends PlayRequest {
  /** As {@link Publisher.app}. */
  readonly app?: string
  /** As {@link Publisher.protocol}. Default: `webrtc`. */
  readonly protocol?: string
  /** Nobody there ends it on purpose: a connection that the browser closes is lost, and waited for. */
  readonly goodbyeIsLoss?: boolean
  /** Instead of what is configured. */
  readonly codecs?: Partial<CodecPreference>
  /** What the browser may send of pictures, instead of what is configured. */
  readonly maxBitrateBps?: number
}

/**
 * Why a session ended. `closed`: somebody here has ended it. `ice-timeout`: the browser never came. `idle`: it sent
 * nothing for too long. `ice-lost`: it can't be reached any more.
 */
export type WebRtcEndReason =
  | 'closed'
  | 'peer-closed'
  | 'ice-timeout'
  | 'ice-lost'
  | 'dtls-failed'
  | 'idle'
  | 'path-taken'
  | 'stream-ended'
  | 'shutdown'
  | 'error'

/** A browser that publishes or plays, from its offer to its end. */
export interface WebRtcSession {
  /** A secret between us and whoever offered: who knows it may end the session. */
  readonly id: string
  /** Of its stream's publisher; shown in lists and logs. */
  readonly connectionId: string
  readonly kind: 'publish' | 'play'
  readonly path: string
  /** Complete: with all candidates. */
  readonly answer: string
  /** Of the ICE session, with its quotes (RFC 9725 §4.3.1). */
  readonly etag: string
  /** `flowing`: the first access unit went into or out of the hub. */
  readonly state: 'connecting' | 'connected' | 'flowing' | 'ended'
  /** A publisher's: from `connected` on. A player's: what it plays. */
  readonly stream: Stream | undefined
  readonly stateChanged: Signal<WebRtcSession>
  readonly ended: { readonly end: StreamEnd; readonly reason: WebRtcEndReason } | undefined
  /**
   * Takes more of the browser's candidates (RFC 8840 §9): an SDP fragment. Undefined: there is nothing to answer.
   * @throws {TapedeckError} `webrtc/bad-offer`, `webrtc/restart-unsupported`
   */
  trickle(fragment: string): Promise<string | undefined>
  /** Idempotent. */
  close(end: StreamEnd): void
}
