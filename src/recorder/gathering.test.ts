import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { Gathering, type GatheringOptions } from './gathering.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()

function gathering(overrides: Partial<GatheringOptions> = {}) {
  const clock = { ms: 0 }
  const options = { startOn: 'keyframe', audio: true, video: true, trackWaitMs: 1_000, fromFirst: true } as const
  return { clock, gathering: new Gathering({ ...options, monotonicMs: () => clock.ms, ...overrides }) }
}

const times = (units: ReturnType<Gathering['take']>) =>
  units.map(({ format, dts }) => `${format.kind.charAt(0)}${Math.round((dts * 1000) / format.timescale)}`)

test('is ready when both kinds are known and a random access point is there', () => {
  const { gathering: g } = gathering()
  g.format(audio)
  g.add(unit(audio, 0))
  assert.equal(g.isReady, false)
  g.format(video)
  g.add(unit(audio, 21))
  assert.equal(g.isReady, false)
  g.add(unit(video, 0, { key: true }))
  assert.equal(g.isReady, true)
  assert.deepEqual(times(g.take()), ['a0', 'a21', 'v0'])
})

test('tells how long ago the first that is held came', () => {
  const { gathering: g, clock } = gathering()
  g.format(video)
  g.add(unit(video, 0), 5_000)
  assert.equal(g.heldForMs, 0, 'what comes before a random access point is not held')
  g.add(unit(video, 40, { key: true }), 300)
  clock.ms = 100
  g.add(unit(video, 80))
  assert.equal(g.heldForMs, 400)
})

test('a stream of one kind waits trackWaitMs for the other', () => {
  const { gathering: g, clock } = gathering()
  g.format(video)
  g.add(unit(video, 0, { key: true }))
  clock.ms = 999
  assert.equal(g.isReady, false)
  clock.ms = 1_000
  assert.equal(g.isReady, true)
})

test('a caller who wants no audio waits for none', () => {
  const { gathering: g } = gathering({ audio: false })
  g.format(video)
  g.add(unit(video, 0, { key: true }))
  assert.equal(g.isReady, true)
})

test('in mid-stream, what the leading track brings before a random access point is left out, and the rest from there', () => {
  const { gathering: g } = gathering({ fromFirst: false })
  g.format(video)
  g.format(audio)
  for (const each of [unit(video, 40), unit(audio, 60), unit(video, 80, { key: true }), unit(audio, 81)]) g.add(each)
  assert.equal(g.startMs, 80)
  assert.deepEqual(times(g.take()), ['a60', 'v80', 'a81'])
})

test('startOn now begins with whatever comes first', () => {
  const { gathering: g } = gathering({ fromFirst: false, startOn: 'now' })
  g.format(video)
  g.format(audio)
  for (const each of [unit(video, 40), unit(audio, 60)]) g.add(each)
  assert.equal(g.isReady, true)
  assert.deepEqual(times(g.take()), ['v40', 'a60'])
})

test('a video track without random access points does not hold the audio back forever', () => {
  const { gathering: g, clock } = gathering()
  g.format(audio)
  g.format(video)
  g.add(unit(audio, 0))
  g.add(unit(video, 0))
  clock.ms = 10_000
  assert.equal(g.isReady, true)
  assert.deepEqual(times(g.take()), ['a0'])
})
