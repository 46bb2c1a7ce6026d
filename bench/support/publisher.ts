import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { amfFields } from '#media/flv/amf-value.ts'
import { ChunkReader } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { CLIENT_HELLO_BYTES, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import { decodeCommand, encodeCommand, MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'

/** An encoder's connection up to the point where media may flow. */
export async function publish(port: number, app: string, name: string): Promise<{ socket: Socket; streamId: number }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const hello = new Uint8Array(CLIENT_HELLO_BYTES)
  hello[0] = 3
  socket.write(hello)
  const reply = await readExactly(socket, CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES)
  socket.write(reply.subarray(1, CLIENT_HELLO_BYTES))
  const replies = new Replies()
  socket.on('data', (bytes) => replies.push(bytes))
  socket.resume()
  const writer = new ChunkWriter()
  const send = (messageStreamId: number, body: Uint8Array) => {
    const message = { chunkStreamId: ChunkStreamId.command, typeId: MessageType.command, timestampMs: 0 }
    socket.write(writer.write({ ...message, messageStreamId, body: [body] }))
  }
  send(0, encodeCommand('connect', 1, { app, flashVer: 'bench', tcUrl: `rtmp://127.0.0.1:${port}/${app}` }))
  await replies.result(1)
  send(0, encodeCommand('createStream', 2, null))
  const streamId = Number((await replies.result(2))[1])
  send(streamId, encodeCommand('publish', 3, null, name, 'live'))
  await replies.status('NetStream.Publish.Start')
  return { socket, streamId }
}

/** Waits for the server's answers. */
class Replies {
  readonly #reader: ChunkReader
  readonly #seen: { key: string; args: readonly unknown[] }[] = []
  #arrived = Promise.withResolvers<void>()

  constructor() {
    const sink = { place: () => undefined, message: (message: RtmpMessage) => this.#message(message) }
    this.#reader = new ChunkReader({ maxMessageBytes: 1 << 20, maxChunkStreams: 64, sink })
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  result(transactionId: number): Promise<readonly unknown[]> {
    return this.#wait(`_result ${transactionId}`)
  }

  async status(code: string): Promise<void> {
    await this.#wait(`onStatus ${code}`)
  }

  #message(message: RtmpMessage): void {
    if (message.typeId !== MessageType.command) return
    const { name, transactionId, args } = decodeCommand(message)
    const key = name === 'onStatus' ? `onStatus ${String(amfFields(args[1])['code'])}` : `${name} ${transactionId}`
    this.#seen.push({ key, args })
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
  }

  async #wait(key: string): Promise<readonly unknown[]> {
    for (;;) {
      const found = this.#seen.find((reply) => reply.key === key)
      if (found !== undefined) return found.args
      await this.#arrived.promise
    }
  }
}

function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let received = 0
    const onData = (piece: Buffer) => {
      pieces.push(piece)
      received += piece.length
      if (received < bytes) return
      socket.off('data', onData)
      socket.pause()
      const all = Buffer.concat(pieces)
      if (received > bytes) socket.unshift(all.subarray(bytes))
      resolve(all.subarray(0, bytes))
    }
    socket.on('data', onData)
    socket.once('error', reject)
  })
}
