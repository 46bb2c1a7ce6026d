import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leb128 } from '#media/av1/leb128.ts'
import type { VideoCodec } from '#media/codec.ts'
import { makeVideoFormat } from '#media/format.ts'
import { jfifHeader } from '#media/jpeg/jfif-header.ts'
import { isJpeg } from '#media/jpeg/segments.ts'
import { BASE_QUANTIZATION } from '#media/jpeg/standard-tables.ts'
import { vp9Frames } from '#media/vp9/superframe.ts'
import { hex, toHex } from '#test/support/bytes.ts'
import { RtpPacket } from '../packet.ts'
import { payloadFormat, payloadFormatOf } from './all.ts'
import { ArraySink } from './array-sink.test-data.ts'
import { av1Payload } from './av1.ts'
import { makeReceiver, payloadsOf } from './fixture.test-data.ts'
import { jpegPayload } from './jpeg.ts'
import { mp4vPayload } from './mp4v.ts'
import type { PayloadFormat } from './payload-format.ts'
import { vp8Payload } from './vp8.ts'
import { vp9Payload } from './vp9.ts'

/** ffmpeg 5.1's headers of 320x180 at 25 pictures a second. */
const MPEG4_HEADERS = hex('000001b001000001b58913000001000000012000c48d8800cd0a04169443')
/** ffmpeg 5.1's sequence header of 320x180 (SVT-AV1), with its size. */
const AV1_SEQUENCE_HEADER = hex('0a0b000000043cfecc02f80040')

/** Bytes that are no start code and no marker. */
function filled(bytes: number, fill: number): Uint8Array {
  return new Uint8Array(bytes).fill(0x20 | (fill & 0x1f))
}

interface Case {
  readonly format: PayloadFormat
  readonly configuration: Uint8Array
  readonly parameters: string
  make(size: number, fill: number, index: number): Uint8Array
}

const obu = (header: number, content: Uint8Array) =>
  Buffer.concat([Uint8Array.of(header), leb128(content.length), content])

const CASES: readonly Case[] = [
  {
    format: vp8Payload,
    configuration: hex(''),
    parameters: '',
    make: (size, fill) => Buffer.concat([hex('300000'), filled(size, fill)]),
  },
  {
    format: vp9Payload,
    configuration: hex(''),
    parameters: '',
    make: (size, fill) => Buffer.concat([hex('86'), filled(size, fill)]),
  },
  {
    format: av1Payload,
    configuration: Buffer.concat([hex('81000c00'), AV1_SEQUENCE_HEADER]),
    parameters: '',
    make: (size, fill, index) =>
      Buffer.concat([
        index === 0 ? AV1_SEQUENCE_HEADER : hex(''),
        obu(0x1a, filled(1 + (size % 50), fill)),
        obu(0x22, filled(size, fill)),
        hex('7a00'),
      ]),
  },
  {
    format: mp4vPayload,
    configuration: MPEG4_HEADERS,
    parameters: `config=${toHex(MPEG4_HEADERS)}`,
    make: (size, fill) => Buffer.concat([hex('000001b650'), filled(size, fill)]),
  },
  {
    format: jpegPayload,
    configuration: hex(''),
    parameters: '',
    make: (size, fill) => {
      const header = jfifHeader({
        ...{ widthPixels: 320, heightPixels: 184, quantizationTables: BASE_QUANTIZATION },
        subsampling: fill % 2 === 0 ? '4:2:0' : '4:2:2',
        restartInterval: fill % 3,
      })
      return Buffer.concat([header, filled(1 + size, fill), hex('ffd9')])
    },
  },
]

