import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '#base/error.ts'
import type { ContainerWriter, WriterOutput } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { testVideo, unitMaker } from '#test/support/access-units.ts'
import { MemoryDisk } from '#test/support/memory-files.ts'
import { Part } from './part.ts'
import type { PartOptions } from './part-options.ts'

const video = testVideo()
const make = unitMaker()

/** Every access unit is a batch of its own, of one byte. */
function stubWriter(overrides: Partial<ContainerWriter> = {}): ContainerWriter {
  const waiting: AccessUnit[] = []
  return {
    get hasOutput() {
      return waiting.length > 0
    },
    write: (accessUnit) => void waiting.push(accessUnit.retain()),
    takeOutput(): WriterOutput | undefined {
      const accessUnit = waiting.shift()
      if (accessUnit === undefined) return undefined
      const buffers = [Uint8Array.of(1)]
      return { changes: [{ kind: 'append', buffers, bytes: 1 }], bytes: 1, accessUnits: [accessUnit] }
    },
    flush() {},
    changeFormat: () => true,
    ...overrides,
  }
}

/** A part on a disk and a clock of the test's, and what it tells. */
function partOf(overrides: Partial<PartOptions> = {}) {
  const disk = new MemoryDisk()
  const clock = { ms: 0 }
  const told: string[] = []
  const units: AccessUnit[] = []
  const part = new Part({
    index: 1,
    container: flv,
    writer: stubWriter(),
    openFile: () => disk.files.create('/memory', 'part.flv', { ifExists: 'fail' }),
    root: '/memory',
    format: undefined,
    startedAtMs: 0,
    sourceStartedAtMs: () => undefined,
    zero: { ticks: 0, timescale: 1_000 },
    formats: new Map([[video.trackId, video]]),
    previous: undefined,
    events: {
      opened: () => void told.push('opened'),
      written: (_part, output) => void told.push(`written ${output.accessUnits.length}`),
      impaired: (_part, error) => void told.push(`impaired ${errorCode(error)}`),
      dated: () => void told.push('dated'),
      resumed: () => void told.push('resumed'),
      lost: (_part, losses) => void told.push(`lost ${losses.reduce((sum, loss) => sum + loss.accessUnits, 0)}`),
      vanished: (_part, tracks) => void told.push(`vanished ${tracks[0]?.accessUnits}`),
      failed: (_part, error) => void told.push(`failed ${errorCode(error)}`),
    },
    refusal: () => undefined,
    stored: () => Promise.resolve(),
    monotonicMs: () => clock.ms,
    fragmentMs: 900,
    syncEveryMs: 0,
    ...overrides,
  })
  const write = (ms: number) => {
    const accessUnit = make(video, ms, { key: true })
    units.push(accessUnit)
    part.write({ accessUnit, dts: ms * 90, pts: ms * 90, isLeading: true, startsGop: true })
  }
  /** An access unit whose last reference is gone throws when it is read. */
  const assertReleased = () => {
    for (const unit of units) assert.throws(() => unit.payload, { code: 'internal/access-unit-released' })
    assert.equal(part.queuedBytes, 0)
  }
  const tick = async (ms: number) => {
    clock.ms += ms
    part.tick()
    await settle()
  }
  return { part, disk, told, write, tick, assertReleased }
}

/** Long chains of promises, and nothing else, separate a disk operation from its consequences. */
async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

test('what came before the file was there is written when it is', async () => {
  const { part, told, write, assertReleased } = partOf()
  write(0)
  write(40)
  assert.deepEqual(told, [])
  await settle()
  assert.deepEqual(told, ['opened', 'written 1', 'written 1'])
  await part.drain(5_000)
  assertReleased()
})

test('no byte goes to a file before a start after a crash would find it', async () => {
  const stored = Promise.withResolvers<void>()
  const { part, disk, told, write, assertReleased } = partOf({ stored: () => stored.promise })
  for (let atMs = 0; atMs < 1_000; atMs += 100) write(atMs)
  await settle()
  assert.deepEqual(told, ['opened'])
  assert.equal(disk.parts.get('part.flv')?.sizeBytes, 0)
  stored.resolve()
  await part.drain(5_000)
  assert.deepEqual([...new Set(told)], ['opened', 'written 1'])
  assert.equal(disk.parts.get('part.flv')?.sizeBytes, 10)
  assertReleased()
})

test('a writer that throws costs that access unit and ends the part, nothing else', async () => {
  const writer = stubWriter({
    write() {
      throw new Error('out of tune')
    },
  })
  const { part, told, write, assertReleased } = partOf({ writer })
  await settle()
  write(0)
  assert.deepEqual(told, ['opened', 'lost 1', 'failed internal/unexpected'])
  await part.drain(5_000)
  assertReleased()
})

test('a writer that throws while it is emptied ends the part, not the process', async () => {
  const writer = stubWriter({
    flush() {
      throw new Error('out of tune')
    },
  })
  const { part, told, write, tick, assertReleased } = partOf({ writer })
  write(0)
  await settle()
  await tick(2_000)
  await part.drain(5_000)
  assert.deepEqual(told, ['opened', 'written 1', 'failed internal/unexpected'])
  assertReleased()
})

test('refused bytes are tried again every second, and each kind of trouble is told once', async () => {
  const { part, disk, told, write, tick, assertReleased } = partOf()
  await settle()
  disk.failing = 'ENOSPC'
  write(0)
  await settle()
  await tick(500)
  await tick(600)
  await tick(1_000)
  assert.deepEqual(told, ['opened', 'impaired storage/full'])
  disk.failing = 'EIO'
  await tick(1_000)
  assert.deepEqual(told.slice(2), ['impaired storage/io'])
  disk.failing = undefined
  await tick(1_000)
  assert.deepEqual(told.slice(3), ['resumed', 'written 1'])
  await part.drain(5_000)
  assertReleased()
})

test('a write that hangs keeps its bytes until it ends, though the part was given up', async () => {
  const { part, disk, told, write, tick, assertReleased } = partOf()
  await settle()
  disk.hang()
  write(0)
  write(40)
  await tick(1_000)
  assert.deepEqual(told, ['opened', 'impaired storage/slow'])
  let isDrained = false
  const drained = part.drain(5_000).then(() => {
    isDrained = true
  })
  await tick(5_000)
  assert.deepEqual(told.slice(2), ['failed recorder/drain-timeout'])
  assert.equal(isDrained, false)
  disk.release()
  await drained
  assert.deepEqual(told.slice(3), ['written 1', 'lost 1'])
  assertReleased()
})

test('a file that vanished takes with it what is written afterwards', async () => {
  const { part, disk, told, write, tick, assertReleased } = partOf()
  write(0)
  await settle()
  disk.hang()
  write(40)
  disk.vanish()
  await tick(1_000)
  assert.deepEqual(told.slice(2), ['impaired storage/slow', 'vanished 1', 'failed storage/vanished'])
  disk.release()
  await part.drain(5_000)
  assert.deepEqual(told.slice(5), ['lost 1'])
  assertReleased()
})

test('a file that is there too late is taken away again', async () => {
  const { part, disk, told, write, tick, assertReleased } = partOf()
  disk.hang()
  write(0)
  const drained = part.drain(5_000)
  await tick(5_000)
  await drained
  assert.deepEqual(told, ['failed recorder/drain-timeout', 'lost 1'])
  disk.release()
  await settle()
  assert.equal(disk.parts.size, 0)
  assertReleased()
})
