import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { ApiListenError } from '#api/listen-error.ts'
import type { CertificatePair } from '#base/tls/certificate.ts'
import { within } from '#base/within.ts'
import type { ListenAddress } from '#config/config.ts'
import { callerOf, type TrustOptions } from './caller.ts'
import { Connection } from './connection.ts'
import type { Desk } from './desk.ts'

/** An offer with everything a browser knows is 10 KiB, what it says of its devices as much. */
const MAX_MESSAGE_BYTES = 256 * 1024
const MAX_CONNECTIONS = 2_000
/** What waits for a client that does not read. */
const MAX_UNSENT_BYTES = 1024 * 1024
const PING_MS = 5_000
/** From the handshake to the first message. */
const INTRODUCTION_MS = 10_000
const REQUEST_TIMEOUT_MS = 10_000
const GOODBYE_MS = 1_000

const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
/** The reason has to fit a control frame. RFC 6455 §5.5. */
const MAX_REASON_BYTES = 120

export interface SignallingOptions {
  readonly desk: Desk
  readonly trust: TrustOptions
  readonly listen: ListenAddress
  /** Undefined: ws. */
  readonly certificate: CertificatePair | undefined
  /** Key of `listen`, for messages. */
  readonly key: string
  readonly pingMs?: number
}

/** A WebSocket door that is open. */
export interface SignallingDoor extends AsyncDisposable {
  readonly address: ListenAddress
  /** Takes nobody any more, and ends the streams of those who are there; they are told how, until it is disposed. */
  close(): Promise<void>
}

/** Opens a door for the vendor's web SDK, at any path. spec section 7. @throws {ApiListenError} */
export async function openSignalling(options: SignallingOptions): Promise<SignallingDoor> {
  const { desk, trust, certificate, listen, key, pingMs = PING_MS } = options
  const { log } = desk.runtime
  let address = listen
  const connections = new Set<Connection>()
  const sockets = new Set<WebSocket>()
  const leaving = new Set<Promise<void>>()
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  const tickets = new WeakMap<IncomingMessage, string>()
  upgrades.on('headers', (headers, request) => {
    if (desk.tickets === undefined) return
    const known = desk.tickets.read(request.headers.cookie)
    const ticket = known ?? desk.tickets.issue()
    tickets.set(request, ticket)
    if (known === undefined) headers.push(`Set-Cookie: ${desk.tickets.setCookie(ticket, certificate !== undefined)}`)
  })
  const http = createHttpServer(certificate)
  http.maxConnections = MAX_CONNECTIONS
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (sockets.size >= MAX_CONNECTIONS) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n')
      return
    }
    upgrades.handleUpgrade(request, socket, head, (webSocket) => welcome(webSocket, request))
  })

  const welcome = (webSocket: WebSocket, request: IncomingMessage) => {
    const connection = new Connection(desk, callerOf(request, tickets.get(request), address, trust), {
      send(text) {
        if (webSocket.bufferedAmount > MAX_UNSENT_BYTES) webSocket.terminate()
        else webSocket.send(text)
      },
      close(reason) {
        webSocket.close(POLICY_VIOLATION, reason.slice(0, MAX_REASON_BYTES))
        // Whoever does not answer a goodbye either is not waited for.
        setTimeout(() => webSocket.terminate(), GOODBYE_MS).unref()
      },
    })
    sockets.add(webSocket)
    connections.add(connection)
    const introduction = setTimeout(() => {
      if (!connection.isIntroduced) webSocket.terminate()
    }, INTRODUCTION_MS)
    webSocket.on('error', (error) => log.debug({ event: 'facade.signalling-broken', err: error }))
    webSocket.on('message', (data, isBinary) => {
      if (webSocket.readyState !== webSocket.OPEN) return
      // Binary frames are measurements of the client's.
      if (isBinary) connection.isAlive()
      else connection.receive(data.toString())
    })
    webSocket.on('close', () => {
      clearTimeout(introduction)
      sockets.delete(webSocket)
      connections.delete(connection)
      const left = connection.leave('lost').finally(() => leaving.delete(left))
      leaving.add(left)
    })
  }

  const pinging = setInterval(() => {
    for (const connection of connections) if (connection.isIntroduced) connection.ping()
  }, pingMs)
  pinging.unref()
  try {
    await listening(http, listen)
  } catch (error) {
    clearInterval(pinging)
    throw new ApiListenError(listen, key, error)
  }
  // Without descriptors nobody can be taken in; those who are there stay.
  http.on('error', (error) => log.error({ event: 'facade.signalling-accept-failed', err: error }))
  address = { host: listen.host, port: (http.address() as AddressInfo).port }
  const ended = Promise.withResolvers<void>()
  http.on('close', () => ended.resolve())
  const close = async () => {
    clearInterval(pinging)
    http.close()
    http.closeAllConnections()
    for (const connection of connections) {
      const left = connection.leave('shutdown').finally(() => leaving.delete(left))
      leaving.add(left)
    }
  }
  return {
    address,
    close,
    async [Symbol.asyncDispose]() {
      await close()
      await within(FAREWELL_MS, Promise.all(leaving))
      for (const webSocket of sockets) webSocket.close(GOING_AWAY)
      await within(FAREWELL_MS, ended.promise)
      for (const webSocket of sockets) webSocket.terminate()
    },
  }
}

/** Files are final by then, or the disk does not take them. */
const FAREWELL_MS = 1_000

function createHttpServer(certificate: CertificatePair | undefined): Server {
  const limits = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 16 * 1024 }
  const server =
    certificate === undefined
      ? createServer(limits)
      : createTlsServer({
          ...limits,
          handshakeTimeout: REQUEST_TIMEOUT_MS,
          cert: certificate.certificate,
          key: certificate.key,
        })
  // A browser that opens the address has come to the wrong port.
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end('this port is for WebSockets\n')
  })
  return server
}

async function listening(server: Server, { host, port }: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  server.off('error', reject)
}
