import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { BitWriter } from '../bits.ts'
import { concatBytes } from '../bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeAudioFormat } from '../format.ts'
import { describeInBand } from '../in-band.ts'
import { accessUnitSamples } from '../samples.ts'
import { dac3FromSyncframe, parseAc3Syncframe } from './ac3-syncframe.ts'
import { buildDac3, parseDac3 } from './dac3.ts'
import { buildDec3, parseDec3 } from './dec3.ts'
import { dec3FromAccessUnit } from './dec3-from-access-unit.ts'
import { eac3Syncframes, parseEac3Syncframe } from './eac3-syncframe.ts'

/** Records as literals make them, comparable with deepEqual. */
const PLAIN = { noNullPrototype: true }

/** First bytes of ffmpeg 5.1's AC-3 syncframes with the sizes ffprobe reports. */
const AC3_FRAMES = [
  {
    name: '5.1, 48 kHz, 448 kbit/s',
    bytes: '0b77b50b1e40ebf8403eff99',
    dac3: '103de0',
    rate: 48_000,
    channels: 6,
    frameBytes: 1792,
  },
  {
    name: 'stereo, 44.1 kHz, 192 kbit/s, short frame',
    bytes: '0b77c2ea544043e106f575f0',
    dac3: '501140',
    rate: 44_100,
    channels: 2,
    frameBytes: 834,
  },
  {
    name: 'the same, long frame',
    bytes: '0b77bf48554043e106f575f0',
    dac3: '501140',
    rate: 44_100,
    channels: 2,
    frameBytes: 836,
  },
] as const

for (const vector of AC3_FRAMES) {
  test(`AC-3: ${vector.name}`, () => {
    const frame = parseAc3Syncframe(hex(vector.bytes))
    assert.deepEqual(
      [frame.sampleRateHz, frame.channels, frame.frameBytes],
      [vector.rate, vector.channels, vector.frameBytes],
    )
    assert.deepEqual(dac3FromSyncframe(hex(vector.bytes)), hex(vector.dac3))
    const init = { trackId: 1, codec: 'ac3', timescale: vector.rate } as const
    const format = makeAudioFormat({ ...init, ...describeInBand('ac3', hex(vector.bytes)) })
    assert.deepEqual(
      [format.sampleRateHz, format.channels, format.samplesPerAccessUnit],
      [vector.rate, vector.channels, 1536],
    )
    assert.equal(accessUnitSamples(format, hex(vector.bytes)), 1536)
    assert.equal(codecString(format), 'ac-3')
  })
}

/** First bytes of ffmpeg 5.1's E-AC-3, 5.1 at 448 kbit/s; its own dec3 for it is 0e00200f00. */
const EAC3_HEADER = hex('0b77037f3f87c00020f820000200400004001fcc')
const EAC3_FRAME = concatBytes([EAC3_HEADER, new Uint8Array(1792 - EAC3_HEADER.length)])

test('E-AC-3: ffmpeg’s syncframe and dec3', () => {
  const frame = parseEac3Syncframe(EAC3_HEADER)
  assert.deepEqual([frame.frameBytes, frame.sampleRateHz, frame.samples, frame.dependent], [1792, 48_000, 1536, false])
  assert.deepEqual(dec3FromAccessUnit(EAC3_FRAME), hex('0e00200f00'))
  const format = makeAudioFormat({
    trackId: 1,
    codec: 'eac3',
    timescale: 48_000,
    ...describeInBand('eac3', EAC3_FRAME),
  })
  assert.deepEqual([format.sampleRateHz, format.channels, format.samplesPerAccessUnit], [48_000, 6, 1536])
  assert.equal(accessUnitSamples(format, EAC3_FRAME), 1536)
  assert.equal(accessUnitSamples(format, EAC3_HEADER), 0)
  assert.equal(codecString(format), 'ec-3')
})

