import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import type { HeaderFields, RtspMessage, RtspRequest } from '#protocols/rtsp/message.ts'
import { sequenceOf, writeResponse } from '#protocols/rtsp/message.ts'
import { RtspReader } from '#protocols/rtsp/reader.ts'
import { type Pair, parseTransport, writeTransport } from '#protocols/rtsp/transport.ts'
import type { SourceUnit } from './elementary-source.ts'

const PAYLOAD_BYTES = 1200
const PUBLIC = 'OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER'

/** An answer that is not the usual one; undefined fields are. `silence`: none at all. */
export type CameraAnswer =
  | 'silence'
  | {
      readonly status?: number
      readonly fields?: HeaderFields
      readonly body?: string
      /** Default: that of the request. */
      readonly sequence?: number | 'none'
    }

export interface CameraScript {
  readonly sdp: string
  /** Undefined: what any camera would answer. */
  readonly answer?: (request: RtspRequest, peer: CameraPeer) => CameraAnswer | undefined
}

/** Where packets of a medium go. */
type Way = { readonly channels: Pair } | { readonly ports: Pair }

/** One client of a scripted camera. */
export class CameraPeer {
  readonly socket: Socket
  readonly requests: RtspRequest[] = []
  /** What the client sent in interleaved frames, by channel. */
  readonly frames: { readonly channel: number; readonly bytes: Uint8Array }[] = []
  readonly played = Promise.withResolvers<void>()
  readonly #udp: UdpSocket
  readonly #ways: Way[] = []

  constructor(socket: Socket, udp: UdpSocket) {
    this.socket = socket
    this.#udp = udp
  }

  get methods(): string[] {
    return this.requests.map(({ method }) => method)
  }

  /** Sends RTP (or RTCP) of the n-th medium that was set up, from 0. */
  send(medium: number, bytes: Uint8Array, isControl = false): void {
    const way = this.#ways[medium]
    if (way === undefined) throw new Error(`medium ${medium} is not set up`)
    if ('ports' in way) this.#udp.send(bytes, way.ports[isControl ? 1 : 0], '127.0.0.1')
    else this.interleaved(way.channels[isControl ? 1 : 0], bytes)
  }

  interleaved(channel: number, bytes: Uint8Array): void {
    this.socket.write(Uint8Array.from([0x24, channel, bytes.length >>> 8, bytes.length & 0xff, ...bytes]))
  }

  /** Answers as cameras do; `serverPort` is where its UDP socket is. */
  usual(request: RtspRequest, sdp: string, serverPort: number): Exclude<CameraAnswer, 'silence'> {
    switch (request.method) {
      case 'OPTIONS':
        return { fields: [['Public', PUBLIC]] }
      case 'DESCRIBE':
        return {
          fields: [
            ['Content-Type', 'application/sdp'],
            ['Content-Base', `${request.uri}/`],
          ],
          body: sdp,
        }
      case 'SETUP': {
        const [wanted] = parseTransport(request.headers.get('Transport') ?? '')
        if (wanted === undefined) return { status: 461 }
        const { interleaved, clientPorts } = wanted
        if (clientPorts !== undefined) this.#ways.push({ ports: clientPorts })
        else if (interleaved !== undefined) this.#ways.push({ channels: interleaved })
        const granted =
          clientPorts === undefined ? wanted : { ...wanted, serverPorts: [serverPort, serverPort] as const }
        return {
          fields: [
            ['Transport', writeTransport(granted)],
            ['Session', '12345678;timeout=60'],
          ],
        }
      }
      default:
        return {}
    }
  }
}

/** A camera that says what a test wants said. */
export class ScriptedCamera implements AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string
  readonly peers: CameraPeer[] = []
  readonly #server: Server
  readonly #udp: UdpSocket

  private constructor(server: Server, udp: UdpSocket, script: CameraScript) {
    this.#server = server
    this.#udp = udp
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (socket) => this.#connected(socket, script))
  }

  static async start(script: CameraScript): Promise<ScriptedCamera> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    const udp = createSocket('udp4')
    udp.bind(0, '127.0.0.1')
    await Promise.all([once(server, 'listening'), once(udp, 'listening')])
    return new ScriptedCamera(server, udp, script)
  }

  /** The n-th client, once it plays. */
  async peer(index: number): Promise<CameraPeer> {
    for (;;) {
      const peer = this.peers[index]
      if (peer !== undefined) {
        await peer.played.promise
        return peer
      }
      await sleep(5)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.peers) socket.destroy()
    this.#udp.close()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #connected(socket: Socket, { sdp, answer }: CameraScript): void {
    const peer = new CameraPeer(socket, this.#udp)
    this.peers.push(peer)
    socket.on('error', () => {})
    const message = (request: RtspMessage) => {
      if (request.kind !== 'request') return
      peer.requests.push(request)
      const usual = peer.usual(request, sdp, this.#udp.address().port)
      const told = answer?.(request, peer)
      if (told === 'silence') return
      const { status = 200, fields, body, sequence } = { ...(told === undefined ? usual : told) }
      const number = sequence ?? sequenceOf(request) ?? 0
      const head: [string, string | number][] = number === 'none' ? [] : [['CSeq', number]]
      const bytes = body === undefined ? undefined : Buffer.from(body)
      socket.write(writeResponse(status, [...head, ...(fields ?? [])], bytes))
      if (request.method === 'PLAY' && status === 200) peer.played.resolve()
    }
    const frame = (channel: number, bytes: Uint8Array, start: number, end: number) =>
      void peer.frames.push({ channel, bytes: bytes.slice(start, end) })
    const reader = new RtspReader({ message, frame })
    socket.on('data', (bytes) => reader.push(bytes))
  }
}

/** Makes RTP packets of a source's access units; the clock and the count go on from one call to the next. */
export class CameraTrack {
  readonly payloadType: number
  ssrc: number
  sequenceNumber: number
  /** RTP time of the source's zero. */
  zero: number

  constructor(payloadType: number, from: { ssrc?: number; sequenceNumber?: number; zero?: number } = {}) {
    this.payloadType = payloadType
    this.ssrc = from.ssrc ?? 0xcafe
    this.sequenceNumber = from.sequenceNumber ?? 65_500
    this.zero = from.zero ?? 0xffff_0000
  }

  packets(unit: SourceUnit): Uint8Array[] {
    const { format, pts, payload } = unit
    const payloadFormat = payloadFormatOf(format)
    if (payloadFormat === undefined) throw new Error(`${format.codec} has no payload format`)
    const clockRateHz = payloadFormat.clockRateHz(format)
    const timestamp = (this.zero + Math.round((pts * clockRateHz) / format.timescale)) >>> 0
    const packets: Uint8Array[] = []
    payloadFormat.packetizer(format).packetize(payload, PAYLOAD_BYTES, (bytes, marker) => {
      const sequenceNumber = this.sequenceNumber++ & 0xffff
      packets.push(
        writeRtpPacket({ payloadType: this.payloadType, marker, sequenceNumber, timestamp, ssrc: this.ssrc }, bytes),
      )
    })
    return packets
  }
}
