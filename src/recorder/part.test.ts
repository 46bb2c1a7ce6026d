import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { flv } from '#containers/flv/flv.ts'
import { testAudio, unitMaker } from '#test/support/access-units.ts'
import { MemoryDisk } from '#test/support/memory-files.ts'
import { Part } from './part.ts'

test('no byte goes to a file before a start after a crash would find it', async () => {
  const disk = new MemoryDisk()
  const format = testAudio()
  const formats = new Map([[format.trackId, format]])
  const stored = Promise.withResolvers<void>()
  const told: string[] = []
  const tell = (event: string) => () => void told.push(event)
  const part = new Part({
    index: 1,
    container: flv,
    writer: flv.open({
      formats: [format],
      createdAtMs: 0,
      expectedSeconds: 0,
      fragmentMs: 700,
      continuation: undefined,
    }),
    openFile: () => disk.files.create('/', 'a.flv', { ifExists: 'fail' }),
    root: '/',
    startedAtMs: 0,
    zero: { ticks: 0, timescale: 1000 },
    formats,
    previous: undefined,
    events: {
      opened: tell('opened'),
      written: tell('written'),
      impaired: tell('impaired'),
      resumed: tell('resumed'),
      lost: tell('lost'),
      vanished: tell('vanished'),
      failed: tell('failed'),
    },
    refusal: () => undefined,
    stored: () => stored.promise,
    monotonicMs: () => 0,
    fragmentMs: 700,
    syncEveryMs: 0,
  })
  const make = unitMaker()
  for (let atMs = 0; atMs < 3_000; atMs += 100) {
    const accessUnit = make(format, atMs)
    part.write({ accessUnit, dts: accessUnit.dts, pts: accessUnit.pts, isLeading: true, startsGop: false })
    await turn()
  }
  assert.deepEqual(told, ['opened'])
  assert.equal(disk.parts.get('a.flv')?.sizeBytes, 0)
  stored.resolve()
  await part.drain(1_000)
  assert.deepEqual([...new Set(told)], ['opened', 'written'])
  assert.ok((disk.parts.get('a.flv')?.sizeBytes ?? 0) > 3_000)
  assert.equal(part.queuedBytes, 0)
})
