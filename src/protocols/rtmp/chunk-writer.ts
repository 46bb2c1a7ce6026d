import { DEFAULT_CHUNK_BYTES } from './chunk-reader.ts'
import { encodeU32, MessageType } from './message.ts'

/** What goes out as one message; `body` in pieces that are written one after the other. */
export interface OutgoingMessage {
  /** 2 to 65599. */
  readonly chunkStreamId: number
  readonly typeId: number
  /** Milliseconds modulo 2^32. */
  readonly timestampMs: number
  readonly messageStreamId: number
  readonly body: readonly Uint8Array[]
}

/** Chunk streams by use, as most servers have them. 2 is fixed by the specification. */
export const ChunkStreamId = { control: 2, command: 3, data: 5, audio: 4, video: 6 } as const

interface SentHeader {
  typeId: number
  timestampMs: number
  deltaMs: number | undefined
  messageStreamId: number
  messageBytes: number
}

/** Turns messages into chunks with the shortest headers that say all. Adobe RTMP 1.0 §5.3. */
export class ChunkWriter {
  #chunkBytes = DEFAULT_CHUNK_BYTES
  readonly #sent = new Map<number, SentHeader>()

  /** The message in chunks, in one piece of memory of its own. A SetChunkSize message takes effect after itself. */
  write(message: OutgoingMessage): Uint8Array {
    const messageBytes = message.body.reduce((sum, part) => sum + part.length, 0)
    const header = this.#header(message, messageBytes)
    const extended = header.extended === undefined ? [] : encodeU32(header.extended)
    const chunks = Math.max(1, Math.ceil(messageBytes / this.#chunkBytes))
    const basic = basicHeader(3, message.chunkStreamId)
    const out = new Uint8Array(
      header.bytes.length + extended.length * chunks + basic.length * (chunks - 1) + messageBytes,
    )
    let at = 0
    const put = (bytes: Uint8Array | readonly number[]) => {
      out.set(bytes, at)
      at += bytes.length
    }
    put(header.bytes)
    put(extended)
    let roomBytes = this.#chunkBytes
    for (const part of message.body) {
      let taken = 0
      while (taken < part.length) {
        if (roomBytes === 0) {
          put(basic)
          put(extended) // repeated in every type 3 chunk of the message, §5.3.1.3
          roomBytes = this.#chunkBytes
        }
        const bytes = Math.min(roomBytes, part.length - taken)
        put(part.subarray(taken, taken + bytes))
        taken += bytes
        roomBytes -= bytes
      }
    }
    return out
  }

  /** The message that announces larger chunks; the writer uses them from the next message on. */
  setChunkSize(bytes: number): Uint8Array {
    const written = this.write({
      chunkStreamId: ChunkStreamId.control,
      typeId: MessageType.setChunkSize,
      timestampMs: 0,
      messageStreamId: 0,
      body: [encodeU32(bytes)],
    })
    this.#chunkBytes = bytes
    return written
  }

  #header(message: OutgoingMessage, messageBytes: number): { bytes: readonly number[]; extended: number | undefined } {
    const { chunkStreamId, typeId, timestampMs, messageStreamId } = message
    const before = this.#sent.get(chunkStreamId)
    const isLater = before !== undefined && timestampMs >= before.timestampMs
    const deltaMs = isLater && before.messageStreamId === messageStreamId ? timestampMs - before.timestampMs : undefined
    this.#sent.set(chunkStreamId, { typeId, timestampMs, deltaMs, messageStreamId, messageBytes })
    const length = [(messageBytes >> 16) & 0xff, (messageBytes >> 8) & 0xff, messageBytes & 0xff]
    if (deltaMs === undefined || before === undefined) {
      const { field, extended } = timestampField(timestampMs)
      const id = [
        messageStreamId & 0xff,
        (messageStreamId >> 8) & 0xff,
        (messageStreamId >> 16) & 0xff,
        messageStreamId >>> 24,
      ]
      return { bytes: [...basicHeader(0, chunkStreamId), ...field, ...length, typeId, ...id], extended }
    }
    const { field, extended } = timestampField(deltaMs)
    if (before.typeId !== typeId || before.messageBytes !== messageBytes) {
      return { bytes: [...basicHeader(1, chunkStreamId), ...field, ...length, typeId], extended }
    }
    if (before.deltaMs !== deltaMs) return { bytes: [...basicHeader(2, chunkStreamId), ...field], extended }
    return { bytes: basicHeader(3, chunkStreamId), extended }
  }
}

function timestampField(value: number): { field: readonly number[]; extended: number | undefined } {
  if (value >= 0xff_ffff) return { field: [0xff, 0xff, 0xff], extended: value }
  return { field: [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff], extended: undefined }
}

/** Adobe RTMP 1.0 §5.3.1.1. */
function basicHeader(format: number, chunkStreamId: number): readonly number[] {
  if (chunkStreamId < 64) return [(format << 6) | chunkStreamId]
  const rest = chunkStreamId - 64
  if (rest < 256) return [format << 6, rest]
  return [(format << 6) | 1, rest & 0xff, rest >> 8]
}
