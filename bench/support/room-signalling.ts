import { once } from 'node:events'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import WebSocket from 'ws'
import type { Signalling } from './webrtc-signalling.ts'

/** Participants of one room. */
export const ROOM_SIZE = 3
/** Who is not heard of for 15 s is gone. */
const PING_MS = 5_000

/** Name of the room of a publisher. */
export function roomOf(publisher: number): string {
  return `bench${Math.floor(publisher / ROOM_SIZE)}`
}

/** Browsers that meet in rooms by the protocol of openvidu-browser. @param address `https://OPENVIDUAPP:secret@host:port` */
export function room(address: string): Signalling {
  return async (offer, index) => {
    const session = roomOf(index)
    if (index % ROOM_SIZE === 0) {
      await callRooms(address, '/openvidu/api/sessions', { customSessionId: session, forcedVideoCodec: 'NONE' })
    }
    const connection = await callRooms(address, `/openvidu/api/sessions/${session}/connection`, {})
    const { token } = connection as { token: string }
    const line = await Line.open(`wss://${new URL(address).host}/openvidu`)
    const client = { metadata: '', secret: '', recorder: false, platform: 'Bench', sdkVersion: '2.32.2' }
    await line.call('joinRoom', { token, session, ...client })
    const stream = { hasAudio: true, hasVideo: true, audioActive: true, videoActive: true, typeOfVideo: 'CAMERA' }
    const { sdpAnswer } = await line.call('publishVideo', { sdpOffer: offer, doLoopback: false, ...stream })
    return { answer: String(sdpAnswer), end: () => line.leave() }
  }
}

/** A call of an application's. @throws the server refuses it */
export async function callRooms(address: string, path: string, body: object): Promise<unknown> {
  const { hostname, port, username, password } = new URL(address)
  const auth = `${username}:${password}`
  const headers = { 'content-type': 'application/json' }
  const asking = request({ method: 'POST', hostname, port, path, auth, headers, rejectUnauthorized: false })
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  asking.once('error', reject)
  asking.once('response', (response) => {
    if (response.statusCode === 200) json(response).then(resolve, reject)
    else reject(new Error(`${path}: ${response.statusCode}`))
  })
  asking.end(JSON.stringify(body))
  return await promise
}

interface Message {
  readonly id?: number
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

/** JSON-RPC over a WebSocket, kept alive. */
class Line {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>()
  readonly #pinging: NodeJS.Timeout
  #lastId = -1

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#received(JSON.parse(data.toString()) as Message))
    this.#pinging = setInterval(() => void this.call('ping', { interval: PING_MS }), PING_MS)
  }

  static async open(url: string): Promise<Line> {
    const socket = new WebSocket(url, { rejectUnauthorized: false })
    await once(socket, 'open')
    return new Line(socket)
  }

  call(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<Readonly<Record<string, unknown>>>()
    this.#waiting.set(id, waiting)
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method, params, id }))
    return waiting.promise
  }

  async leave(): Promise<void> {
    clearInterval(this.#pinging)
    await this.call('leaveRoom', {})
    this.#socket.close()
  }

  #received({ id, result, error }: Message): void {
    if (id === undefined) return
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result ?? {})
    else waiting?.reject(new Error(error.message))
  }
}
