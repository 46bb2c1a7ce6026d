import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admit, estimatedCores, spare } from './admission.ts'
import { CpuMeter } from './cpu-meter.ts'
import { ComposerBusyError } from './errors.ts'
import { completed, DEFAULT_REQUEST } from './request.ts'

const HD = completed({ ...DEFAULT_REQUEST, output: 'room/all' })
const SOUND = completed({ ...DEFAULT_REQUEST, output: 'room/all', video: false })

function running(cores: number | undefined, ageMs: number, isOverloaded = false, request = HD) {
  const cpu = new CpuMeter()
  if (cores !== undefined) for (let at = 0; at <= 5_000; at += 500) cpu.update(at * cores, at)
  return { request, cpu, startedAtMs: -ageMs, isOverloaded: () => isOverloaded }
}

test('there is room until what runs and what is to come are more than there is', () => {
  admit(HD, [], 1.8, 0)
  admit(HD, [running(0.5, 60_000), running(0.5, 60_000)], 1.8, 0)
  const four = [0.4, 0.4, 0.4, 0.4].map((cores) => running(cores, 60_000))
  assert.throws(() => admit(HD, four, 1.8, 0), ComposerBusyError)
  // Sound alone still fits.
  admit(SOUND, four, 1.8, 0)
})

test('a young composition counts with what it will take, and those that are proven say what others will', () => {
  const young = Array.from({ length: 5 }, () => running(0.02, 1_000))
  assert.throws(() => admit(HD, young, 1.8, 0), ComposerBusyError)
  const cheap = Array.from({ length: 5 }, () => running(0.2, 60_000))
  admit(HD, cheap, 1.8, 0)
  const dear = [running(0.9, 60_000)]
  assert.throws(() => admit(HD, dear, 1.7, 0), ComposerBusyError)
})

test('where pictures are being left out there is no room', () => {
  assert.throws(() => admit(HD, [running(0.3, 60_000, true)], 8, 0), ComposerBusyError)
})

test('what can wait gets what is left, and nothing where pictures are being left out', () => {
  assert.equal(spare([], 1.8, 0), 1.8)
  const left = spare([running(0.5, 60_000), running(0.02, 1_000)], 1.8, 0)
  assert.ok(Math.abs(left - (1.8 - 0.5 - estimatedCores(HD))) < 0.01, `${left}`)
  assert.equal(spare([running(3, 60_000)], 1.8, 0), 0)
  assert.equal(spare([running(0.3, 60_000, true)], 1.8, 0), 0)
})

test('more pixels cost more', () => {
  const large = completed({ ...DEFAULT_REQUEST, output: 'room/all', widthPixels: 1920, heightPixels: 1080 })
  assert.ok(estimatedCores(large) > 2 * estimatedCores(HD))
  assert.ok(estimatedCores(SOUND) < 0.05)
})
