import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeAudioFormat } from '#media/format.ts'
import { accessUnitSamples } from '#media/samples.ts'
import { hex, toHex } from '#test/support/bytes.ts'
import { payloadFormat, payloadFormatOf } from './all.ts'
import { makeReceiver, payloadsOf } from './fixture.test-data.ts'
import { staticPayload, staticPayloadType } from './static-payloads.ts'

/** Encoding, RTP clock, channels. */
const CASES = [
  ['PCMA', 8_000, 1],
  ['pcmu', 16_000, 2],
  ['L16', 44_100, 2],
  ['G722', 8_000, 1],
  ['G726-16', 8_000, 1],
  ['G726-24', 8_000, 1],
  ['G726-32', 8_000, 1],
  ['G726-40', 8_000, 1],
  ['AAL2-G726-16', 8_000, 1],
  ['AAL2-G726-24', 8_000, 1],
  ['AAL2-G726-32', 8_000, 1],
  ['AAL2-G726-40', 8_000, 1],
] as const

for (const [encoding, clockRateHz, channels] of CASES) {
  const format = payloadFormat(encoding)
  assert.ok(format !== undefined)

  test(`${encoding}: every sample arrives, each packet at its time`, () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.integer({ min: 30, max: 1400 }),
        (pattern, max) => {
          const { sink, push, configurations } = makeReceiver(format, { clockRateHz, channels })
          // Whole groups of any codec: 60 octets of both channels.
          const sent = new Uint8Array(Buffer.alloc(60 * 2 * pattern.length, pattern))
          const probe = makeReceiver(format, { clockRateHz, channels })
          probe.push(new Uint8Array(60 * 2), 0)
          const [told] = probe.configurations
          assert.ok(told !== undefined && format.kind === 'audio')
          const track = makeAudioFormat({
            ...{ ...told.hints, trackId: 1, timescale: clockRateHz, configuration: told.configuration },
            codec: format.codec as 'pcma',
          })
          assert.equal(format.clockRateHz(track), clockRateHz)
          assert.equal(payloadFormatOf(track)?.codec, format.codec)
          const ticksPerSample = clockRateHz / track.sampleRateHz
          for (const { payload, marker, laterTicks } of payloadsOf(format.packetizer(track), sent, max)) {
            push(payload, 1000 + laterTicks, marker)
          }
          assert.equal(configurations.length, 1)
          assert.deepEqual(Buffer.concat(sink.units.map(({ bytes }) => bytes)), Buffer.from(sent))
          let expected = 1000
          for (const { bytes, facts } of sink.units) {
            assert.deepEqual(facts, { rtpTimestamp: expected, isDamaged: false, followsLoss: false })
            expected += accessUnitSamples(track, bytes) * ticksPerSample
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test(`${encoding}: no payload makes it throw, losses are told`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.nat(2))), (packets) => {
        const { sink, push, depacketizer } = makeReceiver(format, { clockRateHz, channels })
        for (const [payload, lost] of packets) {
          const before = sink.units.length
          push(payload, 0, false, lost)
          if (sink.units.length > before) assert.equal(sink.units.at(-1)?.facts.followsLoss, lost > 0)
        }
        depacketizer.flush()
      }),
    )
  })
}

test('G.726: both ways of packing 3-bit code words, 1 to 7 and 0', () => {
  // RFC 3551 §4.5.4: in G726-24 the first code word is in the least significant bits, in AAL2-G726-24 in the most.
  const plain = makeReceiver(payloadFormat('G726-24') ?? assert.fail(), { clockRateHz: 8000 })
  const aal2 = makeReceiver(payloadFormat('AAL2-G726-24') ?? assert.fail(), { clockRateHz: 8000 })
  plain.push(hex('d1581f'), 0)
  aal2.push(hex('29cbb8'), 0)
  assert.deepEqual(
    [plain, aal2].map(({ sink }) => sink.units.map(({ bytes }) => toHex(bytes))),
    [['d1581f'], ['d1581f']],
  )
  assert.deepEqual([...(aal2.configurations[0]?.configuration ?? [])], [3])
})

test('static payload types are found both ways', () => {
  for (const payloadType of [0, 8, 9, 10, 11, 14, 26]) {
    const known = staticPayload(payloadType)
    assert.ok(known !== undefined && payloadFormat(known.encoding) !== undefined)
    assert.equal(staticPayloadType(known.encoding, known.clockRateHz, known.channels), payloadType)
  }
  assert.equal(staticPayloadType('MPA', 90_000, 2), 14)
  assert.equal(staticPayloadType('PCMA', 16_000, 1), undefined)
  assert.equal(staticPayloadType('L16', 44_100, 6), undefined)
})

test('unknown encodings and MPEG-4 streams other than AAC are none of ours', () => {
  assert.equal(payloadFormat('telephone-event'), undefined)
  assert.equal(payloadFormat('mpeg4-generic', new Map([['mode', 'CELP-vbr']])), undefined)
  assert.equal(payloadFormat('mpeg4-generic', new Map([['mode', 'AAC-hbr']]))?.codec, 'aac')
})
