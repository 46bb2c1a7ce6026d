import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attributeOf, parseDescription, parseParameters, writeDescription } from './description.ts'
import { SessionDescriptionError } from './errors.ts'

/** What of a description matters, short. */
function told(text: string): unknown[] {
  return parseDescription(text).media.map(({ kind, payloadTypes, rtpMaps, parameters, control }) => {
    const types = payloadTypes.map((type) => {
      const map = rtpMaps.get(type)
      const name = map === undefined ? 'static' : `${map.encoding}/${map.clockRateHz}/${map.channels}`
      return [type, name, Object.fromEntries(parameters.get(type) ?? [])]
    })
    return [kind, control, ...types]
  })
}

const FFMPEG = `v=0
o=- 0 0 IN IP4 127.0.0.1
s=No Name
c=IN IP4 127.0.0.1
t=0 0
a=tool:libavformat 59.27.100
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LADdoFB+hAAAADAEAAAAyDxQqo,aM4PyA==; profile-level-id=42C00D
a=control:streamid=0
m=audio 0 RTP/AVP 97
b=AS:128
a=rtpmap:97 MPEG4-GENERIC/44100/2
a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=121056E500
a=control:streamid=1
`

const CASES = [
  {
    name: 'FFmpeg 5 announces H.264 and AAC',
    text: FFMPEG,
    media: [
      [
        'video',
        'streamid=0',
        [
          96,
          'H264/90000/1',
          {
            'packetization-mode': '1',
            'sprop-parameter-sets': 'Z0LADdoFB+hAAAADAEAAAAyDxQqo,aM4PyA==',
            'profile-level-id': '42C00D',
          },
        ],
      ],
      [
        'audio',
        'streamid=1',
        [
          97,
          'MPEG4-GENERIC/44100/2',
          {
            'profile-level-id': '1',
            mode: 'AAC-hbr',
            sizelength: '13',
            indexlength: '3',
            indexdeltalength: '3',
            config: '121056E500',
          },
        ],
      ],
    ],
  },
  {
    name: 'a camera: two pictures, G.711 by its static number, ONVIF metadata',
    text: [
      'm=video 0 RTP/AVP 96\r\na=control:rtsp://10.0.0.2/trackID=1\r\na=rtpmap:96 H265/90000',
      'm=video 0 RTP/AVP 26\r\na=control:trackID=2',
      'm=audio 0 RTP/AVP 0\r\na=control:trackID=3',
      'm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=4',
    ].join('\r\n'),
    media: [
      ['video', 'rtsp://10.0.0.2/trackID=1', [96, 'H265/90000/1', {}]],
      ['video', 'trackID=2', [26, 'static', {}]],
      ['audio', 'trackID=3', [0, 'static', {}]],
      ['application', 'trackID=4', [107, 'VND.ONVIF.METADATA/90000/1', {}]],
    ],
  },
  {
    name: 'spaces where none belong, carriage returns alone, no clock',
    text: ' m = video  0  RTP/AVP  96 96 x 200 \r a=rtpmap: 96  h264 / 90000\ra=fmtp: 96  A = b ;; c ; D="e f"\rA=control: x ',
    media: [['video', '', [96, 'H264/90000/1', { a: 'b', c: '', d: 'e f' }]]],
  },
  {
    name: 'a medium that is not RTP, and a line that is no medium',
    text: 'm=audio 9 TCP/MPEG x\nm=\nm=video 5004 RTP/AVP 33\n',
    media: [
      ['audio', ''],
      ['video', '', [33, 'static', {}]],
    ],
  },
] as const

for (const { name, text, media } of CASES) {
  test(`read: ${name}`, () => assert.deepEqual(told(text), media))
}

for (const text of ['', 'v=0', 'hello', 'm=\n', 'm=video 0 RTP/AVP 96\n'.repeat(65)]) {
  test(`refused: ${JSON.stringify(text.slice(0, 30))}`, () => {
    assert.throws(() => parseDescription(text), SessionDescriptionError)
  })
}

test('control and name of the session are its own, not those of a medium', () => {
  const { name, control } = parseDescription('s=Cam 1\na=control:*\nm=audio 0 RTP/AVP 0\ns=x\na=control:y')
  assert.deepEqual([name, control], ['Cam 1', '*'])
})

const word = fc.stringMatching(/^[A-Za-z0-9+_.-]{1,12}$/)
const arbitraryMedia = fc.record({
  kind: fc.constantFrom('video' as const, 'audio' as const),
  payloadType: fc.integer({ min: 96, max: 127 }),
  encoding: word.map((text) => text.toUpperCase()),
  clockRateHz: fc.integer({ min: 1, max: 192_000 }),
  channels: fc.integer({ min: 1, max: 8 }),
  parameters: fc
    .dictionary(
      word.map((text) => text.toLowerCase()),
      word,
      { minKeys: 1 },
    )
    .map((values) =>
      Object.entries(values)
        .map(([name, value]) => `${name}=${value}`)
        .join(';'),
    ),
  control: word,
})

test('what is written reads back', () => {
  fc.assert(
    fc.property(fc.array(arbitraryMedia, { minLength: 1 }), fc.constantFrom('127.0.0.1', '::1'), (media, host) => {
      const text = writeDescription({ id: '1', name: 'live/cam1', host, media })
      const { name, media: read } = parseDescription(text)
      assert.equal(name, 'live/cam1')
      assert.deepEqual(
        read.map(({ kind, payloadTypes, rtpMaps, parameters, control }) => {
          const payloadType = payloadTypes[0] ?? 0
          const list = [...(parameters.get(payloadType) ?? [])].map(([key, value]) => `${key}=${value}`).join(';')
          return { kind, payloadType, ...rtpMaps.get(payloadType), parameters: list, control }
        }),
        media.map((each) => ({ ...each, channels: each.kind === 'audio' ? each.channels : 1 })),
      )
    }),
  )
})

test('no text makes it throw anything but its own error', () => {
  const piece = fc.constantFrom(
    'm=',
    'a=',
    'video ',
    '0 ',
    'RTP/AVP ',
    '96',
    '\n',
    '\r\n',
    ':',
    'rtpmap:',
    'fmtp:',
    '/',
    '=',
    ';',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join('')),
      ),
      (text) => {
        try {
          parseDescription(text)
        } catch (error) {
          assert.ok(error instanceof SessionDescriptionError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('parameters: base64 keeps its equals signs', () => {
  assert.deepEqual(
    [...parseParameters('a=YQ==,YWI=; b')],
    [
      ['a', 'YQ==,YWI='],
      ['b', ''],
    ],
  )
  assert.equal(attributeOf([['x', '1']], 'y'), '')
})
