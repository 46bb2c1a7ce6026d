import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { PullConnectError } from '../pull/errors.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { openTransport, type Transport, type TransportUser } from '../tcp/transport.ts'
import type { RtspUrl } from './client-url.ts'

/** Where a connection leads: IP addresses without ports. */
export interface LinkEnds {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** The way RTSP messages and interleaved media take: a TCP connection, plain or TLS, or an HTTP tunnel. */
export interface ClientLink {
  readonly ends: LinkEnds
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

/**
 * A connection that reads nothing yet.
 * @throws {PullConnectError} nobody answers, or its certificate is not trusted
 */
export async function connectSocket(url: RtspUrl, { verifyTls, signal }: LinkMeans): Promise<Socket> {
  const { host, port, isTls } = url
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const socket = isTls
    ? connectTls({ host, port, rejectUnauthorized: verifyTls, ...servername })
    : connectTcp({ host, port })
  // Nothing may be read before there is somewhere to read it to.
  if (!isTls) socket.pause()
  const aborted = () => socket.destroy()
  signal.addEventListener('abort', aborted, { once: true })
  let cause: Error = new Error('closed')
  const failed = (error: Error) => {
    cause = error
  }
  const closed = () => reject(new PullConnectError(url.shown, cause))
  socket.on('error', failed).once('close', closed)
  socket.once(isTls ? 'secureConnect' : 'connect', () => resolve(socket))
  if (signal.aborted) aborted()
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', aborted)
    socket.off('error', failed).off('close', closed)
  }
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

/** To be asked before the socket is handed on. */
export function endsOf(socket: Socket): LinkEnds {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  return { remoteAddress, remotePort, localAddress, localPort }
}