/** The rear channels of 7.1: 16 bytes, 48 kHz, six blocks, acmod 2/2, chanmap Ls, Rs and Lrs/Rrs. */
const DEPENDENT_REAR = new BitWriter()
  .u(16, 0x0b77) // syncword
  .u(2, 1) // strmtyp
  .u(3, 0) // substreamid
  .u(11, 7) // frmsiz
  .u(4, 0b0011) // fscod, numblkscod
  .u(4, 0b1100) // acmod, lfeon
  .u(5, 16) // bsid
  .u(5, 31) // dialnorm
  .u(1, 0) // compre
  .u(17, 0x1_1a00) // chanmape, chanmap
  .u(32, 0)
  .u(28, 0)
  .bytes()

test('E-AC-3: a dependent substream adds its channels', () => {
  const rear = parseEac3Syncframe(DEPENDENT_REAR)
  assert.ok(rear.dependent)
  assert.deepEqual([rear.frameBytes, rear.channelMap], [16, 0x1a00])
  const dec3 = parseDec3(dec3FromAccessUnit(concatBytes([EAC3_FRAME, DEPENDENT_REAR])))
  assert.equal(dec3.substreams[0]?.dependentSubstreams, 1)
  assert.equal(dec3.channels, 8)
  assert.throws(() => dec3FromAccessUnit(DEPENDENT_REAR), { code: 'media/bitstream-invalid' })
})

test('channel locations count pairs, ETSI TS 102 366 table F.6.1', () => {
  const main = { fscod: 0, bsid: 16, bsmod: 0, acmod: 7, lfeOn: true, dependentSubstreams: 1 }
  assert.equal(parseDec3(buildDec3(768, [{ ...main, channelLocations: 0b10 }])).channels, 8) // Lrs/Rrs: 7.1
  assert.equal(parseDec3(buildDec3(768, [{ ...main, channelLocations: 0b100 }])).channels, 7) // Cs: 6.1
})

test('dac3 and dec3 read back as they were written', () => {
  const common = {
    fscod: fc.nat({ max: 2 }),
    bsid: fc.nat({ max: 16 }),
    bsmod: fc.nat({ max: 7 }),
    acmod: fc.nat({ max: 7 }),
    lfeOn: fc.boolean(),
  }
  fc.assert(
    fc.property(fc.record({ ...common, bitRateCode: fc.nat({ max: 18 }) }, PLAIN), (fields) => {
      const { sampleRateHz, channels, ...rest } = parseDac3(buildDac3(fields))
      assert.deepEqual(rest, fields)
      assert.ok(sampleRateHz > 0 && channels > 0)
    }),
  )
  const substream = fc.record(
    {
      ...common,
      dependentSubstreams: fc.constant(1),
      channelLocations: fc.nat({ max: 511 }),
    },
    PLAIN,
  )
  fc.assert(
    fc.property(fc.nat({ max: 8191 }), fc.array(substream, { minLength: 1, maxLength: 8 }), (kbps, substreams) => {
      const parsed = parseDec3(buildDec3(kbps, substreams))
      assert.deepEqual([parsed.dataRateKbps, parsed.substreams], [kbps, substreams])
    }),
  )
})

test('AC-3 and E-AC-3 are not taken for each other', () => {
  assert.throws(() => parseAc3Syncframe(EAC3_HEADER), { code: 'media/bitstream-invalid' })
  assert.throws(() => parseEac3Syncframe(hex(AC3_FRAMES[0].bytes)), { code: 'media/bitstream-invalid' })
})

test('the parsers throw typed errors only', () => {
  const frames = AC3_FRAMES.map((vector) => hex(vector.bytes))
  assertThrowsOnlyTapedeckErrors(parseAc3Syncframe, frames)
  assertThrowsOnlyTapedeckErrors(parseDac3, [hex('103de0')])
  assertThrowsOnlyTapedeckErrors(parseDec3, [hex('0e00200f00')])
  assertThrowsOnlyTapedeckErrors(parseEac3Syncframe, [EAC3_HEADER])
  assertThrowsOnlyTapedeckErrors(eac3Syncframes, [EAC3_FRAME, DEPENDENT_REAR])
  assertThrowsOnlyTapedeckErrors(dec3FromAccessUnit, [EAC3_FRAME, concatBytes([DEPENDENT_REAR, DEPENDENT_REAR])])
})
