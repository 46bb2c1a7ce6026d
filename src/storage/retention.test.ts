import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { SqliteCatalog } from './catalog/sqlite-catalog.ts'
import { ManifestStore } from './manifests.ts'
import type { RecordingDocument } from './recording-document.ts'
import { removeRecording } from './remove-recording.ts'
import { decideDeletions, Retention, type RetentionPolicy, type RetentionView } from './retention.ts'

const NOW_MS = Date.UTC(2026, 10, 20)
const KEEP_ALL: RetentionPolicy = { days: 0, bytes: 0, count: 0, freeBytes: 0 }
/** Ended n days ago, 100 bytes in the root /r. */
const aged = (days: number, changes: Partial<RecordingDocument> = {}, root = '/r') =>
  recordingSample({
    id: `d${days}`,
    endedAt: new Date(NOW_MS - days * 86_400_000 - 1).toISOString(),
    bytes: 100,
    parts: [partSample({ root, path: `d${days}.mp4`, bytes: 100 })],
    ...changes,
  })
const FIVE = [5, 4, 3, 2, 1].map((days) => aged(days))
const space = (freeBytes: number, root = '/r') => ({ root, freeBytes, totalBytes: 1000, isBelowFloor: false })

const CASES: readonly {
  name: string
  policy: Partial<RetentionPolicy>
  view?: Partial<RetentionView>
  gone: readonly string[]
}[] = [
  { name: 'no policy', policy: {}, gone: [] },
  { name: 'age', policy: { days: 3 }, gone: ['d5 age', 'd4 age', 'd3 age'] },
  { name: 'count', policy: { count: 3 }, gone: ['d5 count', 'd4 count'] },
  { name: 'bytes', policy: { bytes: 250 }, gone: ['d5 bytes', 'd4 bytes', 'd3 bytes'] },
  {
    name: 'open and held recordings count but stay',
    policy: { count: 3 },
    view: { totals: { recordings: 20, bytes: 2000 } },
    gone: ['d5 count', 'd4 count', 'd3 count', 'd2 count', 'd1 count'],
  },
  {
    name: 'free space',
    policy: { freeBytes: 300 },
    view: { spaces: [space(150)] },
    gone: ['d5 free-space', 'd4 free-space'],
  },
  { name: 'enough free', policy: { freeBytes: 300 }, view: { spaces: [space(300)] }, gone: [] },
  {
    name: 'free space counts per root',
    policy: { freeBytes: 300 },
    view: { spaces: [space(0, '/other')], oldest: [...FIVE, aged(0.5, {}, '/other')] },
    gone: ['d0.5 free-space'],
  },
  {
    name: 'age first, then what is still missing',
    policy: { days: 4, freeBytes: 300 },
    view: { spaces: [space(50)] },
    gone: ['d5 age', 'd4 age', 'd3 free-space'],
  },
  {
    name: 'never held, never open',
    policy: { count: 1 },
    view: { oldest: [aged(5, { held: true }), aged(4, { state: 'recording' }), aged(3)] },
    gone: ['d3 count'],
  },
]

for (const { name, policy, view, gone } of CASES) {
  test(`retention decides: ${name}`, () => {
    const all = { nowMs: NOW_MS, totals: { recordings: 5, bytes: 500 }, spaces: [], oldest: FIVE, ...view }
    const decided = decideDeletions({ ...KEEP_ALL, ...policy }, all)
    assert.deepEqual(
      decided.map(({ recording, reason }) => `${recording.id} ${reason}`),
      gone,
    )
  })
}

test('retention deletes files, manifests and rows, and empty folders, but nothing busy', async () => {
  await using folder = await TempFolder.make()
  const root = folder.at('recordings')
  const runtime = { nowMs: () => NOW_MS, log: SILENT_LOGGER }
  await using catalog = await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
  const manifests = new ManifestStore(folder.at('manifests'), 'process')
  for (const days of [4, 3, 2, 1]) {
    await mkdir(`${root}/live/${days}`, { recursive: true })
    await writeFile(`${root}/live/${days}/x.mp4`, 'x')
    const recording = aged(days, { held: days === 3, parts: [partSample({ root, path: `live/${days}/x.mp4` })] })
    await catalog.save(recording)
    await manifests.save(recording)
  }
  const deleted: string[] = []
  await using retention = new Retention({
    catalog,
    policy: { ...KEEP_ALL, count: 1 },
    spaces: () => [],
    runtime,
    isBusy: (id) => id === 'd2',
    remove: async (recording, reason) => {
      await removeRecording(recording, catalog, manifests)
      deleted.push(`${recording.id} ${reason}`)
    },
  })
  await Promise.all([retention.run(), retention.run()])
  assert.deepEqual(deleted, ['d4 count', 'd1 count'])
  assert.deepEqual((await readdir(`${root}/live`)).sort(), ['2', '3'])
  assert.deepEqual((await catalog.list({})).recordings.map(({ id }) => id).sort(), ['d2', 'd3'])
  assert.equal(await manifests.find('d4'), undefined)
  assert.ok(await manifests.find('d3'))
})
