import { copyInto } from '#media/bytes.ts'
import { RtmpChunkError, RtmpChunkSizeError, RtmpChunkStreamsError, RtmpMessageSizeError } from './errors.ts'
import { decodeU32, MessageType, type RtmpMessage } from './message.ts'

/** Until the peer sets another. Adobe RTMP 1.0 §5.4.1. */
export const DEFAULT_CHUNK_BYTES = 128
/** A message length has 24 bits, so larger chunks mean nothing. */
export const MAX_CHUNK_BYTES = 16 * 1024 * 1024
/** Payload bytes that are at hand when a place is asked for: the longest plain tag header and a start of the media. */
export const PLACEMENT_BYTES = 16

/** Basic header (3), message header (11), extended timestamp (4). */
const MAX_CHUNK_HEADER_BYTES = 18
/** An incomplete header with the payload bytes its placement waits for is kept here from one read to the next. */
const CARRY_BYTES = MAX_CHUNK_HEADER_BYTES + PLACEMENT_BYTES
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const
const EXTENDED = 0xff_ffff

/**
 * Longest delta we believe when a type 3 chunk starts a message right after a type 0 chunk. The specification makes the
 * absolute timestamp the delta there, FFmpeg writes it so within the first moments of a stream; librtmp, and so OBS,
 * writes type 3 for "same time again" at any timestamp.
 */
const MAX_DELTA_AFTER_FULL_HEADER_MS = 1000

/** What is known of a message when it begins. Valid during the call only. */
export interface MessageHead {
  readonly typeId: number
  readonly timestampMs: number
  readonly messageStreamId: number
  readonly messageBytes: number
}

/**
 * The final place of a message's payload: its last `payloadBytes` bytes are copied to `memory` from `start` on; what
 * comes before them is the tag header, which `place` has seen.
 */
export interface Placement {
  readonly memory: Uint8Array
  readonly start: number
  readonly payloadBytes: number
  /** All bytes are in place. */
  complete(): void
  /** They will never come. */
  abandon(): void
}

/** Takes what a ChunkReader puts together. */
export interface ChunkReaderSink {
  /**
   * An audio or video message begins. `firstBytes` are its first PLACEMENT_BYTES (or all), borrowed for the call.
   * Undefined: collect it and hand it to `message` instead.
   */
  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined
  message(message: RtmpMessage): void
}

/** One chunk stream: the header fields later chunks leave out, and the message in progress. */
class ChunkStream implements MessageHead {
  readonly id: number
  typeId = 0
  timestampMs = 0
  messageStreamId = 0
  messageBytes = 0
  deltaMs = 0
  /** The extended timestamp field of the last header; undefined when it had none. */
  extended: number | undefined
  hasHeader = false
  receivedBytes = 0
  isInMessage = false
  placement: Placement | undefined
  /** Bytes before the placed payload. */
  headerBytes = 0
  /** Collects a message that has no placement. */
  collected: Uint8Array | undefined

  constructor(id: number) {
    this.id = id
  }
}

/**
 * Turns the bytes of a connection into messages, in any split. Each payload byte of a placed message is copied once,
 * from the caller's read buffer to its final place. Obeys SetChunkSize and Abort itself and passes them on too.
 * Adobe RTMP 1.0 §5.3.
 */
export class ChunkReader {
  /** Largest message accepted, and half of what all messages in progress may take together. */
  maxMessageBytes: number
  readonly #maxChunkStreams: number
  readonly #sink: ChunkReaderSink
  readonly #streams = new Map<number, ChunkStream>()
  readonly #carry = new Uint8Array(CARRY_BYTES)
  readonly #firstBytes = new Uint8Array(PLACEMENT_BYTES)
  #carryBytes = 0
  #chunkBytes = DEFAULT_CHUNK_BYTES
  /** The stream whose chunk is being received, and how much of the chunk is missing. */
  #stream: ChunkStream | undefined
  #missingBytes = 0
  #pendingBytes = 0
  #stopped = false

  constructor(options: { maxMessageBytes: number; maxChunkStreams: number; sink: ChunkReaderSink }) {
    this.maxMessageBytes = options.maxMessageBytes
    this.#maxChunkStreams = options.maxChunkStreams
    this.#sink = options.sink
  }

