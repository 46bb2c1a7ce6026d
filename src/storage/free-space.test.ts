import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { FreeSpace, type FreeSpaceOptions } from './free-space.ts'

function watch(changes: Partial<FreeSpaceOptions> = {}) {
  const free = { bytes: 5000 }
  const events: string[] = []
  const space = new FreeSpace({
    roots: ['/r'],
    floorBytes: 1000,
    pollMs: 10,
    log: SILENT_LOGGER,
    measure: async () => {
      if (free.bytes < 0) throw Object.assign(new Error('gone'), { code: 'ENOENT' })
      return { freeBytes: free.bytes, totalBytes: 10_000 }
    },
    ...changes,
  })
  space.changed.listen(({ root, isBelowFloor }) => events.push(`${root} ${isBelowFloor ? 'below' : 'above'}`))
  return { space, free, events }
}

test('falls below the floor at once, comes back with a margin', async () => {
  const { space, free, events } = watch()
  const steps: [number, boolean][] = [
    [5000, false],
    [1000, false],
    [999, true],
    [1000, true],
    [1099, true],
    [1100, false],
    [1000, false],
    [10, true],
  ]
  for (const [bytes, below] of steps) {
    free.bytes = bytes
    await space.poll()
    assert.equal(space.refusal('/r')?.code, below ? 'storage/below-floor' : undefined, `${bytes} free`)
    assert.equal(space.of('/r')?.freeBytes, bytes)
  }
  assert.deepEqual(events, ['/r below', '/r above', '/r below'])
  assert.equal(space.resumeBytes, 1100)
})

test('a root that can not be measured is not held back', async () => {
  const { space, free, events } = watch()
  free.bytes = 1
  await space.poll()
  free.bytes = -1
  await space.poll()
  assert.equal(space.refusal('/r'), undefined)
  assert.deepEqual(space.all(), [])
  assert.deepEqual(events, ['/r below', '/r above'])
})

test('no floor, no refusal; the real file system answers', async () => {
  using space = new FreeSpace({ roots: ['/'], floorBytes: 0, pollMs: 1000, log: SILENT_LOGGER })
  await space.start()
  assert.equal(space.refusal('/'), undefined)
  const measured = space.of('/')
  assert.ok(measured !== undefined && measured.totalBytes >= measured.freeBytes && measured.totalBytes > 0)
})
