import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { truncate, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { SqliteCatalog } from './catalog/sqlite-catalog.ts'
import { Digests } from './digests.ts'
import type { RecordingDocument } from './recording-document.ts'

const bytes = Buffer.alloc(100_000, 'tape')
const sha256 = createHash('sha256').update(bytes).digest('hex')

async function openDigests(folder: TempFolder, bytesPerSecond = Infinity) {
  await using owned = new AsyncDisposableStack()
  const runtime = { nowMs: Date.now, log: SILENT_LOGGER }
  const catalog = owned.use(await SqliteCatalog.open({ folder: folder.path, runtime, onReplaced: () => {} }))
  const notes: [string, number[]][] = []
  const asked: number[] = []
  const digests = owned.use(
    new Digests({
      catalog: {
        undigested: async (node, limit, after) => {
          const page = await catalog.undigested(node, limit, after)
          asked.push(page.length)
          return page
        },
        noteFileGone: (part) => catalog.noteFileGone(part),
      },
      node: 'node-a',
      bytesPerSecond,
      log: SILENT_LOGGER,
      note: async (id, made) => {
        assert.ok([...made.values()].every((digest) => digest === sha256))
        notes.push([id, [...made.keys()]])
      },
    }),
  )
  const all = owned.move()
  return { catalog, digests, notes, asked, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

function recordingOf(folder: TempFolder, id: string, names: readonly string[]): RecordingDocument {
  const parts = names.map((path, index) => partSample({ index: index + 1, root: folder.path, path }))
  return recordingSample({ id, parts })
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endsMs = performance.now() + 10_000; !(await isSo()); await sleep(5)) {
    assert.ok(performance.now() < endsMs, 'in time')
  }
}

test('the digests of a recording are noted together, with what is gone left out', async () => {
  await using folder = await TempFolder.make()
  await using fixture = await openDigests(folder)
  for (const name of ['a', 'b', 'c']) await writeFile(folder.at(name), bytes)
  fixture.digests.add(recordingOf(folder, 'r1', ['a', 'b', 'gone']))
  fixture.digests.add(recordingOf(folder, 'r2', ['c']))
  await until(() => fixture.notes.length === 2)
  assert.deepEqual(fixture.notes, [
    ['r1', [1, 2]],
    ['r2', [1]],
  ])
})

test('files that a hook has taken are looked for once, not at every start', async () => {
  await using folder = await TempFolder.make()
  const taken = Array.from({ length: 1_200 }, (_, index) => `taken-${index}`)
  for (const expected of [[500, 500, 201], [0]]) {
    await using fixture = await openDigests(folder)
    const { catalog, digests, asked, notes } = fixture
    await writeFile(folder.at('there'), bytes)
    if (expected.length > 1) await catalog.save(recordingOf(folder, 'r1', [...taken, 'there']))
    await digests.catchUp(new AbortController().signal)
    assert.deepEqual(asked, expected)
    if (expected.length === 1) break
    await until(() => notes.length > 0)
    assert.deepEqual(notes, [['r1', [1_201]]])
    // As the recorder would.
    const noted = recordingOf(folder, 'r1', [...taken, 'there'])
    await catalog.save({
      ...noted,
      parts: noted.parts.map((part) => (part.index > 1_200 ? { ...part, sha256 } : part)),
    })
  }
})

test('what is hashed when the server ends is noted', async () => {
  await using folder = await TempFolder.make()
  await using fixture = await openDigests(folder, 1_000_000)
  const { digests, notes } = fixture
  for (const name of ['a', 'b']) await writeFile(folder.at(name), bytes)
  // At this pace it takes a minute and a half.
  await writeFile(folder.at('long'), '')
  await truncate(folder.at('long'), 90_000_000)
  digests.add(recordingOf(folder, 'r1', ['a']))
  digests.add(recordingOf(folder, 'r2', ['b']))
  digests.add(recordingOf(folder, 'r1', ['gone', 'long']))
  await until(() => notes.length > 0)
  assert.deepEqual(notes, [['r2', [1]]])
  await digests[Symbol.asyncDispose]()
  assert.deepEqual(notes[1], ['r1', [1]])
})