for (const { format, configuration, parameters, make } of CASES) {
  const { encoding } = format
  const track = makeVideoFormat({
    ...{ trackId: 1, timescale: 90_000, configuration },
    codec: format.codec as VideoCodec,
  })
  const packetizer = format.packetizer(track)

  test(`${encoding}: access units of any size survive being packetized`, () => {
    const shapes = fc.array(fc.tuple(fc.nat(6000), fc.nat(250)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(shapes, fc.integer({ min: 200, max: 1400 }), (units, max) => {
        const { sink, push } = makeReceiver(format, { parameters })
        const sent = units.map(([size, fill], index) => make(size, fill, index))
        for (const [index, unit] of sent.entries()) {
          const payloads = payloadsOf(packetizer, unit, max)
          assert.deepEqual(
            payloads.map(({ marker }) => marker),
            payloads.map((_, at) => at === payloads.length - 1),
          )
          for (const { payload, marker } of payloads) push(payload, index * 3000, marker)
        }
        assert.deepEqual(
          sink.units.map(({ bytes, facts }) => [toHex(bytes), facts]),
          sent.map((unit, index) => [
            toHex(unit),
            { rtpTimestamp: index * 3000, isDamaged: false, followsLoss: false },
          ]),
        )
      }),
      { numRuns: 60 },
    )
  })

  test(`${encoding}: a lost packet damages its access unit, and is told with the next`, () => {
    const sent = [0, 1, 2].map((index) => make(900, index, 0))
    fc.assert(
      fc.property(fc.nat(2), fc.nat(20), (unitIndex, packetIndex) => {
        const { sink, push } = makeReceiver(format, { parameters })
        const packets = sent.flatMap((unit, index) =>
          payloadsOf(packetizer, unit, 200).map((each) => ({ ...each, index })),
        )
        const ofUnit = packets.filter(({ index }) => index === unitIndex)
        const lost = ofUnit[packetIndex % ofUnit.length]
        let lostBefore = 0
        for (const packet of packets) {
          if (packet === lost) lostBefore = 1
          else {
            push(packet.payload, packet.index * 3000, packet.marker, lostBefore)
            lostBefore = 0
          }
        }
        const intact = sink.units.filter(({ facts }) => !facts.isDamaged)
        assert.deepEqual(
          intact.map(({ bytes }) => toHex(bytes)),
          sent.filter((_, index) => index !== unitIndex).map((unit) => toHex(unit)),
        )
        for (const { facts } of intact) assert.ok(!facts.followsLoss || facts.rtpTimestamp > unitIndex * 3000)
        if (unitIndex < 2) assert.ok(sink.units.some(({ facts }) => facts.followsLoss || facts.isDamaged))
      }),
    )
  })

  test(`${encoding}: access units that are lost as a whole are told with the next one`, () => {
    const { sink, push } = makeReceiver(format, { parameters })
    const unit = make(20, 1, 0)
    for (const { payload, marker } of payloadsOf(packetizer, unit, 1400)) push(payload, 0, marker)
    for (const { payload, marker } of payloadsOf(packetizer, unit, 1400)) push(payload, 9000, marker, 2)
    assert.deepEqual(
      sink.units.map(({ facts }) => [facts.isDamaged, facts.followsLoss]),
      [
        [false, false],
        [false, true],
      ],
    )
  })

  test(`${encoding}: without markers the timestamp tells access units apart`, () => {
    const { sink, push, depacketizer } = makeReceiver(format, { parameters })
    const sent = [1, 2, 3].map((index) => make(500 * index, index, index))
    for (const [index, unit] of sent.entries()) {
      for (const { payload } of payloadsOf(packetizer, unit, 200)) push(payload, index * 3000)
    }
    depacketizer.flush()
    assert.deepEqual(
      sink.units.map(({ bytes, facts }) => [toHex(bytes), facts.isDamaged]),
      sent.map((unit) => [toHex(unit), false]),
    )
  })

  test(`${encoding}: no payload makes it throw`, () => {
    const starts = payloadsOf(packetizer, make(300, 7, 0), 200).map(({ payload }) => payload)
    const payload = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...starts))
    fc.assert(
      fc.property(fc.array(fc.tuple(payload, fc.boolean(), fc.nat(1), fc.nat(1))), (packets) => {
        const { sink, push, depacketizer } = makeReceiver(format, { parameters })
        let timestamp = 0
        for (const [bytes, marker, lost, step] of packets) {
          timestamp += step
          push(bytes, timestamp, marker, lost)
        }
        depacketizer.flush()
        for (const { bytes } of sink.units) assert.ok(bytes.length > 0)
      }),
      { numRuns: 500 },
    )
  })

  test(`${encoding} is found by its name and its codec`, () => {
    assert.equal(payloadFormat(encoding.toLowerCase()), format)
    assert.equal(payloadFormatOf(track), format)
    assert.equal(format.clockRateHz(track), 90_000)
    assert.equal(typeof format.parameters(track), 'string')
  })
}

test('VP8: descriptors with everything in them', () => {
  const { sink, push } = makeReceiver(vp8Payload)
  // X, S; I, L, T, K; a long picture id, TL0PICIDX, TID and KEYIDX.
  push(hex('90f08001020311'), 0)
  push(hex('80800122'), 0) // a short picture id
  push(hex('0033'), 0, true)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [toHex(bytes), facts.isDamaged]),
    [['112233', false]],
  )
})

test('VP9: descriptors with everything in them; spatial layers become a superframe', () => {
  const { sink, push } = makeReceiver(vp9Payload)
  // I, L, B, E, V with a long picture id, layer 0, TL0PICIDX, a structure of two layers and two pictures.
  push(hex('ae 8001 00 07 38 01400168 028002d0 02 00 04 01 aabb'), 0)
  // I, P, L, F, B, E with a short picture id, layer 1, two references.
  push(hex('fc 01 02 0304 cc'), 0, true)
  const [unit] = sink.units
  assert.ok(unit !== undefined)
  assert.equal(toHex(unit.bytes), 'aabbccc10201c1')
  assert.deepEqual(
    vp9Frames(unit.bytes).map((each) => toHex(each)),
    ['aabb', 'cc'],
  )
})

