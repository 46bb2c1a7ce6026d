import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import { ChunkReader } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { answerHandshake, CLIENT_HELLO_BYTES, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import {
  decodeCommand,
  encodeCommand,
  encodeUserControl,
  MessageType,
  type RtmpCommand,
  type RtmpMessage,
} from '#protocols/rtmp/message.ts'

/** One player's connection to a scripted origin. */
export class OriginPeer {
  readonly socket: Socket
  /** Everything the player sent, bodies copied. */
  readonly received: RtmpMessage[] = []
  readonly #writer = new ChunkWriter()

  constructor(socket: Socket) {
    this.socket = socket
  }

  send(typeId: number, body: Uint8Array, messageStreamId = 0): void {
    this.socket.write(
      this.#writer.write({
        chunkStreamId: ChunkStreamId.command,
        typeId,
        timestampMs: 0,
        messageStreamId,
        body: [body],
      }),
    )
  }

  command(name: string, transactionId: number, ...args: readonly AmfEncodable[]): void {
    this.send(MessageType.command, encodeCommand(name, transactionId, ...args))
  }

  status(level: 'status' | 'error', code: string, description = ''): void {
    this.send(MessageType.command, encodeCommand('onStatus', 0, null, { level, code, description }), 1)
  }

  userControl(event: number, value: number): void {
    this.send(MessageType.userControl, encodeUserControl(event, value))
  }

  /** Accepts `connect` and `createStream`, so that a script only has to say what it is about. */
  accept({ name, transactionId }: RtmpCommand): void {
    if (name === 'connect')
      this.command('_result', transactionId, { fmsVer: 'test' }, { code: 'NetConnection.Connect.Success' })
    if (name === 'createStream') this.command('_result', transactionId, null, 1)
  }
}

/** An RTMP server that says exactly what a test wants said. */
export class ScriptedOrigin implements AsyncDisposable {
  readonly port: number
  readonly peers: OriginPeer[] = []
  readonly #server: Server

  private constructor(server: Server, peers: OriginPeer[]) {
    this.#server = server
    this.peers = peers
    this.port = (server.address() as AddressInfo).port
  }

  /** @param script called with each command a player sends */
  static async open(script: (command: RtmpCommand, peer: OriginPeer) => void): Promise<ScriptedOrigin> {
    const peers: OriginPeer[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      const peer = new OriginPeer(socket)
      peers.push(peer)
      serve(peer, script)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ScriptedOrigin(server, peers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.peers) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function serve(peer: OriginPeer, script: (command: RtmpCommand, peer: OriginPeer) => void): void {
  let hello = Buffer.alloc(0)
  const reader = new ChunkReader({
    maxMessageBytes: 1 << 20,
    maxChunkStreams: 64,
    sink: {
      place: () => undefined,
      message: (message) => {
        peer.received.push({ ...message, body: message.body.slice() })
        if (message.typeId === MessageType.command) script(decodeCommand(message), peer)
      },
    },
  })
  let isGreeted = false
  peer.socket.on('data', (bytes: Buffer) => {
    if (hello.length === CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES) {
      reader.push(bytes)
      return
    }
    hello = Buffer.concat([hello, bytes])
    if (!isGreeted && hello.length >= CLIENT_HELLO_BYTES) {
      isGreeted = true
      peer.socket.write(answerHandshake(hello, randomBytes(2 * HANDSHAKE_BLOCK_BYTES)).reply)
    }
    const handshakeBytes = CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES
    if (hello.length > handshakeBytes) {
      const rest = hello.subarray(handshakeBytes)
      hello = hello.subarray(0, handshakeBytes)
      reader.push(rest)
    }
  })
}
