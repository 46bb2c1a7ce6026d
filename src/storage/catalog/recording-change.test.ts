import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import type { PartDocument, RecordingDocument } from '../recording-document.ts'
import { changeBetween } from './recording-change.ts'
import { SqliteCatalog } from './sqlite-catalog.ts'

const partsOf = (count: number): PartDocument[] =>
  Array.from({ length: count }, (_, index) => partSample({ index: index + 1, path: `${index}.mp4` }))

test('a recording of thousands of parts is saved with what its newest part has changed', () => {
  const parts = partsOf(10_000)
  const before = recordingSample({ state: 'recording', parts })
  const finished = partSample({ index: 10_000, bytes: 5_000 })
  const after = { ...before, bytes: 1, parts: [...parts.slice(0, -1), finished, partSample({ index: 10_001 })] }
  const change = changeBetween(before, after)
  assert.deepEqual(
    change?.parts.map(({ index }) => index),
    [10_000, 10_001],
  )
  assert.equal(change?.recording.bytes, 1)
  assert.ok(JSON.stringify(change).length < 4_096)
})

test('what is taken away needs all of it', () => {
  const before = recordingSample({ parts: partsOf(3) })
  const { tracks, gaps } = before.ledger
  assert.equal(changeBetween(before, { ...before, parts: before.parts.slice(0, 2) }), undefined)
  assert.equal(changeBetween(before, { ...before, parts: before.parts.slice(1) }), undefined)
  assert.equal(changeBetween(before, { ...before, ledger: { tracks, gaps: [] } }), undefined)
  assert.equal(changeBetween(before, { ...before, ledger: { tracks: tracks.slice(1), gaps } }), undefined)
})

test('the catalog holds what was saved last, however it came to be', async () => {
  await using folder = await TempFolder.make()
  const runtime = { nowMs: Date.now, log: SILENT_LOGGER }
  const open = () => SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
  const [first, second, third] = partsOf(3) as [PartDocument, PartDocument, PartDocument]
  const waiting = recordingSample({ state: 'waiting', parts: [] })
  const [gap] = waiting.ledger.gaps
  assert.ok(gap !== undefined)
  const widened = {
    ...waiting.ledger,
    gaps: [
      { ...gap, toMs: 9_000 },
      { ...gap, fromMs: 20_000 },
    ],
  }
  const story: RecordingDocument[] = [
    waiting,
    { ...waiting, state: 'recording', parts: [{ ...first, state: 'open' }] },
    { ...waiting, state: 'recording', parts: [first, { ...second, state: 'open' }] },
    { ...waiting, state: 'recording', parts: [first, second, { ...third, state: 'open' }], ledger: widened },
    // The third held nothing, and its number is used again.
    { ...waiting, state: 'recording', parts: [first, second], ledger: widened },
    { ...waiting, state: 'recording', parts: [first, { ...second, path: 'renamed.mp4' }, third], ledger: widened },
    { ...waiting, state: 'ready', parts: [first, second, third], ledger: widened },
    { ...waiting, state: 'ready', parts: [first, { ...second, sha256: 'a'.repeat(64) }, third], held: true },
  ]
  await using catalog = await open()
  for (const recording of story) {
    await catalog.save(recording)
    assert.deepEqual(await catalog.get(recording.id), recording)
  }
  // Removed meanwhile, it is there as a whole again; and two saves at once end with the later one.
  const [, begun, going] = story as [RecordingDocument, RecordingDocument, RecordingDocument]
  await catalog.save(begun)
  await catalog.remove(begun.id)
  await catalog.save(going)
  assert.deepEqual(await catalog.get(going.id), going)
  await Promise.all([catalog.save(begun), catalog.save(going)])
  assert.deepEqual(await catalog.get(going.id), going)
})
