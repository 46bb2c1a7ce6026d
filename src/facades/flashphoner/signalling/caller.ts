import type { IncomingMessage } from 'node:http'
import { isForwarded } from '#api/guards.ts'
import { isOurHost } from '#api/host-check.ts'
import type { ListenAddress } from '#config/config.ts'
import { isLoopbackAddress } from '#control/loopback.ts'
import type { PlayRequest } from '#hub/webrtc.ts'

/** Who is at the other end of a WebSocket. */
export interface Caller extends Pick<PlayRequest, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'> {
  /** What the browser calls itself. */
  readonly userAgent: string
  /** Parameters of the address it connected to. */
  readonly query: Readonly<Record<string, string>>
  /**
   * The address by which it may do what only this machine may. Empty for a page of another site, whose visitor's
   * browser is on this machine, and for the clients of a proxy that is.
   */
  readonly trustedAddress: string
  /** By which its browser may fetch the records it makes; see RecordTickets. */
  readonly ticket: string | undefined
}

/** Names that are this server, and pages of other sites that may act as if they were from here. */
export interface TrustOptions {
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/** What the request says that asks for a WebSocket. */
export function callerOf(
  request: IncomingMessage,
  ticket: string | undefined,
  listening: ListenAddress,
  trust: TrustOptions,
): Caller {
  const { socket, headers } = request
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  // The path is anything that a page has made up.
  const query = new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1] ?? '')
  const isOwn =
    isOurHost(headers.host, listening, trust.allowedHosts) && isOurPage(headers, trust) && !isForwarded(request)
  return {
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    userAgent: (headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT_CHARACTERS),
    query: Object.fromEntries(query),
    trustedAddress: isOwn || !isLoopbackAddress(remoteAddress) ? remoteAddress : '',
    ticket,
  }
}

const MAX_USER_AGENT_CHARACTERS = 512

/** Pages come from another port of this server's name; programs come from none. */
function isOurPage({ origin, host }: IncomingMessage['headers'], { allowedOrigins }: TrustOptions): boolean {
  if (origin === undefined || allowedOrigins.includes(origin)) return true
  const own = `http://${host ?? ''}`
  return URL.canParse(origin) && URL.canParse(own) && new URL(origin).hostname === new URL(own).hostname
}
