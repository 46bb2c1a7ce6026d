import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type AmfValue, amfFields } from '#media/flv/amf-value.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import { ChunkReader } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import { decodeCommand, encodeCommand, MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'

const WAIT_MS = 60_000

/** A bare RTMP client that says exactly what a test wants said. */
export class RtmpClient implements Disposable {
  readonly socket: Socket
  readonly writer = new ChunkWriter()
  /** Every message received, its body copied. */
  readonly received: RtmpMessage[] = []
  readonly closed: Promise<unknown>
  readonly #arrived = new EventTarget()
  #handshakeBytes = 1 + 2 * HANDSHAKE_BLOCK_BYTES
  #taken = 0
  #nextTransaction = 1

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', resolve)) // a reset is an end like any other
    const reader = new ChunkReader({
      maxMessageBytes: 1 << 24,
      maxChunkStreams: 64,
      sink: {
        place: () => undefined,
        message: (message) => {
          this.received.push({ ...message, body: message.body.slice() })
          this.#arrived.dispatchEvent(new Event('message'))
        },
      },
    })
    this.socket.on('data', (bytes) => {
      const skipped = Math.min(this.#handshakeBytes, bytes.length)
      this.#handshakeBytes -= skipped
      if (this.#handshakeBytes === 0) {
        reader.push(bytes.subarray(skipped))
        this.#arrived.dispatchEvent(new Event('message'))
      }
    })
  }

  /** Shakes hands, connects to an application and creates message stream 1. */
  static async open(port: number, app = 'live', fields: Record<string, AmfEncodable> = {}): Promise<RtmpClient> {
    const client = new RtmpClient(port)
    await client.shakeHands()
    await client.call('connect', { app, tcUrl: `rtmp://127.0.0.1:${port}/${app}`, flashVer: 'test', ...fields })
    await client.call('createStream', null)
    return client
  }

  async shakeHands(): Promise<void> {
    this.socket.write(Buffer.concat([Uint8Array.of(3), randomBytes(HANDSHAKE_BLOCK_BYTES).fill(0, 4, 8)]))
    while (this.#handshakeBytes > 0) await once(this.#arrived, 'message', { signal: AbortSignal.timeout(WAIT_MS) })
    this.socket.write(new Uint8Array(HANDSHAKE_BLOCK_BYTES))
  }

  send(typeId: number, body: Uint8Array, options: { timestampMs?: number; messageStreamId?: number } = {}): void {
    const { timestampMs = 0, messageStreamId = 1 } = options
    const chunkStreamId = typeId === MessageType.video ? ChunkStreamId.video : ChunkStreamId.audio
    this.socket.write(this.writer.write({ chunkStreamId, typeId, timestampMs, messageStreamId, body: [body] }))
  }

  /** Sends a command and waits for its `_result` or `_error`; gives the answer's name and values. */
  async call(name: string, ...args: readonly AmfEncodable[]): Promise<{ name: string; args: readonly AmfValue[] }> {
    const transactionId = this.#nextTransaction++
    this.#command(name, transactionId, args)
    for (;;) {
      const command = decodeCommand(await this.next(MessageType.command))
      if (command.transactionId === transactionId) return command
    }
  }

  /** All of what the last onStatus said. */
  lastStatus: ReturnType<typeof amfFields> = {}

  /** Sends a command of the message stream and waits for its onStatus; gives the status code. */
  async status(name: string, ...args: readonly AmfEncodable[]): Promise<string> {
    this.#command(name, 0, [null, ...args])
    return this.nextStatus()
  }

  /** The code of the next onStatus. */
  async nextStatus(): Promise<string> {
    for (;;) {
      const command = decodeCommand(await this.next(MessageType.command))
      if (command.name !== 'onStatus') continue
      this.lastStatus = amfFields(command.args[1])
      return String(this.lastStatus['code'])
    }
  }

  /** Sends a command without waiting: transaction 0 wants no answer. */
  tell(name: string, ...args: readonly AmfEncodable[]): void {
    this.#command(name, 0, args)
  }

  /** Ends message stream 1, and what it publishes; there is no answer. */
  deleteStream(): void {
    this.#command('deleteStream', 0, [null, 1])
  }

  /** Waits for the next message of a type; skips others. */
  async next(typeId: number): Promise<RtmpMessage> {
    for (;;) {
      while (this.#taken < this.received.length) {
        const message = this.received[this.#taken++]
        if (message?.typeId === typeId) return message
      }
      await once(this.#arrived, 'message', { signal: AbortSignal.timeout(WAIT_MS) })
    }
  }

  #command(name: string, transactionId: number, args: readonly AmfEncodable[]): void {
    const messageStreamId = ['connect', 'createStream'].includes(name) ? 0 : 1
    const body = [encodeCommand(name, transactionId, ...args)]
    const chunkStreamId = ChunkStreamId.command
    this.socket.write(
      this.writer.write({ chunkStreamId, typeId: MessageType.command, timestampMs: 0, messageStreamId, body }),
    )
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
