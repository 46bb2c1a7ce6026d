import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Desk } from '../desk.ts'
import { type Caller, Line } from './line.ts'
import type { Member } from './member.ts'

/** An offer is 10 KiB, what pages send each other may be more. */
const MAX_MESSAGE_BYTES = 256 * 1024
const MAX_SOCKETS = 4_000
/** What waits for a client that does not read. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Pings come every 5 seconds; three that don't are a socket that is none. spec section 7.3. */
const MAX_SILENCE_MS = 15_000
const LOOK_EVERY_MS = 5_000
const GOODBYE_MS = 1_000
const MAX_USER_AGENT_CHARACTERS = 512

const NORMAL = 1000
const GOING_AWAY = 1001

/** WebSockets of the vendor's browser library. spec section 7.1. */
export class Signalling {
  readonly #desk: Desk
  readonly #sockets = new Map<WebSocket, Line>()
  /** By the id of their protocol session; those whose socket is lost are among them. */
  readonly #members = new Map<string, Member>()
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  #looking: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Takes the WebSockets of a server that speaks HTTP otherwise. */
  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      const path = (request.url ?? '').replace(/[?#].*$/s, '').replace(/\/$/, '')
      if (path !== '/openvidu') socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      else if (this.#isClosed || this.#sockets.size >= MAX_SOCKETS) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n')
      } else this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => this.#welcome(webSocket, request))
    })
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#looking.unref()
  }

  /** Takes nobody any more; those who are there have been told. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#looking)
    for (const webSocket of this.#sockets.keys()) goodbye(webSocket, GOING_AWAY)
  }

  #welcome(webSocket: WebSocket, request: IncomingMessage): void {
    const wire = {
      send(text: string) {
        if (webSocket.bufferedAmount > MAX_UNSENT_BYTES) webSocket.terminate()
        else if (webSocket.readyState === webSocket.OPEN) webSocket.send(text)
      },
      close: () => goodbye(webSocket, NORMAL),
    }
    const line = new Line(this.#desk, callerOf(request), wire, {
      resume: (rpcId) => this.#resumable(rpcId),
      joined: (member) => this.#members.set(member.rpcId, member),
    })
    this.#sockets.set(webSocket, line)
    const { log } = this.#desk.runtime
    webSocket.on('error', (err) => log.debug({ event: 'facade.signalling-broken', err }))
    webSocket.on('message', (data, isBinary) => {
      if (!isBinary && webSocket.readyState === webSocket.OPEN) line.receive(data.toString())
    })
    webSocket.on('close', (code) => {
      this.#sockets.delete(webSocket)
      line.closed(code === GOING_AWAY)
    })
  }

  #resumable(rpcId: string): Member | undefined {
    const member = this.#members.get(rpcId)
    return member?.isGone === true ? undefined : member
  }

  #look(): void {
    for (const [webSocket, line] of this.#sockets) if (line.silentMs() > MAX_SILENCE_MS) webSocket.terminate()
    for (const [rpcId, member] of this.#members) if (member.isGone) this.#members.delete(rpcId)
  }
}

function goodbye(webSocket: WebSocket, code: number): void {
  webSocket.close(code)
  // Whoever does not answer a goodbye is not waited for.
  setTimeout(() => webSocket.terminate(), GOODBYE_MS).unref()
}

function callerOf({ socket, headers }: IncomingMessage): Caller {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  const userAgent = (headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT_CHARACTERS)
  return { remoteAddress, remotePort, localAddress, localPort, userAgent }
}
