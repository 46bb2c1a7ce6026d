import type { Runtime } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { OutgoingMessage } from '#protocols/rtmp/chunk-writer.ts'
import type { RtmpExtension } from './extension.ts'
import type { ApplicationPlace } from './stream-name.ts'

/** The other end of a connection, as the layers above the chunks see it. */
export interface Peer {
  readonly id: string
  readonly protocol: 'rtmp' | 'rtmps'
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Bytes written and not yet taken by the network. */
  readonly unsentBytes: number
  send(message: OutgoingMessage): void
  sendControl(typeId: number, body: Uint8Array): void
  sendChunkSize(bytes: number): void
  /** The peer wants an acknowledgement this often. */
  setAcknowledgementWindow(bytes: number): void
  /** `connect` was accepted: large messages may come. */
  setupComplete(): void
  stopReading(): void
  resumeReading(): void
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
  readonly extension: RtmpExtension | undefined
}

/** What `connect` told about the client. */
export interface ClientDescription {
  readonly app: string
  readonly tcUrl: string
  /** What these two come to. */
  readonly place: ApplicationPlace
  /** flashVer: what the encoder calls itself. */
  readonly encoder: string
}
