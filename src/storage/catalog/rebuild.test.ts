import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { flv } from '#containers/flv/flv.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { CONTAINERS } from '#test/support/containers.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { ManifestStore } from '../manifests.ts'
import { createPartFile } from '../part-files.ts'
import { diskInspector, verifyRecording } from '../verify.ts'
import { rebuildCatalog } from './rebuild.ts'
import { SqliteCatalog } from './sqlite-catalog.ts'

const containers = CONTAINERS
const signal = new AbortController().signal

test('a lost catalog is rebuilt from manifests, and from files that none knows', async () => {
  await using folder = await TempFolder.make()
  const root = folder.at('recordings')
  const source = await makeSource(folder, { audio: 'aac', seconds: 1 })
  const contents = new Map<string, Buffer>()
  for (const path of ['live/cam1/known.flv', 'live/cam2/lost.flv', 'live/cam2/lost.mp4', 'top.ts']) {
    const container = path.endsWith('flv') ? flv : path.endsWith('mp4') ? mp4 : mpegts
    await using part = await createPartFile(root, path, { ifExists: 'fail' })
    await writePart(container.open(writerOptions(source)), part, source.units)
    await container.finish(part)
    contents.set(path, await readFile(part.path))
  }
  for (const path of ['notes.txt', 'live/foreign.mp4', 'live/.hidden.flv']) {
    await mkdir(dirname(`${root}/${path}`), { recursive: true })
    await writeFile(`${root}/${path}`, 'not ours')
  }
  await symlink(folder.path, `${root}/loop`)

  let ids = 0
  const nowMs = () => Date.now() + 60_000
  const runtime = { nowMs, newId: () => `new${++ids}`, log: SILENT_LOGGER }
  const manifests = new ManifestStore(folder.at('manifests'), 'process')
  const known = recordingSample({ id: 'known', parts: [partSample({ root, path: 'live/cam1/known.flv' })] })
  await manifests.save(known)
  await writeFile(folder.at('manifests/2026/11/bad.json'), '{')
  await using catalog = await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
  const options = {
    catalog,
    manifests,
    roots: [root],
    containers,
    node: 'node-a',
    runtime,
    readName: (path: string) =>
      path.startsWith('live/cam2/') ? { app: 'live', stream: 'cam2', startedAtMs: 1_000_000 } : undefined,
    onProgress: () => {},
    signal,
  }
  assert.deepEqual(await rebuildCatalog(options), { manifests: 1, damagedManifests: 1, recovered: 3, skipped: 1 })

  assert.deepEqual(await catalog.get('known'), known)
  const { recordings } = await catalog.list({})
  const recovered = recordings.filter(({ metadata }) => metadata['recovered'] === 'true')
  assert.deepEqual(recovered.map(({ stream }) => stream).sort(), ['live/cam2', 'live/cam2', 'top'])
  for (const recording of recovered) {
    assert.deepEqual(await verifyRecording(recording, diskInspector(containers, signal)), [])
    assert.deepEqual(await manifests.read(recording), recording)
  }
  for (const [path, bytes] of contents)
    assert.deepEqual(await readFile(`${root}/${path}`), bytes, 'files are only read')

  assert.equal((await rebuildCatalog(options)).recovered, 0, 'a second time there is nothing new')
})

test('a file that is being written is left alone', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { audio: 'aac', seconds: 1 })
  await using part = await createPartFile(folder.at('recordings'), 'live.flv', { ifExists: 'fail' })
  await writePart(flv.open(writerOptions(source)), part, source.units)
  const later = new Date(Date.now() + 3_600_000)
  await utimes(part.path, later, later)
  const runtime = { nowMs: Date.now, newId: () => 'x', log: SILENT_LOGGER }
  await using catalog = await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
  const progress = await rebuildCatalog({
    catalog,
    manifests: new ManifestStore(folder.at('manifests'), 'process'),
    roots: [folder.at('recordings')],
    containers,
    node: 'node-a',
    runtime,
    readName: () => undefined,
    onProgress: () => {},
    signal,
  })
  assert.equal(progress.recovered, 0)
})

test('a file that another server is recording is left alone', async () => {
  await using folder = await TempFolder.make()
  const root = folder.at('recordings')
  const source = await makeSource(folder, { audio: 'aac', seconds: 1 })
  await using part = await createPartFile(root, 'live.flv', { ifExists: 'fail' })
  await writePart(flv.open(writerOptions(source)), part, source.units)
  const now = Date.now()
  const runtime = { nowMs: () => now + 60_000, newId: () => 'x', log: SILENT_LOGGER }
  await using catalog = await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} })
  const options = {
    catalog,
    manifests: new ManifestStore(folder.at('manifests'), 'process'),
    roots: [root],
    containers,
    node: 'node-a',
    runtime,
    readName: () => undefined,
    onProgress: () => {},
    signal,
  }
  await using writing = await open(part.path, 'r+')
  const other = spawn('sleep', ['30'], { stdio: ['ignore', writing.fd, 'ignore'] })
  assert.equal((await rebuildCatalog(options)).recovered, 0)
  other.kill()
  await once(other, 'exit')
  assert.equal((await rebuildCatalog(options)).recovered, 1, 'and found when nobody does any more')
})
