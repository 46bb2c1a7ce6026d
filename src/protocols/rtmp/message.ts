import { concatBytes } from '#media/bytes.ts'
import type { AmfValue } from '#media/flv/amf-value.ts'
import { Amf0Reader, type AmfEncodable, decodeAmf0, encodeAmf0 } from '#media/flv/amf0.ts'
import { RtmpMessageError } from './errors.ts'

/** Message type ids. Adobe RTMP 1.0 §5.4 and §7.1. */
export const MessageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  data: 18,
  sharedObject: 19,
  command: 20,
  aggregate: 22,
} as const

/** Events of user control messages. Adobe RTMP 1.0 §7.1.7. */
export const UserControlEvent = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
} as const

/** A whole message as it came from its chunks. */
export interface RtmpMessage {
  readonly typeId: number
  /** Milliseconds modulo 2^32. */
  readonly timestampMs: number
  readonly messageStreamId: number
  /** Borrowed: valid during the call that hands it over. */
  readonly body: Uint8Array
}

/** A remote procedure call, or an answer to one. */
export interface RtmpCommand {
  readonly name: string
  readonly transactionId: number
  /** The command object and everything after it. */
  readonly args: readonly AmfValue[]
}

/** An event about a message stream, or a ping. */
export interface RtmpUserControl {
  readonly event: number
  readonly values: readonly number[]
}

/**
 * A command of either encoding. Type 17 begins with a zero byte (not from all clients) and goes on in AMF0, which
 * switches to AMF3 value by value.
 * @throws {AmfError | RtmpMessageError}
 */
export function decodeCommand({ typeId, body }: RtmpMessage): RtmpCommand {
  const reader = new Amf0Reader(withoutAmf3Prefix(typeId === MessageType.commandAmf3, body))
  if (reader.atEnd) throw new RtmpMessageError(typeId, 'is empty')
  const name = reader.read()
  if (typeof name !== 'string') throw new RtmpMessageError(typeId, 'does not begin with the name of a command')
  const transactionId = reader.atEnd ? 0 : reader.read()
  const args: AmfValue[] = []
  while (!reader.atEnd) args.push(reader.read())
  return { name, transactionId: typeof transactionId === 'number' ? transactionId : 0, args }
}

/**
 * The values of a data message of either encoding.
 * @throws {AmfError}
 */
export function decodeData({ typeId, body }: RtmpMessage): AmfValue[] {
  return decodeAmf0(withoutAmf3Prefix(typeId === MessageType.dataAmf3, body))
}

/** The body of a data message without its first value; what follows stays as it is. @throws {AmfError} */
export function withoutFirstValue({ typeId, body }: Pick<RtmpMessage, 'typeId' | 'body'>): Uint8Array {
  const values = withoutAmf3Prefix(typeId === MessageType.dataAmf3, body)
  const reader = new Amf0Reader(values)
  reader.read()
  const prefix = body.subarray(0, body.length - values.length)
  return concatBytes([prefix, values.subarray(reader.offset)])
}

function withoutAmf3Prefix(isAmf3: boolean, body: Uint8Array): Uint8Array {
  return isAmf3 && body[0] === 0 ? body.subarray(1) : body
}

/** The body of a type 20 message. */
export function encodeCommand(name: string, transactionId: number, ...args: readonly AmfEncodable[]): Uint8Array {
  return encodeAmf0(name, transactionId, ...args)
}

/** The single number of a SetChunkSize, Abort, Acknowledgement or WindowAcknowledgementSize message. */
export function decodeU32({ typeId, body }: RtmpMessage): number {
  if (body.length < 4) throw new RtmpMessageError(typeId, `has ${body.length} bytes instead of 4`)
  return new DataView(body.buffer, body.byteOffset, body.length).getUint32(0)
}

/** The body of a message that is one number. */
export function encodeU32(value: number): Uint8Array {
  const body = new Uint8Array(4)
  new DataView(body.buffer).setUint32(0, value)
  return body
}

/** SetPeerBandwidth of limit type 2, dynamic. Adobe RTMP 1.0 §5.4.5. */
export function encodePeerBandwidth(windowBytes: number): Uint8Array {
  return Uint8Array.of(...encodeU32(windowBytes), 2)
}

/** @throws {RtmpMessageError} */
export function decodeUserControl({ typeId, body }: RtmpMessage): RtmpUserControl {
  if (body.length < 2) throw new RtmpMessageError(typeId, 'has no event')
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const values: number[] = []
  for (let at = 2; at + 4 <= Math.min(body.length, 10); at += 4) values.push(view.getUint32(at))
  return { event: view.getUint16(0), values }
}

/** The body of a user control message: event and its numbers. Adobe RTMP 1.0 §7.1.7. */
export function encodeUserControl(event: number, ...values: readonly number[]): Uint8Array {
  const body = new Uint8Array(2 + 4 * values.length)
  const view = new DataView(body.buffer)
  view.setUint16(0, event)
  values.forEach((value, index) => {
    view.setUint32(2 + 4 * index, value)
  })
  return body
}

/**
 * The messages inside an aggregate, as FLV tags with their back pointers; timestamps moved so that the first has the
 * aggregate's. Adobe RTMP 1.0 §7.1.6.
 * @throws {RtmpMessageError} a sub-message reaches beyond the aggregate
 */
export function splitAggregate({ typeId, timestampMs, messageStreamId, body }: RtmpMessage): RtmpMessage[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const messages: RtmpMessage[] = []
  let shiftMs: number | undefined
  let at = 0
  while (at + 11 <= body.length) {
    const bodyBytes = view.getUint32(at) & 0xff_ffff
    const tagMs = ((view.getUint8(at + 7) << 24) | (view.getUint32(at + 4) >>> 8)) >>> 0
    const bodyAt = at + 11
    if (bodyAt + bodyBytes > body.length)
      throw new RtmpMessageError(typeId, `holds a message of ${bodyBytes} bytes beyond its end`)
    shiftMs ??= timestampMs - tagMs
    messages.push({
      typeId: view.getUint8(at),
      timestampMs: (tagMs + shiftMs) >>> 0,
      messageStreamId,
      body: body.subarray(bodyAt, bodyAt + bodyBytes),
    })
    at = bodyAt + bodyBytes + 4 // back pointer
  }
  return messages
}
