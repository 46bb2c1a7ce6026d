import { readFileSync } from 'node:fs'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { MessageType } from '#protocols/rtmp/message.ts'

/** One RTMP message ready to be sent, and when. */
export interface PreparedMessage {
  readonly atMs: number
  readonly bytes: Uint8Array
  readonly isAccessUnit: boolean
}

export interface PreparedStream {
  readonly setChunkSize: Uint8Array
  readonly messages: readonly PreparedMessage[]
  readonly accessUnits: number
  readonly bytes: number
}

/** Chunk size of OBS. */
const CHUNK_BYTES = 4096

/** Turns an FLV file into the chunks every publisher sends, so that the load generator only copies. */
export function prepareStream(flvPath: string, messageStreamId: number): PreparedStream {
  const file = readFileSync(flvPath)
  const writer = new ChunkWriter()
  const setChunkSize = writer.setChunkSize(CHUNK_BYTES)
  const messages: PreparedMessage[] = []
  let bytes = 0
  // Header and PreviousTagSize0, then tags of 11 bytes, body and PreviousTagSize. Adobe FLV 10.1 annex E.
  for (let at = 13; at + 11 < file.length; ) {
    const typeId = file.readUInt8(at) & 0x1f
    const bodyBytes = file.readUIntBE(at + 1, 3)
    const timestampMs = file.readUIntBE(at + 4, 3) | (file.readUInt8(at + 7) << 24)
    const body = file.subarray(at + 11, at + 11 + bodyBytes)
    at += 11 + bodyBytes + 4
    const chunkStreamId = { 8: ChunkStreamId.audio, 9: ChunkStreamId.video }[typeId] ?? ChunkStreamId.data
    const chunks = writer.write({ chunkStreamId, typeId, timestampMs, messageStreamId, body: [body] })
    // The second byte of legacy AVC and AAC tags is their packet type: 1 is media.
    const isAccessUnit = typeId !== MessageType.data && body[1] === 1
    messages.push({ atMs: timestampMs, bytes: chunks, isAccessUnit })
    bytes += chunks.length
  }
  return { setChunkSize, messages, accessUnits: messages.filter((message) => message.isAccessUnit).length, bytes }
}
