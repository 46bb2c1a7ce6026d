import assert from 'node:assert/strict'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { newUlid } from '#base/id.ts'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { Births } from './births.ts'
import { createPartFile } from './part-files.ts'

const runtime = { newId: () => newUlid(Date.now()), log: SILENT_LOGGER }
const nobodyKnows = { findByPart: async () => [] }

const filesIn = (folder: string) => readdir(folder).catch(() => [])

/** As a kill leaves it: made and closed, and the catalog does not know it. */
async function makeAndForget(root: string, name: string, births: Births): Promise<void> {
  const file = await createPartFile(root, name, { ifExists: 'version', births })
  await file.close()
}

test('a file is noted before it is made, until the catalog knows it', async () => {
  await using folder = await TempFolder.make()
  const births = new Births(folder.at('births'), runtime)
  const noted: (readonly string[])[] = []
  const note = births.note.bind(births)
  births.note = async (root, path) => {
    const birth = await note(root, path)
    noted.push(await filesIn(folder.at('parts')))
    return birth
  }
  const file = await createPartFile(folder.at('parts'), 'a.mp4', { ifExists: 'fail', births })
  assert.deepEqual(noted, [[]])
  assert.equal((await filesIn(folder.at('births'))).length, 1)
  file.known()
  while ((await filesIn(folder.at('births'))).length > 0) await new Promise(setImmediate)
  await file.discard()
})

test('the next start deletes what a kill has left empty, once', async () => {
  await using folder = await TempFolder.make()
  await makeAndForget(folder.path, 'a.mp4', new Births(folder.at('births'), runtime))
  const births = new Births(folder.at('births'), runtime)
  await births.settle(nobodyKnows)
  assert.deepEqual(await filesIn(folder.path), ['births'])
  assert.deepEqual(await filesIn(folder.at('births')), [])
  await writeFile(folder.at('a.mp4'), '')
  await births.settle(nobodyKnows)
  assert.deepEqual(await filesIn(folder.path), ['a.mp4', 'births'])
})

test("what is not our own, not empty or somebody's is left alone", async () => {
  await using folder = await TempFolder.make()
  const births = new Births(folder.at('births'), runtime)
  // Noted long before it was made.
  await makeAndForget(folder.path, 'younger.mp4', births)
  const longAgo = new Date(Date.now() - 60_000)
  for (const note of await filesIn(folder.at('births'))) await utimes(folder.at('births', note), longAgo, longAgo)
  // A name that was taken when it was to be made: the kill came before that was known.
  await writeFile(folder.at('older.mp4'), '')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await births.note(folder.path, 'older.mp4')
  await makeAndForget(folder.path, 'written.mp4', births)
  await writeFile(folder.at('written.mp4'), 'media')
  await births.note(folder.path, 'nothing.mp4')
  await births.note(folder.path, '../outside.mp4')
  await makeAndForget(folder.path, 'known.mp4', births)
  await writeFile(folder.at('births', 'torn'), '{"root":')
  await births.settle({ findByPart: async (_root, path) => (path === 'known.mp4' ? [recordingSample()] : []) })
  assert.deepEqual(await filesIn(folder.path), ['births', 'known.mp4', 'older.mp4', 'written.mp4', 'younger.mp4'])
  assert.deepEqual(await filesIn(folder.at('births')), [])
})
