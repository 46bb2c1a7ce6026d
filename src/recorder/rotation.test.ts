import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rotation } from './rotation.ts'

const CLOCK = { nowMs: () => 0, timeZone: 'UTC' }

/** A rotation that has seen two GOPs of a second and 100 kB. */
function rotation(seconds: number, bytes: number): Rotation {
  const made = new Rotation({ rotateSeconds: seconds, rotateBytes: bytes, rotateAt: '' }, CLOCK)
  for (const atMs of [0, 1_000, 2_000]) made.add(100_000, atMs, true)
  return made
}

const CASES = [
  { name: 'no limit', seconds: 0, bytes: 0, atMs: 1e9, size: 1e12, outlook: 'never' },
  { name: 'long before the time', seconds: 10, bytes: 0, atMs: 8_000, size: 0, outlook: 'never' },
  { name: 'within the second before the time', seconds: 10, bytes: 0, atMs: 9_100, size: 0, outlook: 'possible' },
  { name: 'rounded down to just before the time', seconds: 10, bytes: 0, atMs: 9_960, size: 0, outlook: 'due' },
  { name: 'past the time', seconds: 10, bytes: 0, atMs: 11_000, size: 0, outlook: 'due' },
  { name: 'two GOPs short of the size', seconds: 0, bytes: 1e6, atMs: 0, size: 7e5, outlook: 'never' },
  { name: 'a GOP after this one would not fit', seconds: 0, bytes: 1e6, atMs: 0, size: 8e5, outlook: 'possible' },
  { name: 'the next GOP would not fit', seconds: 0, bytes: 1e6, atMs: 0, size: 9e5, outlook: 'due' },
] as const
for (const { name, seconds, bytes, atMs, size, outlook } of CASES) {
  test(`${name}: ${outlook}`, () => assert.equal(rotation(seconds, bytes).outlook(atMs, 0, size), outlook))
}

test('time counts from where the part begins', () => {
  assert.equal(rotation(10, 0).outlook(25_000, 20_000, 0), 'never')
})

test('of short GOPs only half of one may be missing to the time', () => {
  const sound = new Rotation({ rotateSeconds: 2, rotateBytes: 0, rotateAt: '' }, CLOCK)
  for (const atMs of [0, 20]) sound.add(100, atMs, true)
  assert.equal(sound.outlook(1_980, 0, 0), 'possible')
  assert.equal(sound.outlook(1_991, 0, 0), 'due')
})

test('a split is due until a part was begun', () => {
  const made = rotation(0, 0)
  made.split()
  assert.equal(made.outlook(0, 0, 0), 'due')
  made.wasCut()
  assert.equal(made.outlook(0, 0, 0), 'never')
})

test('by the clock on the wall, whatever the time in the recording', () => {
  let nowMs = Date.parse('2026-11-20T10:59:58Z')
  const clock = { nowMs: () => nowMs, timeZone: 'Europe/Berlin' }
  const made = new Rotation({ rotateSeconds: 7_200, rotateBytes: 0, rotateAt: '0 12,14 * * *' }, clock)
  assert.equal(made.outlook(5_000, 0, 0), 'never')
  nowMs += 1_500
  assert.equal(made.outlook(5_000, 0, 0), 'possible')
  nowMs += 500
  assert.equal(made.outlook(5_000, 0, 0), 'due')
  nowMs += 1_000
  assert.equal(made.outlook(6_000, 0, 0), 'due', 'until it was done')
  made.wasCut()
  assert.equal(made.outlook(6_000, 6_000, 0), 'never')
  assert.equal(made.outlook(7_206_000, 6_000, 0), 'due', 'the other condition goes on')
})
