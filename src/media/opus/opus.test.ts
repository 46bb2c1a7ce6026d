import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeAudioFormat } from '../format.ts'
import { accessUnitSamples } from '../samples.ts'
import { buildDOps, buildOpusHead, parseDOps, parseOpusHead } from './opus-head.ts'
import { opusPacketSamples } from './packet.ts'

/** dOps bodies of ffmpeg 5.1 and the OpusHead (RFC 7845 §5.1) that means the same. */
const HEADS = [
  {
    name: 'stereo',
    dOps: '00 02 0138 0000bb80 0000 00',
    opusHead: '4f70757348656164 01 02 3801 80bb0000 0000 00',
    channels: 2,
  },
  {
    name: '5.1, mapping family 1',
    dOps: '00 06 0138 0000bb80 0000 01 04 02 000401020305',
    opusHead: '4f70757348656164 01 06 3801 80bb0000 0000 01 04 02 000401020305',
    channels: 6,
  },
] as const

for (const vector of HEADS) {
  test(`OpusHead and dOps: ${vector.name}`, () => {
    const head = parseOpusHead(hex(vector.opusHead))
    assert.equal(head.preSkip, 312)
    assert.equal(head.inputSampleRateHz, 48_000)
    assert.deepEqual(parseDOps(hex(vector.dOps)), head)
    assert.deepEqual(buildDOps(head), hex(vector.dOps))
    assert.deepEqual(buildOpusHead(head), hex(vector.opusHead))
    const format = makeAudioFormat({
      trackId: 1,
      codec: 'opus',
      timescale: 48_000,
      configuration: hex(vector.opusHead),
    })
    assert.deepEqual([format.sampleRateHz, format.channels], [48_000, vector.channels])
    assert.equal(codecString(format), 'opus')
  })
}

test('any head survives both forms', () => {
  const fields = {
    channels: fc.integer({ min: 1, max: 2 }),
    preSkip: fc.nat({ max: 0xffff }),
    inputSampleRateHz: fc.nat({ max: 0x7fff_ffff }),
    outputGain: fc.integer({ min: -0x8000, max: 0x7fff }),
    mappingFamily: fc.constant(0),
    mapping: fc.constant(undefined),
  }
  const head = fc.record(fields, { noNullPrototype: true })
  fc.assert(
    fc.property(head, (given) => {
      assert.deepEqual(parseOpusHead(buildOpusHead(given)), given)
      assert.deepEqual(parseDOps(buildDOps(given)), given)
    }),
  )
})

for (const [name, record, reason] of [
  ['no magic', '00020138', /OpusHead/],
  ['version 16', '4f70757348656164 10 02 3801 80bb0000 0000 00', /version 16/],
  ['no channel', '4f70757348656164 01 00 3801 80bb0000 0000 00', /0 channels/],
  ['three channels in family 0', '4f70757348656164 01 03 3801 80bb0000 0000 00', /3 channels/],
  ['mapping cut off', '4f70757348656164 01 06 3801 80bb0000 0000 01 04 02 0004', /mapping/],
] as const) {
  test(`OpusHead is refused: ${name}`, () => {
    assert.throws(() => parseOpusHead(hex(record)), { code: 'media/configuration-invalid', codec: 'opus', reason })
  })
}

const PACKETS = [
  { name: 'libopus CELT 20 ms', bytes: 'fcb4065a', samples: 960 },
  { name: 'SILK 60 ms', bytes: '18aa', samples: 2880 },
  { name: 'hybrid 10 ms', bytes: '60aa', samples: 480 },
  { name: 'CELT 2.5 ms', bytes: '80aa', samples: 120 },
  { name: 'code 1, two frames of 20 ms', bytes: 'fdaa', samples: 1920 },
  { name: 'code 3, three frames of 20 ms', bytes: 'ff03aa', samples: 2880 },
] as const
for (const { name, bytes, samples } of PACKETS) {
  test(`packet duration: ${name}`, () => assert.equal(opusPacketSamples(hex(bytes)), samples))
}

test('broken packets have no duration', () => {
  for (const bytes of ['', 'ff', 'ff00', 'ff3faa'])
    assert.throws(() => opusPacketSamples(hex(bytes)), { code: 'media/bitstream-invalid' })
  const format = makeAudioFormat({
    trackId: 1,
    codec: 'opus',
    timescale: 48_000,
    configuration: hex(HEADS[0].opusHead),
  })
  assert.equal(accessUnitSamples(format, hex('fcb4')), 960)
  assert.equal(accessUnitSamples(format, hex('')), 0)
})

test('Opus parsers throw typed errors only', () => {
  assertThrowsOnlyTapedeckErrors(
    parseOpusHead,
    HEADS.map((vector) => hex(vector.opusHead)),
  )
  assertThrowsOnlyTapedeckErrors(
    parseDOps,
    HEADS.map((vector) => hex(vector.dOps)),
  )
  assertThrowsOnlyTapedeckErrors(
    opusPacketSamples,
    PACKETS.map((vector) => hex(vector.bytes)),
  )
})
