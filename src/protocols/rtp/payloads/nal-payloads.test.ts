import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeVideoFormat } from '#media/format.ts'
import { parseAvcC } from '#media/h264/avcc.ts'
import { H264_RECORDS } from '#media/h264/vectors.test-data.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import { RtpPacket, writeRtpPacket } from '../packet.ts'
import { ArraySink } from './array-sink.test-data.ts'
import { h264Payload } from './h264.ts'
import { h265Payload } from './h265.ts'
import type { PayloadFormat } from './payload-format.ts'

/** Packetizers of NAL units need nothing of the track but that it is one. */
const TRACK = makeVideoFormat({
  trackId: 1,
  timescale: 90_000,
  codec: 'h264',
  configuration: new Uint8Array(Buffer.from(H264_RECORDS[0].avcC, 'hex')),
})

/** A depacketizer, what it made, and a way to feed it. */
function receiver(format: PayloadFormat, parameters: Readonly<Record<string, string>> = {}) {
  const sink = new ArraySink()
  const configurations: Uint8Array[] = []
  const depacketizer = format.depacketizer({
    parameters: new Map(Object.entries(parameters)),
    clockRateHz: 90_000,
    channels: 1,
    sink,
    configured: (configuration) => configurations.push(configuration),
  })
  const push = (payload: Uint8Array, timestamp: number, marker = false, lostBefore = 0) => {
    const packet = new RtpPacket()
    const header = { payloadType: 96, marker, sequenceNumber: 0, timestamp, ssrc: 1 }
    assert.ok(packet.parse(writeRtpPacket(header, payload)))
    depacketizer.push(packet, lostBefore)
  }
  return { sink, depacketizer, push, configurations }
}

/** NAL units that are slices which begin a picture, of some length. */
function slice(format: PayloadFormat, bytes: number, fill: number): Uint8Array {
  const unit = new Uint8Array(bytes).fill(fill)
  if (format === h264Payload) unit.set([0x41, 0x80 | fill])
  else unit.set([0x02, 0x01, 0x80 | fill])
  return unit
}

for (const format of [h264Payload, h265Payload]) {
  test(`${format.encoding}: access units of any shape survive being packetized`, () => {
    const units = fc.array(fc.integer({ min: 4, max: 5000 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        fc.array(units, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 100, max: 1400 }),
        (shapes, max) => {
          const { sink, push } = receiver(format)
          const sent = shapes.map((sizes) => joinLengthPrefixed(sizes.map((bytes, i) => slice(format, bytes, i))))
          const packetizer = format.packetizer(TRACK)
          for (const [index, accessUnit] of sent.entries()) {
            packetizer.packetize(accessUnit, max, (payload, marker) => {
              assert.ok(payload.length <= max)
              push(payload, index * 3000, marker)
            })
          }
          assert.equal(sink.units.length, sent.length)
          for (const [index, { bytes, facts }] of sink.units.entries()) {
            assert.deepEqual(Buffer.from(bytes), Buffer.from(sent[index] ?? []))
            assert.deepEqual(facts, { rtpTimestamp: index * 3000, isDamaged: false, followsLoss: false })
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test(`${format.encoding}: no payload makes it throw`, () => {
    const packets = fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.boolean(), fc.nat(2), fc.nat(3)))
    fc.assert(
      fc.property(packets, (given) => {
        const { sink, push, depacketizer } = receiver(format)
        let timestamp = 0
        for (const [payload, marker, lostBefore, step] of given) {
          timestamp += step
          push(payload, timestamp, marker, lostBefore)
        }
        depacketizer.flush()
        for (const { bytes } of sink.units) assert.ok(bytes.length > 0)
      }),
      { numRuns: 500 },
    )
  })

  test(`${format.encoding}: a lost fragment damages its access unit and no other`, () => {
    const { sink, push } = receiver(format)
    const sent = [0, 1, 2].map((index) => joinLengthPrefixed([slice(format, 3000, index)]))
    for (const [index, accessUnit] of sent.entries()) {
      const payloads: [Uint8Array, boolean][] = []
      format.packetizer(TRACK).packetize(accessUnit, 1000, (payload, marker) => {
        payloads.push([payload.slice(), marker])
      })
      for (const [position, [payload, marker]] of payloads.entries()) {
        if (index === 1 && position === 1) continue
        push(payload, index * 3000, marker, index === 1 && position === 2 ? 1 : 0)
      }
    }
    assert.deepEqual(
      sink.units.map(({ facts }) => [facts.isDamaged, facts.followsLoss]),
      [
        [false, false],
        [true, false],
        [false, false],
      ],
    )
  })

  test(`${format.encoding}: whole access units that are lost are told with the next one`, () => {
    const { sink, push } = receiver(format)
    push(slice(format, 10, 1), 0, true)
    push(slice(format, 10, 1), 9000, true, 2)
    assert.deepEqual(
      sink.units.map(({ facts }) => [facts.isDamaged, facts.followsLoss]),
      [
        [false, false],
        [false, true],
      ],
    )
  })
}

test('without markers, and with markers on every slice, the timestamp tells access units apart', () => {
  for (const marker of [false, true]) {
    const { sink, push, depacketizer } = receiver(h264Payload)
    for (const timestamp of [0, 3000, 6000, 9000]) {
      push(slice(h264Payload, 10, 1), timestamp, marker)
      push(slice(h264Payload, 10, 2), timestamp, marker)
    }
    depacketizer.flush()
    const whole = sink.units.filter(({ bytes, facts }) => bytes.length === 28 && !facts.isDamaged)
    // Markers on every slice cost the first access unit, which they tore in two.
    assert.equal(whole.length, marker ? 3 : 4)
  }
})

test('H.264: aggregates and parameter sets in the media make the configuration', () => {
  const [vector] = H264_RECORDS
  assert.ok(vector !== undefined)
  const { sps, pps } = parseAvcC(new Uint8Array(Buffer.from(vector.avcC, 'hex')))
  assert.ok(sps[0] !== undefined && pps[0] !== undefined)
  const { sink, push, configurations } = receiver(h264Payload)
  const size = (unit: Uint8Array) => Uint8Array.of(unit.length >> 8, unit.length)
  push(Buffer.concat([Uint8Array.of(24), size(sps[0]), sps[0], size(pps[0]), pps[0]]), 0)
  push(slice(h264Payload, 100, 1), 0, true)
  assert.equal(configurations.length, 1)
  const made = parseAvcC(configurations[0] ?? new Uint8Array(0))
  assert.deepEqual([made.sps, made.pps], [sps.slice(0, 1), pps.slice(0, 1)])
  assert.equal(sink.units.length, 1)
  push(Buffer.concat([Uint8Array.of(24), size(sps[0]), sps[0], size(pps[0]), pps[0]]), 3000)
  push(slice(h264Payload, 100, 1), 3000, true)
  assert.equal(configurations.length, 1)
  const parameters = {
    'sprop-parameter-sets': [sps[0], pps[0]].map((unit) => Buffer.from(unit).toString('base64')).join(),
  }
  assert.equal(receiver(h264Payload, parameters).configurations.length, 1)
  assert.equal(receiver(h264Payload, { 'sprop-parameter-sets': 'Z0IAHp4,!!,aM4=' }).sink.units.length, 0)
})
