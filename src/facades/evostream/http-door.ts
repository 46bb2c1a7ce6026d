import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { requestSource } from '#api/cross-site.ts'
import { isOurHost } from '#api/host-check.ts'
import type { Runtime } from '#base/runtime.ts'
import type { ListenAddress } from '#config/config.ts'
import { formatJsonAnswer } from './answer.ts'
import type { Commands } from './command-table.ts'
import { type Door, type DoorCredential, isKnown, listen } from './doors.ts'
import { decodeQuery } from './http-parameters.ts'

/** Time for a whole request, headers and ignored body. */
const REQUEST_TIMEOUT_MS = 10_000

/** Request line and headers together: a path of 4096 bytes in base64, and some. */
const MAX_HEADER_BYTES = 32 * 1024

export interface HttpDoorOptions {
  readonly runtime: Runtime
  readonly commands: Commands
  readonly listen: ListenAddress
  readonly credential: DoorCredential
  readonly maxConnections: number
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/**
 * Commands over HTTP: `GET /<command>?params=<base64>`. Everything a command says, failure too, has status 200; other
 * statuses mean that none was carried out.
 * @throws {ApiListenError}
 */
export async function openHttpDoor(options: HttpDoorOptions): Promise<Door> {
  const { runtime, maxConnections } = options
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
  }
  let address = options.listen
  const server = createServer(limits, (request, response) => {
    // Whatever is in the body has no meaning; unread it would hold up the end of the connection.
    request.resume()
    answer(request, response, options, address).catch((error: unknown) => {
      runtime.log.error({ event: 'evostream.http-failed', err: error })
      response.destroy()
    })
  })
  server.maxConnections = maxConnections
  address = await listen(server, options.listen, 'http.listen')
  server.on('error', (error) => runtime.log.error({ event: 'evostream.http-listener', err: error }))
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpDoorOptions,
  address: ListenAddress,
): Promise<void> {
  response.setHeader('Connection', 'close')
  response.setHeader('Content-Type', 'text/plain')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const refusal = refusalOf(request, response, options, address)
  if (refusal !== undefined) {
    response.statusCode = refusal.status
    response.end(`${refusal.reason}\r\n`)
    return
  }
  const [path = '', query = ''] = splitUrl(request.url ?? '')
  const name = decodeSegment(path.split('/').findLast((segment) => segment !== '') ?? '')
  const result = await options.commands.execute({ name, parameters: decodeQuery(query) ?? new Map() }, 'http')
  const body = Buffer.from(formatJsonAnswer(result))
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

interface Refusal {
  readonly status: number
  readonly reason: string
}

/** A page of somebody else's must not record by way of a browser on this machine. */
function refusalOf(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpDoorOptions,
  address: ListenAddress,
): Refusal | undefined {
  const { headers, method = 'GET' } = request
  if (method !== 'GET' && method !== 'POST') return { status: 405, reason: 'GET and POST are answered' }
  if (!isOurHost(headers.host, address, options.allowedHosts)) {
    return { status: 403, reason: 'this name is not the server: see facades.evostream.http.allowedHosts' }
  }
  const source = requestSource({ method, headers }, options.allowedOrigins)
  if (source === 'foreign') {
    return { status: 403, reason: 'a page of another site asked: see facades.evostream.http.allowedOrigins' }
  }
  if (source === 'allowed') {
    response.setHeader('Access-Control-Allow-Origin', headers.origin ?? '')
    response.setHeader('Vary', 'Origin')
  }
  if (isAuthorized(headers.authorization, options.credential)) return undefined
  response.setHeader('WWW-Authenticate', 'Basic realm="tapedeck"')
  return { status: 401, reason: 'a credential is needed: see facades.evostream.password' }
}

function isAuthorized(header: string | undefined, credential: DoorCredential): boolean {
  if (credential.password === '') return true
  const [, scheme = '', given = ''] = /^(basic|bearer) +(\S+)$/i.exec(header ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return isKnown({ ...credential, userName: '' }, '', given)
  if (scheme === '') return false
  const [, userName = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(given, 'base64').toString()) ?? []
  return isKnown(credential, userName, password)
}

function splitUrl(url: string): [path: string, query: string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