test('AV1: elements with and without lengths, and OBUs that have their size', () => {
  const { sink, push, configurations } = makeReceiver(av1Payload)
  const sequenceHeader = Buffer.concat([hex('08'), AV1_SEQUENCE_HEADER.subarray(2)])
  // W 2, N: a sequence header with its length, then a frame up to the end that continues.
  push(Buffer.concat([hex('68'), leb128(sequenceHeader.length), sequenceHeader, hex('30aabb')]), 0)
  // Z, W 0: the rest of the frame, a temporal delimiter, an OBU with its size, one with an extension.
  push(hex('80 01 cc 01 10 03 32 01 dd 03 34 08 ee'), 0, true)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [toHex(bytes), facts.isDamaged]),
    [[`${toHex(AV1_SEQUENCE_HEADER)}3203aabbcc3201dd360801ee`, false]],
  )
  assert.equal(configurations.length, 1)
  assert.ok(toHex(configurations[0]?.configuration ?? hex('')).endsWith(toHex(AV1_SEQUENCE_HEADER)))
})

test('AV1: a length that FFmpeg 8.1 leaves before the only element', () => {
  const { sink, push } = makeReceiver(av1Payload)
  const frame = Buffer.concat([hex('30'), new Uint8Array(199).fill(0x33)])
  // W 1: there should be no length.
  push(Buffer.concat([hex('10'), leb128(frame.length), frame]), 0, true)
  // The same without it, and one whose own bytes could pass for a length.
  push(Buffer.concat([hex('10'), frame]), 3000, true)
  const looksLikeLength = Buffer.concat([hex('30'), new Uint8Array(48).fill(0x08)])
  push(Buffer.concat([hex('10'), looksLikeLength]), 6000, true)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [bytes.length, toHex(bytes).slice(0, 8), facts.isDamaged]),
    [
      [202, '32c70133', false],
      [202, '32c70133', false],
      [50, '32300808', false],
    ],
  )
})

test('MPEG-4: headers in the media make the configuration', () => {
  const { sink, push, configurations } = makeReceiver(mp4vPayload, { parameters: 'profile-level-id=1;config=00' })
  for (const timestamp of [0, 3000]) push(Buffer.concat([MPEG4_HEADERS, hex('000001b610aa')]), timestamp, true)
  assert.deepEqual(
    configurations.map(({ configuration }) => toHex(configuration)),
    [toHex(MPEG4_HEADERS)],
  )
  assert.equal(sink.units.length, 2)
})

test('JPEG: tables by quality, tables that came earlier, and images too large for the header', () => {
  const { sink, push, configurations } = makeReceiver(jpegPayload)
  const scan = hex('0102ffd9')
  push(Buffer.concat([hex('00000000 01 32 28 17'), scan]), 0, true)
  const [first] = sink.units
  assert.ok(first !== undefined && isJpeg(first.bytes))
  assert.ok(toHex(first.bytes).includes(toHex(BASE_QUANTIZATION[0])), 'quality 50 is the tables as they are')
  assert.deepEqual(configurations[0]?.hints, { widthPixels: 320, heightPixels: 184 })

  push(Buffer.concat([hex('00000000 01 80 28 17 0000 0000'), scan]), 3000, true)
  assert.equal(sink.units.length, 1, 'no tables yet')
  const table = Buffer.alloc(64, 3)
  push(Buffer.concat([hex('00000000 01 80 28 17 0000 0040'), table, scan]), 6000, true)
  push(Buffer.concat([hex('00000000 01 80 28 17 0000 0000'), scan]), 9000, true)
  assert.deepEqual(
    sink.units.slice(1).map(({ bytes }) => Buffer.from(bytes).includes(table)),
    [true, true],
  )

  const large = new ArraySink()
  const sizes: unknown[] = []
  const depacketizer = jpegPayload.depacketizer({
    ...{ parameters: new Map(), clockRateHz: 90_000, channels: 1, sink: large },
    configured: (_, hints) => sizes.push(hints),
  })
  const packet = new RtpPacket()
  const frameHeader = 'ffc0 0011 08 05f0 0a20 03 012100 021101 031101'
  const extension = hex(`ffd8 0005 ${frameHeader} ff`)
  assert.ok(
    packet.parse(Buffer.concat([hex('909a 0000 00000000 00000001'), extension, hex('00000000 01 32 00 00'), scan])),
  )
  depacketizer.push(packet, 0)
  assert.deepEqual(sizes, [{ widthPixels: 2592, heightPixels: 1520 }])
  assert.equal(large.units.length, 1)
})

test('JPEG: images that RFC 2435 can’t carry are refused', () => {
  const packetizer = jpegPayload.packetizer(
    makeVideoFormat({ trackId: 1, timescale: 90_000, codec: 'jpeg', configuration: hex('') }),
  )
  const image = jfifHeader({
    ...{ widthPixels: 2048, heightPixels: 8, subsampling: '4:2:0', restartInterval: 0 },
    quantizationTables: BASE_QUANTIZATION,
  })
  const progressive = Buffer.from(image)
  progressive[image.indexOf(0xc0)] = 0xc2
  for (const refused of [image, progressive, hex('ffd8'), hex('')]) {
    assert.throws(() => payloadsOf(packetizer, refused, 1400), { code: 'media/bitstream-invalid' })
  }
})
