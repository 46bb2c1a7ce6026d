import { connectSocket, endsOf, type SocketEnds } from '../pull/connect-socket.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { openTransport, type Transport, type TransportUser } from '../tcp/transport.ts'
import type { RtspUrl } from './client-url.ts'

/** The way RTSP messages and interleaved media take: a TCP connection, plain or TLS, or an HTTP tunnel. */
export interface ClientLink {
  readonly ends: SocketEnds
  write(bytes: Uint8Array): void
  /** Closes at once. */
  destroy(): void
}

/** What all connections of the pulls share. */
export interface LinkMeans {
  readonly verifyTls: boolean
  readonly pacer: ReadPacer
  /** All plain sockets read into it. */
  readonly readBuffer: Uint8Array
  /** Aborted: the attempt is over. */
  readonly signal: AbortSignal
}

/** A connection without a tunnel. @throws {PullConnectError} */
export async function openLink(url: RtspUrl, means: LinkMeans, user: TransportUser): Promise<ClientLink> {
  const socket = await connectSocket(url, means)
  const ends = endsOf(socket)
  const transport: Transport = openTransport(socket, user, means.pacer, url.isTls ? undefined : means.readBuffer)
  return {
    ends,
    write: (bytes) => transport.write(bytes),
    destroy: () => transport.destroy(),
  }
}
