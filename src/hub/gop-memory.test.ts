import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AccessUnit } from '#media/access-unit.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import { testVideo } from '#test/support/access-units.ts'
import { GopMemory } from './gop-memory.ts'

const video = testVideo()

/** A memory, the access units it was given and the clock they came by. */
function remembering(gopBytes: number) {
  let nowMs = 0
  const payloads = new PayloadMemory()
  const memory = new GopMemory(gopBytes, () => nowMs)
  const given: {
    readonly number: number
    readonly bytes: number
    readonly atMs: number
    readonly startsGop: boolean
  }[] = []
  return {
    memory,
    given,
    payloads,
    add(afterMs: number, startsGop: boolean, bytes: number) {
      nowMs += afterMs
      const number = given.length
      using arena = payloads.arena()
      const unit = new AccessUnit(video, { dts: number, pts: number, isRandomAccess: startsGop }, arena.reserve(bytes))
      given.push({ number, bytes, atMs: nowMs, startsGop })
      memory.add(unit, startsGop)
      unit.release()
    },
    say: (timeMs: number, bytes = 1) => memory.addData({ encoding: 'amf0', timeMs, body: new Uint8Array(bytes) }),
    since(backMs: number) {
      const found = memory.since(backMs)
      const shown = found?.items.map((item) => ('body' in item ? `data ${item.timeMs}` : item.dts))
      return found && { numbers: shown, ageMs: found.ageMs }
    },
    now: () => nowMs,
  }
}

test('by itself it remembers the present GOP, and before the first one what came so far', () => {
  const { memory, add, since, payloads } = remembering(1_000)
  assert.equal(since(0), undefined)
  add(0, false, 10)
  add(40, false, 10)
  assert.deepEqual(since(0), { numbers: [0, 1], ageMs: 0 })
  add(40, true, 10)
  add(40, false, 10)
  assert.deepEqual(since(0), { numbers: [2, 3], ageMs: 40 })
  add(40, true, 10)
  assert.deepEqual(since(9_000), { numbers: [4], ageMs: 0 })
  memory[Symbol.dispose]()
  assert.equal(payloads.inUseBytes, 0)
})

test('what was said stays between the access units it came between, as long as they do', () => {
  const { add, say, since } = remembering(1_000)
  say(1)
  add(0, true, 10)
  say(2)
  say(3)
  add(40, false, 10)
  say(4)
  assert.deepEqual(since(0)?.numbers, ['data 1', 0, 'data 2', 'data 3', 1, 'data 4'])
  add(40, true, 10)
  assert.deepEqual(since(0)?.numbers, ['data 4', 2])
  for (let i = 0; i < 300; i++) say(i, 1_000)
  const kept = since(0)?.numbers ?? []
  assert.ok(kept.length > 200 && kept.length < 270, String(kept.length))
  assert.deepEqual([kept[0], kept.at(-1)], [2, 'data 299'])
})

test('it begins at the last random access point that is old enough, else at the oldest', () => {
  const { memory, add, since } = remembering(100)
  memory.reachBack(2_000, 10_000)
  for (let i = 0; i < 10; i++) add(i === 0 ? 0 : 500, i % 2 === 0, 100)
  // Random access points at 0, 1000, 2000, 3000 and 4000; it is 4500.
  assert.deepEqual(since(0), { numbers: [8, 9], ageMs: 500 })
  assert.deepEqual(since(500), { numbers: [8, 9], ageMs: 500 })
  assert.deepEqual(since(501), { numbers: [6, 7, 8, 9], ageMs: 1_500 })
  assert.deepEqual(since(2_000), { numbers: [4, 5, 6, 7, 8, 9], ageMs: 2_500 })
  assert.deepEqual(since(60_000), since(2_000), 'no more is kept than may be wanted')
  memory.reachBack(0, 10_000)
  add(500, true, 100)
  assert.deepEqual(since(60_000), { numbers: [10], ageMs: 0 })
})

test('the oldest GOPs make room, and one that is too large alone takes all with it', () => {
  const { memory, add, since } = remembering(100)
  memory.reachBack(60_000, 350)
  for (let i = 0; i < 6; i++) add(100, i % 2 === 0, 100)
  assert.deepEqual(since(60_000)?.numbers, [4, 5])
  add(100, false, 100)
  assert.deepEqual(since(60_000)?.numbers, [4, 5, 6])
  add(100, false, 100)
  assert.equal(since(60_000), undefined)
  add(100, true, 100)
  assert.deepEqual(since(60_000)?.numbers, [8])
})

test('whatever comes, what it gives is whole, within its bound, and begins where it should', () => {
  const arbitraryUnit = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.boolean(), fc.integer({ min: 1, max: 300 }))
  const property = fc.property(
    fc.array(arbitraryUnit, { maxLength: 300 }),
    fc.integer({ min: 0, max: 3_000 }),
    fc.integer({ min: 100, max: 20_000 }),
    fc.nat(1_000),
    (units, reachMs, bytes, backPermille) => {
      const { memory, given, payloads, add, since, now } = remembering(100)
      memory.reachBack(reachMs, bytes)
      const boundBytes = reachMs === 0 ? 100 : bytes
      const backMs = (reachMs * backPermille) / 1_000
      for (const unit of units) {
        add(...unit)
        assert.ok(memory.bytes <= boundBytes)
        const found = since(backMs)
        const starts = given.filter(({ startsGop }) => startsGop)
        const first = starts.findLast(({ atMs }) => now() - atMs >= backMs) ?? starts[0]
        if (first === undefined) continue
        const numbers = found?.numbers ?? []
        const expected = given.slice(given.length - numbers.length)
        assert.deepEqual(
          numbers,
          expected.map(({ number }) => number),
        )
        if (expected[0] !== undefined) {
          assert.ok(expected[0].startsGop)
          assert.equal(found?.ageMs, now() - expected[0].atMs)
        }
        const wanted = given.slice(first.number)
        const fits = wanted.reduce((sum, each) => sum + each.bytes, 0) <= boundBytes
        if (fits) assert.equal(numbers[0], first.number)
      }
      memory[Symbol.dispose]()
      assert.equal(payloads.inUseBytes, 0)
    },
  )
  fc.assert(property)
})
