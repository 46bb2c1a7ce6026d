import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'
import { ChunkReader, type ChunkReaderSink, type MessageHead } from './chunk-reader.ts'
import { ChunkWriter, type OutgoingMessage } from './chunk-writer.ts'
import { encodeU32, MessageType } from './message.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Keeps messages as lines `type stream time body`; places media behind a tag header of `headerBytes`. */
class Collector implements ChunkReaderSink {
  readonly lines: string[] = []
  placed = 0
  abandoned = 0
  readonly #headerBytes: number | undefined
  constructor(headerBytes?: number) {
    this.#headerBytes = headerBytes
  }
  place({ typeId, messageStreamId, timestampMs, messageBytes }: MessageHead, firstBytes: Uint8Array) {
    if (this.#headerBytes === undefined || this.#headerBytes > firstBytes.length) return undefined
    this.placed++
    const header = toHex(firstBytes.subarray(0, this.#headerBytes))
    const destination = new Uint8Array(messageBytes - this.#headerBytes)
    return {
      memory: destination,
      start: 0,
      payloadBytes: destination.length,
      complete: () =>
        void this.lines.push(`${typeId} ${messageStreamId} ${timestampMs} ${header}${toHex(destination)}`),
      abandon: () => void this.abandoned++,
    }
  }
  message({
    typeId,
    messageStreamId,
    timestampMs,
    body,
  }: {
    typeId: number
    messageStreamId: number
    timestampMs: number
    body: Uint8Array
  }) {
    this.lines.push(`${typeId} ${messageStreamId} ${timestampMs} ${toHex(body)}`)
  }
}

function readerFor(sink: ChunkReaderSink, maxMessageBytes = 1 << 20, maxChunkStreams = 64): ChunkReader {
  return new ChunkReader({ maxMessageBytes, maxChunkStreams, sink })
}

function read(bytes: Uint8Array, sink = new Collector()): string[] {
  readerFor(sink).push(bytes)
  return sink.lines
}

const CASES = [
  { name: 'type 0, chunk stream of one byte', bytes: '03 000005 000002 12 01000000 aabb', lines: ['18 1 5 aabb'] },
  { name: 'chunk stream of two bytes', bytes: '00 ff 000005 000001 12 01000000 aa', lines: ['18 1 5 aa'] },
  { name: 'chunk stream of three bytes', bytes: '01 ff ff 000005 000001 12 01000000 aa', lines: ['18 1 5 aa'] },
  {
    name: 'types 1, 2, 3 (Adobe RTMP 1.0 §5.3.2.1): deltas add up',
    bytes: '03 0003e8 000001 12 39300000 aa 43 000014 000001 12 bb 83 000014 cc c3 dd',
    lines: ['18 12345 1000 aa', '18 12345 1020 bb', '18 12345 1040 cc', '18 12345 1060 dd'],
  },
  {
    name: 'type 3 right after type 0: the timestamp is the delta',
    bytes: '03 000028 000001 12 01000000 aa c3 bb',
    lines: ['18 1 40 aa', '18 1 80 bb'],
  },
  {
    name: 'type 3 after a late type 0, as librtmp writes it: same time',
    bytes: '03 01e240 000001 12 01000000 aa c3 bb',
    lines: ['18 1 123456 aa', '18 1 123456 bb'],
  },
  {
    name: 'extended timestamp, repeated on type 3',
    bytes: `03 ffffff 000081 12 01000000 01000000 ${'aa'.repeat(128)} c3 01000000 bb`,
    lines: [`18 1 16777216 ${'aa'.repeat(128)}bb`],
  },
  {
    name: 'extended timestamp, not repeated on type 3',
    bytes: `03 ffffff 000085 12 01000000 01000000 ${'aa'.repeat(128)} c3 bbbbbbbbbb`,
    lines: [`18 1 16777216 ${'aa'.repeat(128)}bbbbbbbbbb`],
  },
  {
    name: 'timestamp wrap by a delta',
    bytes: '03 ffffff 000001 12 01000000 fffffff6 aa 43 000014 000001 12 bb',
    lines: ['18 1 4294967286 aa', '18 1 10 bb'],
  },
  {
    name: 'empty message',
    bytes: '03 000000 000000 12 01000000 43 000001 000001 12 aa',
    lines: ['18 1 0 ', '18 1 1 aa'],
  },
  {
    name: 'two chunk streams interleaved',
    bytes: `04 000000 000081 12 01000000 ${'aa'.repeat(128)} 05 000000 000001 12 01000000 bb c4 cc`,
    lines: ['18 1 0 bb', `18 1 0 ${'aa'.repeat(128)}cc`],
  },
  {
    name: 'SetChunkSize takes effect at once',
    bytes: '02 000000 000004 01 00000000 00000002 03 000000 000003 12 01000000 aabb c3 cc',
    lines: ['1 0 0 00000002', '18 1 0 aabbcc'],
  },
  {
    name: 'Abort gives up a message',
    bytes: `04 000000 000081 12 01000000 ${'aa'.repeat(128)} 02 000000 000004 02 00000000 00000004 04 000000 000001 12 01000000 bb`,
    lines: ['2 0 0 00000004', '18 1 0 bb'],
  },
]
for (const { name, bytes, lines } of CASES) {
  test(`chunks: ${name}`, () => assert.deepEqual(read(hex(bytes)), lines))
  test(`chunks, byte by byte: ${name}`, () => {
    const sink = new Collector()
    const reader = readerFor(sink)
    for (const byte of hex(bytes)) reader.push(Uint8Array.of(byte))
    assert.deepEqual(sink.lines, lines)
  })
}

const FAULTS = [
  { name: 'type 3 on a new chunk stream', bytes: 'c3 aa', code: 'rtmp/chunk-malformed' },
  { name: 'type 2 on a new chunk stream', bytes: '83 000001 aa', code: 'rtmp/chunk-malformed' },
  {
    name: 'a header inside a message',
    bytes: `03 000000 000081 12 01000000 ${'aa'.repeat(128)} 03 000000 000001 12 01000000`,
    code: 'rtmp/chunk-malformed',
  },
  { name: 'chunk size 2^31 - 1', bytes: '02 000000 000004 01 00000000 7fffffff', code: 'rtmp/chunk-size-exceeded' },
  { name: 'chunk size 0', bytes: '02 000000 000004 01 00000000 00000000', code: 'rtmp/chunk-size-exceeded' },
  {
    name: 'chunk size message without a size',
    bytes: '02 000000 000002 01 00000000 0000',
    code: 'rtmp/message-malformed',
  },
  { name: 'message beyond the limit', bytes: '03 000000 ffffff 12 01000000', code: 'rtmp/message-size-exceeded' },
]
for (const { name, bytes, code } of FAULTS) {
  test(`chunks refuse: ${name}`, () => assert.throws(() => read(hex(bytes)), { code }))
}

test('chunks refuse more chunk streams than allowed', () => {
  const reader = readerFor(new Collector(), 1 << 20, 2)
  reader.push(hex('03 000000 000000 12 01000000 04 000000 000000 12 01000000'))
  assert.throws(() => reader.push(hex('05 000000 000000 12 01000000')), { code: 'rtmp/chunk-streams-exceeded' })
})

test('chunks refuse many large messages in progress at once', () => {
  const reader = readerFor(new Collector(), 1000)
  const begin = (id: number) => new Uint8Array([id, ...hex('000000 0003e8 12 01000000'), ...new Uint8Array(128)])
  reader.push(begin(3))
  reader.push(begin(4))
  assert.throws(() => reader.push(begin(5)), { code: 'rtmp/message-size-exceeded' })
})

test('a placed message is given up once when the reader stops', () => {
  const sink = new Collector(2)
  const reader = readerFor(sink)
  reader.push(hex(`04 000000 000100 09 01000000 ${'aa'.repeat(100)}`))
  reader.stop()
  reader.stop()
  assert.deepEqual([sink.placed, sink.abandoned, sink.lines], [1, 1, []])
})

const message = fc.record({
  chunkStreamId: fc.constantFrom(3, 4, 63, 64, 319, 320, 65599),
  typeId: fc.constantFrom(8, 9, 18, 20),
  timestampMs: fc.oneof(fc.nat(100), fc.nat(0xffff_ffff), fc.constantFrom(0xff_fffe, 0xff_ffff, 0x100_0000)),
  messageStreamId: fc.constantFrom(0, 1, 0xffff_ffff),
  body: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
})

test('chunks: any messages, any chunk size, any split of the bytes and any header length read back equal', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.constantFrom(1, 5, 128, 4096, 65536, 16777215),
      fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 20 }),
      fc.constantFrom(undefined, 0, 2, 5),
      (messages: OutgoingMessage[], chunkBytes, splits, headerBytes) => {
        const writer = new ChunkWriter()
        const bytes = Buffer.concat([writer.setChunkSize(chunkBytes), ...messages.map((m) => writer.write(m))])
        const sink = new Collector(headerBytes)
        const reader = readerFor(sink)
        // One buffer is reused for all reads, as the server does: nothing may still refer to it.
        const shared = new Uint8Array(70)
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const part = bytes.subarray(at, at + (splits[i % splits.length] ?? 1))
          shared.set(part)
          reader.push(shared.subarray(0, part.length))
          shared.fill(0xee)
          at += part.length
        }
        const expected = messages.map(
          (m) => `${m.typeId} ${m.messageStreamId} ${m.timestampMs} ${toHex(Buffer.concat(m.body))}`,
        )
        assert.deepEqual(sink.lines, [`${MessageType.setChunkSize} 0 0 ${toHex(encodeU32(chunkBytes))}`, ...expected])
      },
    ),
    { numRuns: 400 },
  )
})

test('chunks: arbitrary bytes only ever give typed errors', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (reads) => {
      const reader = readerFor(new Collector(1), 2000, 8)
      try {
        for (const bytes of reads) reader.push(bytes)
      } catch (error) {
        assert.ok(error instanceof TapedeckError, String(error))
      }
      reader.stop()
    }),
    { numRuns: 3000 },
  )
})
