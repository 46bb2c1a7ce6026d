import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AccessUnit, ReleasedAccessUnitError } from './access-unit.ts'
import { AccessUnitPool } from './access-unit-pool.ts'
import { CHUNK_BYTES, PayloadMemory } from './payload-memory.ts'
import type { AudioFormat } from './track.ts'

const format = { kind: 'audio', codec: 'aac', trackId: 1, timescale: 1000 } as AudioFormat
const timing = { dts: 0, pts: 0, isRandomAccess: true }

test('neighbours in time are neighbours in memory', () => {
  const arena = new PayloadMemory().arena()
  const first = arena.reserve(5_000)
  const second = arena.reserve(3_000)
  assert.equal(second.chunk, first.chunk)
  assert.equal(second.start, first.start + 5_000)
})

test('a chunk is used again once its last access unit is released', () => {
  const memory = new PayloadMemory()
  const arena = memory.arena()
  const unit = new AccessUnit(format, timing, arena.reserve(CHUNK_BYTES))
  const bytes = unit.memory
  arena[Symbol.dispose]()
  unit.retain()
  unit.release()
  assert.equal(memory.inUseBytes, CHUNK_BYTES)
  unit.release()
  assert.equal(memory.inUseBytes, 0)
  assert.equal(memory.take(CHUNK_BYTES).bytes, bytes)
})

test('a released access unit is of no use any more', () => {
  const unit = new AccessUnit(format, timing, new PayloadMemory().arena().reserve(10))
  unit.release()
  assert.throws(() => unit.payload, ReleasedAccessUnitError)
  assert.throws(() => unit.release(), ReleasedAccessUnitError)
  assert.throws(() => unit.retain(), ReleasedAccessUnitError)
})

test('no two living payloads share a byte, and all memory comes back', () => {
  const step = fc.record({ bytes: fc.integer({ min: 0, max: 300_000 }), keep: fc.integer({ min: 0, max: 8 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new PayloadMemory()
      const arena = memory.arena()
      const living: { unit: AccessUnit; mark: number }[] = []
      steps.forEach(({ bytes, keep }, mark) => {
        const reservation = arena.reserve(bytes)
        reservation.bytes.fill(mark)
        living.push({ unit: new AccessUnit(format, timing, reservation), mark })
        while (living.length > keep) living.shift()?.unit.release()
        for (const { unit, mark } of living) assert.ok(unit.payload.every((byte) => byte === mark))
      })
      for (const { unit } of living) unit.release()
      arena[Symbol.dispose]()
      assert.equal(memory.inUseBytes, 0)
    }),
    { numRuns: 20 },
  )
})

test('a pool gives an object out again only after thousands of others', () => {
  const memory = new PayloadMemory()
  const arena = memory.arena()
  const pool = new AccessUnitPool()
  const first = pool.make(format, timing, arena.reserve(10))
  first.release()
  for (let i = 0; i < 4_000; i++) pool.make(format, timing, arena.reserve(10)).release()
  assert.throws(() => first.release(), ReleasedAccessUnitError)
  const seen = new Set<AccessUnit>()
  for (let i = 0; i < 10_000; i++) {
    const unit = pool.make(format, { ...timing, dts: i }, arena.reserve(10))
    assert.equal(unit.dts, i)
    assert.equal(unit.payload.length, 10)
    seen.add(unit)
    unit.release()
  }
  assert.ok(seen.size < 6_000, `${seen.size} objects for 10,000 access units`)
  arena[Symbol.dispose]()
  assert.equal(memory.inUseBytes, 0)
})

test('a shared payload goes back when both streams have released it', () => {
  const memory = new PayloadMemory()
  const arena = memory.arena()
  const pool = new AccessUnitPool()
  const other = { ...format, trackId: 7 }
  // First with new objects, later with those that have rested.
  for (let i = 0; i < 10_000; i++) {
    const reservation = arena.reserve(10)
    reservation.bytes.fill(i % 256)
    const unit = pool.make(format, { dts: i, pts: i + 2, isRandomAccess: i % 2 === 0 }, reservation)
    const shared = pool.share(unit, other, 1_000)
    unit.release()
    assert.deepEqual(
      [shared.format, shared.dts, shared.pts, shared.isRandomAccess, shared.payload[9]],
      [other, i + 1_000, i + 1_002, i % 2 === 0, i % 256],
    )
    assert.throws(() => pool.share(unit, other, 0), ReleasedAccessUnitError)
    shared.release()
  }
  arena[Symbol.dispose]()
  assert.equal(memory.inUseBytes, 0)
})
