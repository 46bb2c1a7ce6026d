import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildStreamMuxConfig, readStreamMuxConfig } from '#media/aac/stream-mux-config.ts'
import { BitReader } from '#media/bits.ts'
import { makeAudioFormat } from '#media/format.ts'
import { assertThrowsOnlyTapedeckErrors, hex, toHex } from '#test/support/bytes.ts'
import { ac3Payload } from './ac3.ts'
import { payloadFormat } from './all.ts'
import { eac3Payload } from './eac3.ts'
import { makeReceiver, payloadsOf } from './fixture.test-data.ts'
import { latmPayload } from './latm.ts'
import { mpaPayload } from './mpa.ts'
import type { PayloadFormat } from './payload-format.ts'

const AAC = makeAudioFormat({ trackId: 1, timescale: 48_000, codec: 'aac', configuration: hex('1190') })
const LATM = latmPayload.parameters(AAC)

/** A frame of its codec's length, filled with something. */
function frame(header: string, bytes: number, fill: number): Uint8Array {
  const whole = new Uint8Array(bytes).fill(fill)
  whole.set(hex(header))
  return whole
}

interface Case {
  readonly format: PayloadFormat
  readonly clockRateHz: number
  readonly parameters: string
  /** An access unit; `size` chooses among those the codec has. */
  make(size: number, fill: number): Uint8Array
  readonly unitTicks: number
}

const CASES: readonly Case[] = [
  {
    format: latmPayload,
    clockRateHz: 48_000,
    parameters: LATM,
    make: (size, fill) => new Uint8Array(1 + size * 37).fill(fill),
    unitTicks: 1024,
  },
  {
    format: mpaPayload,
    clockRateHz: 90_000,
    parameters: '',
    // MPEG-1 layer III, 48 kHz stereo, at 128 or 320 kbit/s.
    make: (size, fill) => (size % 2 === 0 ? frame('fffb9464', 384, fill) : frame('fffbe464', 960, fill)),
    unitTicks: 2160,
  },
  {
    format: ac3Payload,
    clockRateHz: 48_000,
    parameters: '',
    // 48 kHz stereo at 192 or 448 kbit/s.
    make: (size, fill) => (size % 2 === 0 ? frame('0b77ffff144043', 768, fill) : frame('0b77ffff1e4043', 1792, fill)),
    unitTicks: 1536,
  },
  {
    format: eac3Payload,
    clockRateHz: 48_000,
    parameters: '',
    // Six blocks of stereo at 48 kHz, frmsiz 383 or 895.
    make: (size, fill) => (size % 2 === 0 ? frame('0b77017f3480', 768, fill) : frame('0b77037f3480', 1792, fill)),
    unitTicks: 1536,
  },
]

for (const { format, clockRateHz, parameters, make, unitTicks } of CASES) {
  const { encoding } = format
  const packetizer = format.packetizer(AAC)

  test(`${encoding}: access units of any size survive being packetized`, () => {
    const shapes = fc.array(fc.tuple(fc.nat(200), fc.nat(254)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(shapes, fc.integer({ min: 40, max: 2000 }), (units, max) => {
        const { sink, push, depacketizer } = makeReceiver(format, { clockRateHz, parameters })
        const sent = units.map(([size, fill]) => make(size, fill))
        for (const [index, unit] of sent.entries()) {
          for (const { payload, marker } of payloadsOf(packetizer, unit, max)) push(payload, index * unitTicks, marker)
        }
        depacketizer.flush()
        assert.deepEqual(
          sink.units.map(({ bytes, facts }) => [toHex(bytes), facts]),
          sent.map((unit, index) => [
            toHex(unit),
            { rtpTimestamp: index * unitTicks, isDamaged: false, followsLoss: false },
          ]),
        )
      }),
      { numRuns: 60 },
    )
  })

  test(`${encoding}: a lost packet damages its access unit and no other`, () => {
    const sent = [0, 1, 2].map((index) => make(1 + 2 * index, 0x20 + index))
    fc.assert(
      fc.property(fc.nat(2), fc.nat(20), (unitIndex, packetIndex) => {
        const { sink, push, depacketizer } = makeReceiver(format, { clockRateHz, parameters })
        const packets = sent.flatMap((unit, index) =>
          payloadsOf(packetizer, unit, 30).map((each) => ({ ...each, index })),
        )
        const ofUnit = packets.filter(({ index }) => index === unitIndex)
        const lost = ofUnit[packetIndex % ofUnit.length]
        let lostBefore = 0
        for (const packet of packets) {
          if (packet === lost) lostBefore = 1
          else {
            push(packet.payload, packet.index * unitTicks, packet.marker, lostBefore)
            lostBefore = 0
          }
        }
        depacketizer.flush()
        const intact = sink.units.filter(({ facts }) => !facts.isDamaged).map(({ bytes }) => toHex(bytes))
        assert.deepEqual(
          intact,
          sent.filter((_, index) => index !== unitIndex).map((unit) => toHex(unit)),
        )
      }),
    )
  })

  test(`${encoding}: no payload makes it throw`, () => {
    const starts = payloadsOf(packetizer, make(1, 7), 60).map(({ payload }) => payload)
    const payload = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...starts))
    fc.assert(
      fc.property(fc.array(fc.tuple(payload, fc.boolean(), fc.nat(1), fc.nat(1))), (packets) => {
        for (const described of [parameters, '']) {
          const { sink, push, depacketizer } = makeReceiver(format, { clockRateHz, parameters: described })
          let timestamp = 0
          for (const [bytes, marker, lost, step] of packets) {
            timestamp += step
            push(bytes, timestamp, marker, lost)
          }
          depacketizer.flush()
          for (const { bytes } of sink.units) assert.ok(bytes.length > 0)
        }
      }),
      { numRuns: 300 },
    )
  })

  test(`${encoding} is found by its name`, () => assert.equal(payloadFormat(encoding), format))
}

