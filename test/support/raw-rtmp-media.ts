import { MessageType } from '#protocols/rtmp/message.ts'
import type { SourceUnit } from './elementary-source.ts'
import type { RtmpClient } from './rtmp-client.ts'
import { sendUnits } from './rtmp-media.ts'

/** How a raw encoder writes chunks. Adobe RTMP 1.0 §5.3. */
export interface RawChunking {
  readonly chunkBytes: number
  /** 3 to 65599: one, two or three bytes of basic header. */
  readonly chunkStreamId: number
  /** Timestamp of the first access unit. */
  readonly firstMs: number
  /** Extended timestamps are repeated in chunks of type 3, as the specification wants; some encoders leave them out. */
  readonly repeatExtended: boolean
  /** Access units an aggregate message holds; 1: no aggregates. */
  readonly aggregated: number
}

interface Tag {
  readonly typeId: number
  readonly timestampMs: number
  readonly body: Uint8Array
}

/**
 * Sends a source's media in chunks written by hand: type 0 for each message, type 3 for the rest of it, nothing of the
 * product's own writer.
 */
export function sendRaw(client: RtmpClient, units: readonly SourceUnit[], chunking: RawChunking): void {
  const tags: Tag[] = []
  const collector = {
    send(typeId: number, body: Uint8Array, options: { timestampMs?: number } = {}) {
      tags.push({ typeId, body, timestampMs: ((options.timestampMs ?? 0) + chunking.firstMs) % 2 ** 32 })
    },
  }
  sendUnits(collector, units)
  const { socket } = client
  const bytes4 = Buffer.alloc(4)
  bytes4.writeUInt32BE(chunking.chunkBytes)
  socket.write(
    chunks({ typeId: MessageType.setChunkSize, timestampMs: 0, body: bytes4 }, 0, {
      ...chunking,
      chunkStreamId: 2,
      chunkBytes: 128,
    }),
  )
  for (let at = 0; at < tags.length; at += chunking.aggregated) {
    const group = tags.slice(at, at + chunking.aggregated)
    const [first] = group
    if (first === undefined) continue
    const tag = chunking.aggregated === 1 ? first : aggregate(group, first.timestampMs)
    socket.write(chunks(tag, 1, chunking))
  }
}

/** Sub-messages with times of their own clock, which begins anywhere. Adobe RTMP 1.0 §7.1.6. */
function aggregate(tags: readonly Tag[], timestampMs: number): Tag {
  const pieces = tags.flatMap((tag) => {
    const head = Buffer.alloc(11)
    head.writeUInt8(tag.typeId, 0)
    head.writeUIntBE(tag.body.length, 1, 3)
    const ownMs = (tag.timestampMs - timestampMs + 777 + 2 ** 32) % 2 ** 32
    head.writeUIntBE(ownMs % 2 ** 24, 4, 3)
    head.writeUInt8(Math.floor(ownMs / 2 ** 24), 7)
    const pointer = Buffer.alloc(4)
    pointer.writeUInt32BE(11 + tag.body.length)
    return [head, tag.body, pointer]
  })
  return { typeId: MessageType.aggregate, timestampMs, body: Buffer.concat(pieces) }
}

function chunks(
  { typeId, timestampMs, body }: Tag,
  messageStreamId: number,
  { chunkBytes, chunkStreamId, repeatExtended }: RawChunking,
): Buffer {
  const isExtended = timestampMs >= 0xff_ffff
  const extended = Buffer.alloc(isExtended ? 4 : 0)
  if (isExtended) extended.writeUInt32BE(timestampMs)
  const head = Buffer.alloc(11)
  head.writeUIntBE(isExtended ? 0xff_ffff : timestampMs, 0, 3)
  head.writeUIntBE(body.length, 3, 3)
  head.writeUInt8(typeId, 6)
  head.writeUInt32LE(messageStreamId, 7)
  const pieces: Uint8Array[] = [basicHeader(0, chunkStreamId), head, extended]
  for (let at = 0; at < body.length || at === 0; at += chunkBytes) {
    if (at > 0) pieces.push(basicHeader(3, chunkStreamId), ...(repeatExtended ? [extended] : []))
    pieces.push(body.subarray(at, at + chunkBytes))
  }
  return Buffer.concat(pieces)
}

function basicHeader(format: number, chunkStreamId: number): Uint8Array {
  const first = format << 6
  if (chunkStreamId < 64) return Uint8Array.of(first | chunkStreamId)
  const rest = chunkStreamId - 64
  return chunkStreamId < 320 ? Uint8Array.of(first, rest) : Uint8Array.of(first | 1, rest & 0xff, rest >> 8)
}
