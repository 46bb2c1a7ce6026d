import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { PullConnectError } from './errors.ts'

/** Who is to be reached. */
export interface SocketTarget {
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  /** The whole address, credentials hidden. */
  readonly shown: string
}

/** Where a connection leads: IP addresses without ports. */
export interface SocketEnds {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/**
 * A connection that reads nothing yet.
 * @param how.signal aborted: the attempt is over
 * @throws {PullConnectError} nobody answers, or its certificate is not trusted
 */
export async function connectSocket(
  { host, port, isTls, shown }: SocketTarget,
  { verifyTls, signal }: { readonly verifyTls: boolean; readonly signal: AbortSignal },
): Promise<Socket> {
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
  const closed = () => reject(new PullConnectError(shown, cause))
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

/** To be asked before the socket is handed on. */
export function endsOf(socket: Socket): SocketEnds {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  return { remoteAddress, remotePort, localAddress, localPort }
}
