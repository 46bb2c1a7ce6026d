import assert from 'node:assert/strict'
import { mkdir, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { TempFolder } from '#test/support/temp-folder.ts'
import { findPlace, type Place, spelled } from './place.ts'

const CASES: readonly { path: string; type?: 'mp4' | 'flv'; folder?: boolean; place: Partial<Place> | undefined }[] = [
  { path: '../media/testRecord', place: { stem: 'media/testRecord', extension: '.mp4', spelledFolder: '../media/' } },
  { path: 'x', place: { stem: 'bin/x', spelledFolder: '' } },
  { path: 'x.FLV', place: { stem: 'bin/x', extension: '.FLV' } },
  { path: 'x.ts', type: 'flv', place: { stem: 'bin/x', extension: '.ts' } },
  { path: 'x.avi', place: { stem: 'bin/x.avi', extension: '.mp4' } },
  { path: 'ROOT/a/b', place: { stem: 'a/b' } },
  { path: 'ROOT//a/./b', place: { stem: 'a/b' } },
  { path: 'a:b/{c}', place: { stem: 'bin/a_b/{c}' } },
  { path: 'ROOT2/x', place: { stem: 'x' } },
  { path: 'ROOT', folder: true, place: { stem: '' } },
  { path: 'ROOT/days/', folder: true, place: { stem: 'days' } },
  { path: '..', folder: true, place: { stem: '' } },
  { path: '../x', place: { stem: 'x' } },
  { path: '../../x', place: undefined },
  { path: '/etc/passwd', place: undefined },
  { path: 'ROOT/../x', place: undefined },
  { path: 'ROOTx/y', place: undefined },
  { path: 'ROOT', place: undefined },
  { path: 'ROOT/', place: undefined },
  { path: '..', place: undefined },
  { path: 'x/', place: undefined },
  { path: 'a\0b', place: undefined },
  { path: '.mp4', place: undefined },
  { path: 'ROOT/link/x', place: undefined },
  { path: 'ROOT/inside/x', place: { stem: 'inside/x' } },
  { path: 'x'.repeat(5000), place: undefined },
]

test('paths are confined to the roots', async (t) => {
  await using folder = await TempFolder.make()
  const roots = [folder.at('recordings'), folder.at('more')]
  await mkdir(folder.at('recordings', 'target'), { recursive: true })
  await mkdir(folder.at('more'))
  await mkdir(folder.at('elsewhere'))
  await symlink(folder.at('elsewhere'), folder.at('recordings', 'link'))
  await symlink(folder.at('recordings', 'target'), folder.at('recordings', 'inside'))
  const folders = { roots, workingDirectory: folder.at('recordings', 'bin') }
  for (const { path, type = 'mp4', folder: isFolder = false, place } of CASES) {
    await t.test(JSON.stringify(path.slice(0, 40)), async () => {
      const real = path.replace('ROOT2', folder.at('more')).replace('ROOT', folder.at('recordings'))
      const found = findPlace(real, type, folders, isFolder)
      if (place === undefined) await assert.rejects(found, { message: 'Unable to record stream' })
      else assert.partialDeepStrictEqual(await found, place)
    })
  }
})

test('files are told of as the caller spelled their folder', () => {
  const place = { folder: '/srv/media', spelledFolder: '../media/' }
  assert.equal(spelled('/srv/media/a_part0003.mp4', place), '../media/a_part0003.mp4')
  assert.equal(spelled('/srv/media/day/a.mp4', place), '../media/day/a.mp4')
  assert.equal(spelled('/srv/mediax/a.mp4', place), '/srv/mediax/a.mp4')
})
