import { createWriteStream } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { ChunkReader } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { answerHandshake, CLIENT_HELLO_BYTES, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import { decodeCommand, encodeCommand, MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'

const [port, folder] = process.argv.slice(2)
if (port === undefined || folder === undefined) throw new Error('usage: sink-process.ts <port> <folder>')
let connections = 0

createServer((socket) => {
  const path = join(folder, `sink${connections++}.bin`)
  socket.on('error', () => socket.destroy())
  open(socket, () => socket.pipe(createWriteStream(path)))
}).listen(Number(port), '127.0.0.1')

/** Speaks RTMP until media may flow. */
function open(socket: Socket, piped: () => void): void {
  const writer = new ChunkWriter()
  const send = (messageStreamId: number, body: Uint8Array) => {
    const message = { chunkStreamId: ChunkStreamId.command, typeId: MessageType.command, timestampMs: 0 }
    socket.write(writer.write({ ...message, messageStreamId, body: [body] }))
  }
  let opening = Buffer.alloc(0)
  let reader: ChunkReader | undefined
  const answer = (message: RtmpMessage) => {
    if (message.typeId !== MessageType.command) return
    const { name, transactionId } = decodeCommand(message)
    if (name === 'connect')
      send(0, encodeCommand('_result', transactionId, {}, { code: 'NetConnection.Connect.Success' }))
    if (name === 'createStream') send(0, encodeCommand('_result', transactionId, null, 1))
    if (name === 'publish') {
      socket.off('data', onData)
      send(1, encodeCommand('onStatus', 0, null, { level: 'status', code: 'NetStream.Publish.Start' }))
      piped()
    }
  }
  const onData = (bytes: Buffer) => {
    if (reader !== undefined) {
      reader.push(bytes)
      return
    }
    opening = Buffer.concat([opening, bytes])
    if (opening.length >= CLIENT_HELLO_BYTES && opening.length - bytes.length < CLIENT_HELLO_BYTES) {
      socket.write(
        answerHandshake(opening.subarray(0, CLIENT_HELLO_BYTES), new Uint8Array(2 * HANDSHAKE_BLOCK_BYTES)).reply,
      )
    }
    if (opening.length < CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES) return
    reader = new ChunkReader({
      maxMessageBytes: 1 << 20,
      maxChunkStreams: 64,
      sink: { place: () => undefined, message: answer },
    })
    reader.push(opening.subarray(CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES))
  }
  socket.on('data', onData)
}
