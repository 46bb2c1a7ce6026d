import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessUnit } from '#media/access-unit.ts'
import { opusPacketSamples } from '#media/opus/packet.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { Silence } from './silence.ts'

const video = testVideo()
const opus = testAudio({ codec: 'opus', sampleRateHz: 48_000, timescale: 48_000, samplesPerAccessUnit: 0 })
const unit = unitMaker()
/** CELT, 20 ms, mono. */
const PACKET = 31 << 3

function filling() {
  const silent: { fromMs: number; toMs: number; ticks: number; counted: number }[] = []
  const silence = new Silence({
    silence: ({ payload, dts: ticks, sourceAccessUnits: counted }, dts) => {
      const fromMs = dts / 48
      silent.push({ fromMs, toMs: fromMs + opusPacketSamples(payload) / 48, ticks, counted })
    },
  })
  const place = (accessUnit: AccessUnit, shiftMs = 0) => {
    const { timescale } = accessUnit.format
    const dts = silence.place(accessUnit, accessUnit.dts + (shiftMs * timescale) / 1000)
    return dts === undefined ? undefined : (dts * 1000) / timescale
  }
  return { silence, silent, sound: (ms: number) => place(unit(opus, ms, { fill: PACKET })), place }
}

test('nothing is put between packets that follow each other, however unevenly they are timed', () => {
  const { silent, sound } = filling()
  for (const ms of [0, 20, 41, 60, 79, 103]) assert.equal(sound(ms), ms)
  assert.deepEqual(silent, [])
})

test('a gap is filled without a hole, with units that nobody received', () => {
  const { silent, sound } = filling()
  sound(0)
  assert.equal(sound(332.5), 332.5)
  assert.equal(silent[0]?.fromMs, 20)
  assert.equal(silent.at(-1)?.toMs, 332.5)
  for (const [index, { fromMs, counted }] of silent.entries()) {
    assert.equal(counted, 0)
    if (index > 0) assert.equal(fromMs, silent[index - 1]?.toMs)
  }
  assert.equal(silent.length, 7, 'as few as can be: 120 twice, 20 three times, 10 and 2.5')
})

test('a muted track keeps up with the others, and what is on its way finds its place', () => {
  const { silent, sound, place } = filling()
  sound(0)
  for (let ms = 0; ms <= 60_000; ms += 40) place(unit(video, ms))
  const endMs = silent.at(-1)?.toMs ?? 0
  assert.ok(endMs > 60_000 - 1_500 - 130 && endMs <= 60_000 - 1_480, `${endMs}`)
  assert.equal(sound(60_000), 60_000)
  assert.equal(silent.at(-1)?.toMs, 60_000)
})

test('what comes for a time that is silence already is refused, and what reaches over it is put behind it', () => {
  const { silent, sound, place } = filling()
  sound(0)
  for (let ms = 0; ms <= 4_000; ms += 40) place(unit(video, ms))
  const endMs = silent.at(-1)?.toMs ?? 0
  assert.equal(sound(endMs - 20), undefined)
  assert.equal(sound(endMs - 10), endMs)
  assert.equal(sound(endMs + 10), endMs + 10)
})

test('a track whose clock stood still while it was silent loses half a second, and goes on from there', () => {
  const { silent, sound, place } = filling()
  sound(0)
  for (let ms = 0; ms <= 10_000; ms += 20) place(unit(video, ms))
  const placed: (number | undefined)[] = []
  for (let ms = 0; ms < 2_000; ms += 20) {
    place(unit(video, 10_020 + ms))
    placed.push(sound(20 + ms))
  }
  const refused = placed.filter((ms) => ms === undefined).length
  assert.ok(refused > 20 && refused < 30, `${refused} were refused`)
  const kept = placed.filter((ms) => ms !== undefined)
  for (const [index, ms] of kept.entries()) if (index > 0) assert.ok(Math.abs(ms - (kept[index - 1] ?? 0) - 20) < 0.1)
  assert.ok((kept[0] ?? 0) >= (silent.at(-1)?.toMs ?? 0))
  assert.equal(sound(20_000), 20_000, 'its clock has caught up')
})

test('what comes late in a heap stays refused until its own time has come', () => {
  const { silent, sound, place } = filling()
  sound(0)
  for (let ms = 0; ms <= 6_000; ms += 20) place(unit(video, ms))
  const endMs = silent.at(-1)?.toMs ?? 0
  for (let ms = 20; ms < 6_000; ms += 20) {
    const at = sound(ms)
    assert.ok(ms + 20 <= endMs ? at === undefined : Math.abs((at ?? 0) - ms) <= 20, `${ms}: ${at}`)
  }
})

test('a track that is always late is not taken for silent', () => {
  const { silent, sound, place } = filling()
  for (let ms = 0; ms < 20_000; ms += 20) {
    place(unit(video, ms + 5_000))
    assert.equal(sound(ms), ms)
  }
  assert.deepEqual(silent, [])
})

test('nobody is silent on a track that has ended, nor for longer than anybody would wait', () => {
  const { silence, silent, sound, place } = filling()
  sound(0)
  silence.endTrack(opus.trackId)
  for (let ms = 0; ms <= 30_000; ms += 40) place(unit(video, ms))
  assert.equal(silent.length, 0)
  assert.equal(sound(30_000), 30_000)
  assert.equal(silent.length, 0, 'half a minute at once')
  assert.equal(sound(35_000), 35_000)
  assert.equal(silent.at(-1)?.toMs, 35_000)
})

test('silence lies on the publisher’s clock like what is around it', () => {
  const { silent, place } = filling()
  place(unit(opus, 100_000, { fill: PACKET }), -100_000)
  place(unit(opus, 100_040, { fill: PACKET }), -100_000)
  assert.deepEqual(
    silent.map(({ fromMs, ticks }) => [fromMs, ticks]),
    [[20, 100_020 * 48]],
  )
})
