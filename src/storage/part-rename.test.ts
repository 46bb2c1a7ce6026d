import assert from 'node:assert/strict'
import { link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { partSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { moveInRoot, renameExclusively, renameOverPlaceholder } from './exclusive-rename.ts'
import { giveLastName, whereItIs } from './part-rename.ts'

for (const rename of [renameExclusively, renameOverPlaceholder]) {
  test(`${rename.name}: of many that want a name one gets it, and nobody loses a byte`, async () => {
    await using folder = await TempFolder.make()
    const names = Array.from({ length: 20 }, (_, index) => `old${index}`)
    for (const name of names) await writeFile(folder.at(name), name)
    const won = await Promise.all(names.map((name) => rename(folder.at(name), folder.at('new'))))
    assert.equal(won.filter(Boolean).length, 1)
    const winner = names[won.indexOf(true)] ?? ''
    assert.equal(await readFile(folder.at('new'), 'utf8'), winner)
    assert.deepEqual(
      (await readdir(folder.path)).toSorted(),
      ['new', ...names.filter((name) => name !== winner)].toSorted(),
    )
  })

  test(`${rename.name}: what can’t be renamed leaves nothing behind`, async () => {
    await using folder = await TempFolder.make()
    await assert.rejects(rename(folder.at('none'), folder.at('new')))
    await mkdir(folder.at('folder'))
    await assert.rejects(rename(folder.at('folder'), folder.at('new')))
    assert.deepEqual(await readdir(folder.path), ['folder'])
  })
}

test('a rename that a crash cut in two is completed', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('old'), 'x')
  await link(folder.at('old'), folder.at('new'))
  assert.equal(await renameExclusively(folder.at('old'), folder.at('new')), true)
  assert.deepEqual(await readdir(folder.path), ['new'])
})

test('a file moves to a new folder, never out of the root', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('old'), 'x')
  assert.equal(await moveInRoot(folder.path, folder.at('old'), 'a/b/new'), folder.at('a/b/new'))
  await assert.rejects(moveInRoot(folder.path, folder.at('a/b/new'), '../x'), { code: 'storage/outside-root' })
  assert.equal(await readFile(folder.at('a/b/new'), 'utf8'), 'x')
})

/** What a kill leaves of `old` becoming `new`, by the contents of the files. */
const LEFT: readonly { when: string; files: Record<string, string>; linked?: true; path: string; left: string[] }[] = [
  { when: 'before it', files: { old: 'x' }, path: 'old', left: ['old'] },
  { when: 'after it', files: { new: 'x' }, path: 'new', left: ['new'] },
  { when: 'between link and unlink', files: { old: 'x' }, linked: true, path: 'new', left: ['new'] },
  { when: 'with the name held by an empty file', files: { old: 'x', new: '' }, path: 'old', left: ['old'] },
  {
    when: 'after it, the old name being somebody else’s already',
    files: { new: 'x', old: 'other' },
    path: 'new',
    left: ['new', 'old'],
  },
  { when: 'after it, the old name being taken anew', files: { new: 'x', old: '' }, path: 'new', left: ['new', 'old'] },
]
for (const { when, files, linked, path, left } of LEFT) {
  test(`a kill ${when}: the part is at ${path}`, async () => {
    await using folder = await TempFolder.make()
    for (const [name, text] of Object.entries(files)) await writeFile(folder.at(name), text)
    if (linked) await link(folder.at('old'), folder.at('new'))
    const part = partSample({ root: folder.path, path: 'old', rename: { to: 'new', recipe: 'r', nextRecipe: 't' } })
    assert.deepEqual(await whereItIs(part), { ...part, path, rename: { recipe: path === 'old' ? 'r' : 't' } })
    assert.deepEqual((await readdir(folder.path)).toSorted(), left)
    assert.equal(await readFile(folder.at(path), 'utf8'), 'x')
  })
}

test('a last name is noted before it is given, and never somebody else’s', async () => {
  await using folder = await TempFolder.make()
  for (const name of ['old', 'new1']) await writeFile(folder.at(name), name)
  const part = partSample({ root: folder.path, path: 'old', state: 'ready', rename: { recipe: 'r' } })
  const noted: unknown[] = []
  const named = await giveLastName(
    part,
    (recipe, late) => (attempt) => {
      assert.equal(recipe, 'r')
      assert.equal(late.endedAtMs - Date.parse(part.startedAt), part.durationMs)
      return `new${attempt}`
    },
    async (renaming) => {
      noted.push(renaming.path, renaming.rename?.to, await readdir(folder.path))
    },
  )
  assert.deepEqual(noted, ['old', 'new2', ['new1', 'old']])
  assert.equal(named.path, 'new2')
  assert.equal(named.rename, undefined)
  assert.equal(await readFile(folder.at('new2'), 'utf8'), 'old')
  assert.equal(await readFile(folder.at('new1'), 'utf8'), 'new1')
})
