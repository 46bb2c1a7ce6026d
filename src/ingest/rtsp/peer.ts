import type { Runtime } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { TransportSpec } from '#protocols/rtsp/transport.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import type { Ticker } from './ticker.ts'
import type { UdpPorts } from './udp-ports.ts'

/** The other end of a connection, as sessions see it. */
export interface Peer {
  readonly id: string
  readonly protocol: 'rtsp' | 'rtsps'
  /** IP addresses. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes written and not yet taken by the network. */
  readonly unsentBytes: number
  write(bytes: Uint8Array): void
  /** Ends the connection because of what the peer did, or did not. */
  fail(error: unknown): void
  /** Ends the connection because we want it. */
  disconnect(end: StreamEnd): void
}

/** What sessions of a connection stand on. The runtime's log carries the connection's id. */
export interface Surroundings {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly access: StreamAccess
  readonly ticker: Ticker
  /** Undefined: media over UDP is off. */
  readonly udpPorts: UdpPorts | undefined
  readonly limits: SessionLimits
  /** Undefined: transport streams are not taken. */
  readonly readers: ReaderSlots | undefined
}

/** See Config['rtsp']. */
export interface SessionLimits {
  readonly idleTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly reorderMs: number
  readonly damaged: 'drop' | 'keep'
}

/** A session of a connection: somebody publishes or plays. */
export interface RtspSession {
  readonly id: string
  readonly kind: 'publish' | 'play'
  readonly path: string
  /** Media may come or go. */
  readonly isActive: boolean
  /**
   * Prepares one medium; the answer's Transport header.
   * @param uri as asked for
   * @throws {RtspRefusal}
   */
  setup(uri: string, transport: string): Promise<Partial<TransportSpec> & Pick<TransportSpec, 'lower'>>
  /** An interleaved frame: `bytes[start, end)` is borrowed. False: its channel was never set up. */
  frame(channel: number, bytes: Uint8Array, start: number, end: number, arrivalMs: number): boolean
  pause(): void
  /** A request came that names the session. */
  touch(nowMs: number): void
  /** The socket has room again. */
  drained(): void
  /** Called about once a second. @throws {TapedeckError} the session has timed out */
  check(nowMs: number): void
  /** Idempotent. */
  end(end: StreamEnd): void
}
