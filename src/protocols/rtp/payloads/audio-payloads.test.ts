import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeAudioFormat } from '#media/format.ts'
import { RtpPacket, writeRtpPacket } from '../packet.ts'
import { aacPayload } from './aac.ts'
import { ArraySink } from './array-sink.test-data.ts'
import { opusPayload } from './opus.ts'
import type { PayloadFormat } from './payload-format.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const AAC_LC_48_STEREO = hex('1190')

function receiver(format: PayloadFormat, parameters: string, clockRateHz = 48_000) {
  const sink = new ArraySink()
  const configurations: string[] = []
  const depacketizer = format.depacketizer({
    parameters: new Map(parameters.split(';').map((each) => each.split('=', 2) as [string, string])),
    clockRateHz,
    channels: 2,
    sink,
    configured: (configuration) => configurations.push(Buffer.from(configuration).toString('hex')),
  })
  const push = (payload: Uint8Array, timestamp = 0, lostBefore = 0) => {
    const packet = new RtpPacket()
    const header = { payloadType: 97, marker: true, sequenceNumber: 0, timestamp, ssrc: 1 }
    assert.ok(packet.parse(writeRtpPacket(header, payload)))
    depacketizer.push(packet, lostBefore)
  }
  return { sink, depacketizer, push, configurations }
}

const aacFormat = makeAudioFormat({ trackId: 2, timescale: 48_000, codec: 'aac', configuration: AAC_LC_48_STEREO })

test('MPEG4-GENERIC: several access units of a packet have their own times', () => {
  const { sink, push, configurations } = receiver(aacPayload, aacPayload.parameters(aacFormat))
  push(hex('0020 0010 0018 aabb ccddee'), 0xffff_ff00)
  assert.deepEqual(configurations, ['1190'])
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [Buffer.from(bytes).toString('hex'), facts.rtpTimestamp]),
    [
      ['aabb', 0xffff_ff00],
      ['ccddee', 0x300],
    ],
  )
})

test('MPEG4-GENERIC: access units of any size survive being packetized', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 8000 }), fc.integer({ min: 50, max: 1400 }), (unit, max) => {
      const { sink, push } = receiver(aacPayload, aacPayload.parameters(aacFormat))
      aacPayload.packetizer(aacFormat).packetize(unit, max, (payload) => {
        assert.ok(payload.length <= max)
        push(payload, 1024)
      })
      assert.equal(sink.units.length, 1)
      assert.deepEqual(Buffer.from(sink.units[0]?.bytes ?? []), Buffer.from(unit))
      assert.deepEqual(sink.units[0]?.facts, { rtpTimestamp: 1024, isDamaged: false, followsLoss: false })
    }),
  )
})

test('MPEG4-GENERIC: a fragment that is lost damages its access unit only', () => {
  const { sink, push } = receiver(aacPayload, aacPayload.parameters(aacFormat))
  const payloads: Uint8Array[] = []
  aacPayload.packetizer(aacFormat).packetize(new Uint8Array(300), 104, (payload) => payloads.push(payload.slice()))
  push(payloads[0] ?? new Uint8Array(), 0)
  push(hex('0010 0010 aabb'), 1024, 2)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [bytes.length, facts.isDamaged, facts.followsLoss]),
    [
      [100, true, true],
      [2, false, false],
    ],
  )
})

test('no payload makes an audio format throw', () => {
  for (const [format, parameters] of [
    [aacPayload, aacPayload.parameters(aacFormat)],
    [aacPayload, 'mode=AAC-lbr;config=zz;sizelength=999'],
    [opusPayload, ''],
  ] as const) {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.nat(1))), (packets) => {
        const { push, depacketizer } = receiver(format, parameters)
        for (const [payload, lost] of packets) push(payload, 0, lost)
        depacketizer.flush()
      }),
      { numRuns: 500 },
    )
  }
})

test('Opus packets are access units', () => {
  const { sink, push, configurations } = receiver(opusPayload, '')
  push(hex('fc01'), 960)
  push(hex('fc0203'), 2880, 1)
  assert.equal(configurations.length, 1)
  assert.deepEqual(
    sink.units.map(({ bytes, facts }) => [bytes.length, facts.rtpTimestamp, facts.followsLoss]),
    [
      [2, 960, false],
      [3, 2880, true],
    ],
  )
})
