import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RtspMessageError } from './errors.ts'
import { sequenceOf, writeRequest, writeResponse } from './message.ts'
import { RtspReader } from './reader.ts'

/** What a connection brought, read in pieces of the given sizes, as text. */
function read(bytes: Uint8Array, pieceBytes: readonly number[] = [bytes.length]): string[] {
  const seen: string[] = []
  const reader = new RtspReader({
    message(message) {
      const { headers, body } = message
      const head =
        message.kind === 'request' ? `${message.method} ${message.uri}` : `${message.status} ${message.reason}`
      const fields = [...headers].map(([name, value]) => `${name}=${value}`)
      seen.push([head, ...fields, Buffer.from(body).toString()].join('|'))
    },
    frame: (channel, frame, start, end) =>
      seen.push(`$${channel}:${Buffer.from(frame.subarray(start, end)).toString('hex')}`),
  })
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const end = Math.min(bytes.length, at + Math.max(1, pieceBytes[piece % pieceBytes.length] ?? 1))
    // The memory of a read is used again for the next: nothing may be kept of it.
    const lent = Uint8Array.from(bytes.subarray(at, end))
    reader.push(lent)
    lent.fill(0xff)
    at = end
  }
  return seen
}

const CASES = [
  {
    name: 'RFC 2326 §10.1, a request',
    text: 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nRequire: implicit-play\r\n\r\n',
    seen: ['OPTIONS *|CSeq=1|Require=implicit-play|'],
  },
  {
    name: 'RFC 2326 §10.2, a response with a body',
    text: 'RTSP/1.0 200 OK\r\nCSeq: 312\r\nContent-Length: 4\r\n\r\nv=0\nRTSP/1.0 454 Session Not Found\r\n\r\n',
    seen: ['200 OK|CSeq=312|Content-Length=4|v=0\n', '454 Session Not Found|'],
  },
  {
    name: 'line feeds alone, a version in small letters, spaces around, a field without a colon',
    text: '\n\noptions rtsp://h/a rtsp/1.0 \nCSEQ :  7 \nnonsense\n\n',
    seen: ['OPTIONS rtsp://h/a|CSEQ=7|'],
  },
  { name: 'a folded field', text: 'PLAY a RTSP/1.0\r\nX: a\r\n b\r\n\tc\r\n\r\n', seen: ['PLAY a|X=a b c|'] },
  { name: 'a name with a space', text: 'SETUP rtsp://h/my cam RTSP/1.0\r\n\r\n', seen: ['SETUP rtsp://h/my cam|'] },
  { name: 'the answer of an HTTP tunnel', text: 'HTTP/1.0 200 OK\r\n\r\n$\0\0\x02ab', seen: ['200 OK|', '$0:6162'] },
  { name: 'no reason phrase', text: 'RTSP/1.0 200\r\n\r\n', seen: ['200 |'] },
  {
    name: 'frames around messages',
    text: '$\0\0\0$\x01\0\x01xOPTIONS * RTSP/1.0\r\n\r\n\r\n$\x02\0\x02yz',
    seen: ['$0:', '$1:78', 'OPTIONS *|', '$2:797a'],
  },
] as const

for (const { name, text, seen } of CASES) {
  test(`read at once and byte by byte: ${name}`, () => {
    const bytes = Buffer.from(text, 'latin1')
    assert.deepEqual(read(bytes), seen)
    assert.deepEqual(read(bytes, [1]), seen)
  })
}

const MALFORMED = [
  ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
  ['a TLS hello', '\x16\x03\x01\x02\n'],
  ['another version', 'OPTIONS * RTSP/2.0\r\n\r\n'],
  ['a line without an end', 'A'.repeat(20_000)],
  ['fields without an end', `OPTIONS * RTSP/1.0\r\n${'X: y\r\n'.repeat(4_000)}`],
  ['a length that is none', 'ANNOUNCE a RTSP/1.0\r\nContent-Length: -1\r\n\r\n'],
  ['a body too large', 'ANNOUNCE a RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n'],
] as const

for (const [name, text] of MALFORMED) {
  test(`refused: ${name}`, () => assert.throws(() => read(Buffer.from(text, 'latin1')), RtspMessageError))
}

test('nothing is handed over after stop(), also not of the same read', () => {
  const seen: string[] = []
  const reader = new RtspReader({
    message: ({ kind }) => {
      seen.push(kind)
      reader.stop()
    },
    frame: () => seen.push('frame'),
  })
  reader.push(Buffer.from('OPTIONS * RTSP/1.0\r\n\r\n$\0\0\0OPTIONS * RTSP/1.0\r\n\r\n', 'latin1'))
  assert.deepEqual(seen, ['request'])
})

test('what is written into a line never ends it', () => {
  const bytes = writeResponse(400, [['CSeq', 5]], undefined, 'bad\r\nSession: evil')
  assert.deepEqual(read(bytes), ['400 bad Session: evil|CSeq=5|'])
  assert.deepEqual(read(writeRequest('PLAY', 'rtsp://h/a\nb', [])), ['PLAY rtsp://h/a%20b|'])
})

test('a sequence number is a number or missing', () => {
  const of = (value: string) => {
    let sequence: number | undefined
    const reader = new RtspReader({ message: (message) => (sequence = sequenceOf(message)), frame: () => {} })
    reader.push(writeRequest('OPTIONS', '*', [['cseq', value]]))
    return sequence
  }
  assert.deepEqual([of('17'), of('x'), of(''), of('99999999999')], [17, undefined, undefined, undefined])
})

const arbitraryPart = fc.oneof(
  fc.record({ channel: fc.nat(255), payload: fc.uint8Array({ maxLength: 3000 }) }),
  fc.record({ method: fc.constantFrom('OPTIONS', 'ANNOUNCE'), body: fc.uint8Array({ maxLength: 3000 }) }),
)

test('whatever is written reads back, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryPart),
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1 }),
      (parts, cuts) => {
        const pieces: Uint8Array[] = []
        const wanted: string[] = []
        for (const part of parts) {
          if ('channel' in part) {
            const { channel, payload } = part
            pieces.push(Uint8Array.of(0x24, channel, payload.length >> 8, payload.length & 255), payload)
            wanted.push(`$${channel}:${Buffer.from(payload).toString('hex')}`)
          } else {
            pieces.push(writeRequest(part.method, 'rtsp://h/a', [['CSeq', 1]], part.body))
            const length = part.body.length > 0 ? [`Content-Length=${part.body.length}`] : []
            const fields = [`${part.method} rtsp://h/a`, 'CSeq=1', ...length, Buffer.from(part.body).toString()]
            wanted.push(fields.join('|'))
          }
        }
        assert.deepEqual(read(Buffer.concat(pieces), cuts), wanted)
      },
    ),
  )
})

test('no bytes make it throw anything but its own error', () => {
  const text = fc.constantFrom(
    'OPTIONS ',
    '* ',
    'RTSP/1.0',
    '\r\n',
    '\n',
    'Content-Length: 3',
    '$',
    '\0',
    ': ',
    'x',
    ' ',
  )
  const garbage = fc.oneof(
    fc.uint8Array(),
    fc.array(text).map((words) => Buffer.from(words.join(''), 'latin1')),
  )
  fc.assert(
    fc.property(garbage, (bytes) => {
      try {
        read(bytes, [7])
      } catch (error) {
        assert.ok(error instanceof RtspMessageError)
      }
    }),
    { numRuns: 2000 },
  )
})