  /**
   * Takes what was read. The bytes are free again when it returns.
   * @throws {TapedeckError} protocol violations; the connection can't go on
   */
  push(input: Uint8Array): void {
    let at = 0
    if (this.#carryBytes > 0) {
      const carriedBytes = this.#carryBytes
      const added = Math.min(CARRY_BYTES - carriedBytes, input.length)
      for (let i = 0; i < added; i++) this.#carry[carriedBytes + i] = input[i] ?? 0
      const end = carriedBytes + added
      const consumed = this.#chunkStart(this.#carry, 0, end)
      if (consumed === 0) {
        this.#carryBytes = end
        return
      }
      this.#carryBytes = 0
      // A start that waited for its first payload bytes has some of them in the carry: all of this chunk, being fewer
      // than what was waited for.
      const stream = this.#stream
      if (consumed < carriedBytes && stream !== undefined) {
        this.#payload(stream, this.#carry.subarray(0, carriedBytes), consumed)
      } else {
        at = consumed - carriedBytes
      }
    }
    while (at < input.length && !this.#stopped) {
      const stream = this.#stream
      if (stream === undefined) {
        const consumed = this.#chunkStart(input, at, input.length)
        if (consumed === 0) {
          this.#carryBytes = input.length - at
          this.#carry.set(input.subarray(at))
          return
        }
        at += consumed
      } else {
        at += this.#payload(stream, input, at)
      }
    }
  }

  /** Takes no more, and gives up the messages in progress. Idempotent; may be called from the sink. */
  stop(): void {
    this.#stopped = true
    for (const stream of this.#streams.values()) this.#abandon(stream)
  }

  /**
   * Reads the header of the chunk at `at`. Returns the bytes consumed (the header, no payload), 0 when more are needed.
   */
  #chunkStart(bytes: Uint8Array, at: number, end: number): number {
    const first = bytes[at] ?? 0
    const format = first >> 6
    let id = first & 0x3f
    let position = at + 1
    if (id === 0) {
      if (end - at < 2) return 0
      id = 64 + (bytes[position++] ?? 0)
    } else if (id === 1) {
      if (end - at < 3) return 0
      id = 64 + (bytes[position] ?? 0) + 256 * (bytes[position + 1] ?? 0)
      position += 2
    }
    const headerAt = position
    position += MESSAGE_HEADER_BYTES[format as 0 | 1 | 2 | 3]
    if (position > end) return 0
    const stream = this.#chunkStream(id)
    if (format === 3 && !stream.hasHeader) throw new RtmpChunkError(id, 'continues a message that never began')
    if (format === 2 && !stream.hasHeader)
      throw new RtmpChunkError(id, 'has a short header, with no long one before it')
    if (format !== 3 && stream.isInMessage) {
      throw new RtmpChunkError(
        id,
        `begins a message, ${stream.receivedBytes} of ${stream.messageBytes} bytes into another`,
      )
    }

    let field = format === 3 ? 0 : u24(bytes, headerAt)
    let extended = format === 3 ? stream.extended : undefined
    if (field === EXTENDED || extended !== undefined) {
      if (position + 4 > end) return 0
      const value = u32(bytes, position)
      if (field === EXTENDED) {
        field = value
        extended = value
        position += 4
      } else if (value === extended || value === stream.timestampMs) {
        position += 4 // repeated, as the specification has it; some encoders leave it out of type 3 chunks
      }
    }

    const startsMessage = !stream.isInMessage
    const messageBytes = format < 2 ? u24(bytes, headerAt + 3) : stream.messageBytes
    const typeId = format < 2 ? (bytes[headerAt + 6] ?? 0) : stream.typeId
    // Asking for a place needs the first payload bytes next to each other; wait for them before anything is changed.
    const isMedia = typeId === MessageType.audio || typeId === MessageType.video
    const firstBytes = Math.min(PLACEMENT_BYTES, messageBytes)
    const mayPlace = startsMessage && isMedia && messageBytes > 0 && this.#chunkBytes >= firstBytes
    if (mayPlace && position + firstBytes > end) return 0

    if (startsMessage) {
      if (format === 0) {
        stream.timestampMs = field
        stream.deltaMs = field <= MAX_DELTA_AFTER_FULL_HEADER_MS ? field : 0
        stream.messageStreamId = u32LittleEndian(bytes, headerAt + 7)
      } else {
        if (format !== 3) stream.deltaMs = field
        stream.timestampMs = (stream.timestampMs + stream.deltaMs) >>> 0
      }
      stream.hasHeader = true
      stream.extended = extended
      stream.messageBytes = messageBytes
      stream.typeId = typeId
      this.#beginMessage(stream)
      if (mayPlace) this.#place(stream, this.#firstOf(bytes, position, firstBytes))
    }
    this.#missingBytes = Math.min(this.#chunkBytes, stream.messageBytes - stream.receivedBytes)
    this.#stream = stream
    if (stream.messageBytes === 0) this.#finishMessage(stream)
    return position - at
  }

  #chunkStream(id: number): ChunkStream {
    let stream = this.#streams.get(id)
    if (stream === undefined) {
      if (this.#streams.size >= this.#maxChunkStreams) throw new RtmpChunkStreamsError(this.#maxChunkStreams)
      stream = new ChunkStream(id)
      this.#streams.set(id, stream)
    }
    return stream
  }

