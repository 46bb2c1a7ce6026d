import type { AmfEncodable } from '#media/flv/amf0.ts'
import { ChunkStreamId } from '#protocols/rtmp/chunk-writer.ts'
import { encodeCommand, encodeUserControl, MessageType, UserControlEvent } from '#protocols/rtmp/message.ts'
import type { Peer } from './peer.ts'

/** The commands and events a server sends: results, errors, statuses. Adobe RTMP 1.0 §7.1.7 and §7.2. */
export class Answers {
  readonly #peer: Pick<Peer, 'send' | 'sendControl'>

  constructor(peer: Pick<Peer, 'send' | 'sendControl'>) {
    this.#peer = peer
  }

  /** Transaction 0 wants no answer. */
  result(transactionId: number, ...values: readonly AmfEncodable[]): void {
    if (transactionId !== 0) this.#send(0, encodeCommand('_result', transactionId, ...values))
  }

  /** NetConnection.Call.Failed, the one way a call can fail. */
  failed(transactionId: number, description: string): void {
    if (transactionId === 0) return
    const information = { level: 'error', code: 'NetConnection.Call.Failed', description }
    this.#send(0, encodeCommand('_error', transactionId, null, information))
  }

  /** onStatus of a message stream. `details` is the stream's name, where it is about one. */
  status(
    messageStreamId: number,
    level: 'status' | 'error',
    code: string,
    description: string,
    details?: string,
  ): void {
    const information = { level, code, description, ...(details !== undefined && { details }) }
    this.#send(messageStreamId, encodeCommand('onStatus', 0, null, information))
  }

  /** onFCPublish and onFCUnpublish, which FMLE waits for. */
  announce(name: 'onFCPublish' | 'onFCUnpublish', code: string, description: string): void {
    this.#send(0, encodeCommand(name, 0, null, { code, description }))
  }

  streamBegin(messageStreamId: number): void {
    this.#userControl(UserControlEvent.streamBegin, messageStreamId)
  }

  streamEof(messageStreamId: number): void {
    this.#userControl(UserControlEvent.streamEof, messageStreamId)
  }

  /** The answer to a ping. */
  pong(timestamp: number): void {
    this.#userControl(UserControlEvent.pingResponse, timestamp)
  }

  #userControl(event: number, value: number): void {
    this.#peer.sendControl(MessageType.userControl, encodeUserControl(event, value))
  }

  #send(messageStreamId: number, body: Uint8Array): void {
    const chunkStreamId = ChunkStreamId.command
    this.#peer.send({ chunkStreamId, typeId: MessageType.command, timestampMs: 0, messageStreamId, body: [body] })
  }
}