test('several frames of a packet have their own times', () => {
  const mp3 = makeReceiver(mpaPayload)
  const [first, second] = [CASES[1]?.make(0, 1), CASES[1]?.make(1, 2)]
  assert.ok(first !== undefined && second !== undefined)
  mp3.push(Buffer.concat([hex('00000000'), first, second]), 0xffff_ffff)
  assert.deepEqual(
    mp3.sink.units.map(({ bytes, facts }) => [bytes.length, facts.rtpTimestamp]),
    [
      [384, 0xffff_ffff],
      [960, 2159],
    ],
  )
  const ac3 = makeReceiver(ac3Payload, { clockRateHz: 48_000 })
  const unit = CASES[2]?.make(0, 1) ?? assert.fail()
  ac3.push(Buffer.concat([hex('0002'), unit, unit]), 0)
  assert.deepEqual(
    ac3.sink.units.map(({ facts }) => facts.rtpTimestamp),
    [0, 1536],
  )
})

test('E-AC-3: syncframes of a few blocks, and dependent substreams, make one access unit', () => {
  // 0x3480: six blocks; 0x0480 with numblkscod 0: one block. A dependent substream has strmtyp 1.
  const block = frame('0b77000f0480', 32, 1)
  const dependent = frame('0b77400f3480', 32, 2)
  const { sink, push } = makeReceiver(eac3Payload, { clockRateHz: 48_000 })
  push(Buffer.concat([hex('0001'), ...Array.from({ length: 12 }, () => block)]), 0)
  push(Buffer.concat([hex('0002'), frame('0b77000f3480', 32, 1), dependent]), 3072)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [bytes.length, facts.rtpTimestamp]),
    [
      [192, 0],
      [192, 1536],
      [64, 3072],
    ],
  )
})

/** How an element of ffmpeg 5.1's (`-f latm`, without the layer that synchronizes) begins. */
const IN_BAND = '200011881fe6a6f0'

test('MP4A-LATM: the configuration may come with the media, which then begins at any bit', () => {
  const { sink, push, configurations } = makeReceiver(latmPayload, { clockRateHz: 48_000, parameters: 'cpresent=1' })
  // useSameStreamMux 0, the same StreamMuxConfig as in the description, a length of 3, aa bb cc.
  const config = [...buildStreamMuxConfig(hex('1190'))].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const configBits = config.slice(0, 1 + 1 + 6 + 4 + 3 + 16 + 3 + 8 + 2)
  const bits = `0${configBits}${'00000011'}${'10101010'}${'10111011'}${'11001100'}`
  const bytes = bits.match(/.{1,8}/g)?.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)) ?? []
  push(Uint8Array.from(bytes), 0, true)
  // useSameStreamMux 1, a length of 1, ff.
  push(hex('80ff80'), 1024, true)
  assert.deepEqual(
    sink.units.map(({ bytes: unit, facts }) => [toHex(unit), facts.isDamaged]),
    [
      ['aabbcc', false],
      ['ff', false],
    ],
  )
  assert.deepEqual(
    configurations.map(({ configuration }) => toHex(configuration)),
    ['1190'],
  )
})

test('MP4A-LATM: configurations as encoders write them', () => {
  const read = (text: string) => {
    const bytes = hex(text)
    const { audioSpecificConfig, accessUnits, fixedBytes } = readStreamMuxConfig(bytes, new BitReader(bytes, 'config'))
    return [toHex(audioSpecificConfig), accessUnits, fixedBytes]
  }
  // RFC 6416 §7.3 examples: AAC LC at 24 kHz stereo, and HE-AAC signalled hierarchically.
  assert.deepEqual(read('400026203fc0'), ['1310', 1, 0])
  assert.deepEqual(read('40005623101fe0'), ['2b118800', 1, 0])
  // GStreamer 1.22 of an MP4 file by ffmpeg.
  assert.deepEqual(read('40002310adca00'), ['118856e500', 1, 0])
  assert.deepEqual(read(toHex(buildStreamMuxConfig(hex('1190')))), ['1190', 1, 0])
  assert.throws(() => read('41ff'), { code: 'media/bitstream-invalid' })
  assertThrowsOnlyTapedeckErrors(
    (bytes) => readStreamMuxConfig(bytes, new BitReader(bytes, 'config')),
    [hex('400026203fc0'), hex(IN_BAND)],
  )
})