  #beginMessage(stream: ChunkStream): void {
    if (stream.messageBytes > this.maxMessageBytes)
      throw new RtmpMessageSizeError(stream.messageBytes, this.maxMessageBytes)
    this.#pendingBytes += stream.messageBytes
    // A stranger may begin a large message on every chunk stream and finish none.
    const limitBytes = 2 * this.maxMessageBytes
    if (this.#pendingBytes > limitBytes) throw new RtmpMessageSizeError(this.#pendingBytes, limitBytes)
    stream.isInMessage = true
    stream.receivedBytes = 0
  }

  /** The same small array each time: a view of the input would be one more object per message. */
  #firstOf(bytes: Uint8Array, at: number, count: number): Uint8Array {
    if (count < PLACEMENT_BYTES) return bytes.subarray(at, at + count)
    for (let i = 0; i < PLACEMENT_BYTES; i++) this.#firstBytes[i] = bytes[at + i] ?? 0
    return this.#firstBytes
  }

  #place(stream: ChunkStream, firstBytes: Uint8Array): void {
    const placement = this.#sink.place(stream, firstBytes)
    if (this.#stopped) {
      placement?.abandon()
      return
    }
    stream.placement = placement
    if (placement !== undefined) stream.headerBytes = stream.messageBytes - placement.payloadBytes
  }

  /** Copies what the input has of the present chunk; returns how much that was. */
  #payload(stream: ChunkStream, input: Uint8Array, at: number): number {
    const bytes = Math.min(this.#missingBytes, input.length - at)
    if (stream.placement !== undefined) {
      const skipped = Math.min(bytes, Math.max(0, stream.headerBytes - stream.receivedBytes))
      if (bytes > skipped) {
        const { memory, start } = stream.placement
        const to = start + stream.receivedBytes + skipped - stream.headerBytes
        copyInto(memory, to, input, at + skipped, at + bytes)
      }
    } else {
      this.#collect(stream, input.subarray(at, at + bytes))
    }
    stream.receivedBytes += bytes
    this.#missingBytes -= bytes
    if (this.#missingBytes === 0) {
      this.#stream = undefined
      if (stream.receivedBytes === stream.messageBytes) this.#finishMessage(stream)
    }
    return bytes
  }

  /** Grows with what really arrives: an announced length alone costs nothing. */
  #collect(stream: ChunkStream, bytes: Uint8Array): void {
    const neededBytes = stream.receivedBytes + bytes.length
    const before = stream.collected
    if (before === undefined || before.length < neededBytes) {
      const grown = new Uint8Array(Math.min(stream.messageBytes, Math.max(neededBytes, 2 * (before?.length ?? 0))))
      if (before !== undefined) grown.set(before.subarray(0, stream.receivedBytes))
      stream.collected = grown
    }
    stream.collected?.set(bytes, stream.receivedBytes)
  }

  #finishMessage(stream: ChunkStream): void {
    const { placement, collected, typeId, timestampMs, messageStreamId, messageBytes } = stream
    this.#stream = undefined
    stream.isInMessage = false
    stream.placement = undefined
    stream.collected = undefined
    this.#pendingBytes -= messageBytes
    if (placement !== undefined) {
      placement.complete()
      return
    }
    const body = collected?.subarray(0, messageBytes) ?? new Uint8Array(0)
    const message: RtmpMessage = { typeId, timestampMs, messageStreamId, body }
    if (typeId === MessageType.setChunkSize) this.#setChunkSize(decodeU32(message))
    if (typeId === MessageType.abort) this.#abort(decodeU32(message))
    this.#sink.message(message)
  }

  #setChunkSize(bytes: number): void {
    if (bytes < 1 || bytes > MAX_CHUNK_BYTES) throw new RtmpChunkSizeError(bytes, MAX_CHUNK_BYTES)
    this.#chunkBytes = bytes
  }

  /** Adobe RTMP 1.0 §5.4.2: the message in progress on a chunk stream is given up. */
  #abort(chunkStreamId: number): void {
    const stream = this.#streams.get(chunkStreamId)
    if (stream !== undefined) this.#abandon(stream)
  }

  #abandon(stream: ChunkStream): void {
    if (!stream.isInMessage) return
    stream.isInMessage = false
    this.#pendingBytes -= stream.messageBytes
    stream.placement?.abandon()
    stream.placement = undefined
    stream.collected = undefined
    if (this.#stream === stream) this.#stream = undefined
  }
}

function u24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
}

function u32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | u24(bytes, at + 1)) >>> 0
}

function u32LittleEndian(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  )
}
