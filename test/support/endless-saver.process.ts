/**
 * Program of kill.test.ts: saves recordings to catalog and manifests and appends to a part, for ever, and prints a line
 * `<id> <state> <part bytes>` once each is stored. Its argument is the folder.
 */
import { join } from 'node:path'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { ManifestStore } from '#storage/manifests.ts'
import { createPartFile } from '#storage/part-files.ts'
import { recordingSample } from './recording-sample.ts'

const folder = process.argv[2] ?? '.'
const runtime = { nowMs: Date.now, log: SILENT_LOGGER }
const catalog = await SqliteCatalog.open({ folder, runtime, onReplaced: () => {} })
const manifests = new ManifestStore(join(folder, 'manifests'), 'process')
const part = await createPartFile(join(folder, 'recordings'), 'part.bin', { ifExists: 'version' })
const first = (await catalog.totals()).recordings
for (let n = first; ; n++) {
  for (const state of ['recording', 'ready'] as const) {
    const record = new Uint8Array(4096).fill(n % 251)
    await part.apply([{ kind: 'append', buffers: [record], bytes: record.length }])
    const recording = recordingSample({ id: `r${n}`, state, bytes: part.sizeBytes })
    await Promise.all([catalog.save(recording), manifests.save(recording)])
    process.stdout.write(`${recording.id} ${state} ${part.sizeBytes} ${part.path}\n`)
  }
}
