import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { StorageError } from './errors.ts'
import { ManifestStore, manifestText } from './manifests.ts'

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code

for (const durability of ['process', 'power'] as const) {
  test(`a manifest is written whole, read back, found and removed (${durability})`, async () => {
    await using folder = await TempFolder.make()
    const store = new ManifestStore(folder.at('manifests'), durability)
    const recording = recordingSample()
    assert.equal(await store.read(recording), undefined)
    await Promise.all([store.save({ ...recording, state: 'recording' }), store.save(recording)])
    assert.deepEqual(await store.read(recording), recording)
    assert.equal(store.path(recording), folder.at('manifests', '2026', '11', `${recording.id}.json`))
    const file: unknown = JSON.parse(await readFile(store.path(recording), 'utf8'))
    assert.deepEqual(file, { manifest: 1, recording })
    assert.deepEqual(await store.find(recording.id), recording)
    assert.equal(await store.find('other'), undefined)
    await store.remove(recording)
    await store.remove(recording)
    assert.equal(await store.read(recording), undefined)
    assert.deepEqual(await readdir(folder.at('manifests', '2026', '11')), [])
  })
}

test('all manifests are read, damaged ones as errors, half-written ones not at all', async () => {
  await using folder = await TempFolder.make()
  const store = new ManifestStore(folder.path, 'process')
  const ids = ['a', 'b', 'c']
  for (const id of ids)
    await store.save(recordingSample({ id, requestedAt: `2026-0${ids.indexOf(id) + 1}-01T00:00:00.000Z` }))
  const damaged = {
    'no-json': '{"manifest": 1, "recor',
    'other-version': '{"manifest": 2, "recording": {}}',
    'no-recording': '{"manifest": 1, "recording": {"id": "x"}}',
    array: '[]',
    empty: '',
  }
  for (const [name, text] of Object.entries(damaged)) await writeFile(folder.at('2026', '01', `${name}.json`), text)
  await writeFile(folder.at('2026', '01', '.a.json.tmp'), '{')
  await writeFile(folder.at('notes.txt'), 'not a year')
  const read: string[] = []
  const faults: string[] = []
  for await (const manifest of store.readAll()) {
    if (manifest instanceof StorageError) {
      assert.equal(manifest.code, 'storage/manifest-invalid')
      faults.push(manifest.path)
    } else read.push(manifest.id)
  }
  assert.deepEqual(read, ids)
  assert.equal(faults.length, Object.keys(damaged).length)
})

test('an id can not lead elsewhere, and a folder in the way is a typed error', async () => {
  await using folder = await TempFolder.make()
  const store = new ManifestStore(folder.path, 'process')
  for (const change of [{ id: '../../x' }, { id: '' }, { requestedAt: 'x' }]) {
    await assert.rejects(store.save(recordingSample(change)), hasCode('storage/manifest-invalid'))
  }
  const recording = recordingSample()
  await mkdir(dirname(store.path(recording)).replace(/11$/, ''), { recursive: true })
  await writeFile(dirname(store.path(recording)), 'a file where the month should be')
  await assert.rejects(store.save(recording), hasCode('storage/vanished'))
})

test('a manifest of thousands of parts is written in small pieces, and reads back', async () => {
  await using folder = await TempFolder.make()
  const store = new ManifestStore(folder.path, 'process')
  for (const count of [0, 1, 100, 101, 10_000]) {
    const parts = Array.from({ length: count }, (_, index) => partSample({ index: index + 1, path: `[] ${index}.mp4` }))
    const recording = recordingSample({ parts, metadata: { note: '"parts": []' } })
    const pieces = [...manifestText(recording)]
    assert.equal(pieces.length, Math.max(1, Math.ceil(count / 100)))
    assert.ok(pieces.every(({ length }) => length < 64 * 1024))
    await store.save(recording)
    assert.equal(await readFile(store.path(recording), 'utf8'), pieces.join(''))
    assert.deepEqual(await store.read(recording), recording)
  }
})
