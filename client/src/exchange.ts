import { iceServersOf } from './ice-servers.ts'
import { encodePath, type Server } from './server.ts'

/** Publishing (WHIP, RFC 9725) or playing (WHEP). */
export type Direction = 'whip' | 'whep'

/** A session on the server, until it is ended. */
export interface Exchange {
  /** The session's own address. */
  readonly resource: URL
  /** As the server gave it. */
  readonly answer: string
}

/**
 * Offers, and takes the answer. The offer goes out before candidates are gathered: the answer may bring the STUN and TURN
 * servers to gather with (RFC 9725 §4.6), and the server learns our addresses from our own checks. `adapt`: what is to
 * be in the answer besides.
 * @throws {ServerError} it refuses @throws {ConnectionError} it does not answer
 */
export async function exchange(
  server: Server,
  direction: Direction,
  name: string,
  connection: RTCPeerConnection,
  adapt: (answer: string) => string = (answer) => answer,
): Promise<Exchange> {
  const offer = await connection.createOffer()
  const response = await server.send(server.address(direction, encodePath(name)), {
    method: 'POST',
    token: server.token,
    headers: { 'content-type': 'application/sdp', accept: 'application/sdp' },
    body: offer.sdp ?? '',
  })
  const resource = new URL(response.headers.get('location') ?? '', response.url)
  try {
    const told = iceServersOf(response.headers.get('link'))
    if (told.length > 0) {
      const configuration = connection.getConfiguration()
      connection.setConfiguration({
        ...configuration,
        iceServers: [...(configuration.iceServers ?? []), ...told],
      })
    }
    await connection.setLocalDescription(offer)
    const answer = await response.text()
    await connection.setRemoteDescription({ type: 'answer', sdp: adapt(answer) })
    return { resource, answer }
  } catch (error) {
    await endExchange(server, { resource })
    throw error
  }
}

/** Who stops waits for it, and the camera is on meanwhile. */
const END_TIMEOUT_MS = 3_000

/**
 * Ends the session on the server; `returns`: it is about to be made anew, and what is recorded is to wait. A server that is away, or knows it no more, has ended it by itself.
 */
export async function endExchange(
  server: Server,
  { resource }: Pick<Exchange, 'resource'>,
  { returns = false }: { readonly returns?: boolean } = {},
): Promise<void> {
  const url = new URL(resource)
  if (returns) url.searchParams.set('returns', 'true')
  await server
    .send(url, { method: 'DELETE', token: server.token, keepalive: true, timeoutMs: END_TIMEOUT_MS })
    .catch(() => {})
}
