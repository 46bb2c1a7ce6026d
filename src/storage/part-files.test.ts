import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Change } from '#containers/container.ts'
import { FaultFile, type Faults } from '#test/support/fault-file.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { createPartFile, openPartFile, openPartForAppend, openPartForReading } from './part-files.ts'

const append = (...texts: string[]): Change => {
  const buffers = texts.map((text) => Buffer.from(text))
  return { kind: 'append', buffers, bytes: buffers.reduce((sum, buffer) => sum + buffer.length, 0) }
}
const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code

test('changes are applied in order, neighbouring appends as one', async () => {
  await using folder = await TempFolder.make()
  await using part = await createPartFile(folder.path, 'live/cam1/a.mp4', { ifExists: 'fail' })
  await part.apply([
    append('ftyp', ''),
    { kind: 'extend', toBytes: 8 },
    append('abc', 'def'),
    append('ghi'),
    { kind: 'write', position: 4, bytes: Buffer.from('ROOM') },
    append(),
    append('!'),
  ])
  assert.equal(part.sizeBytes, 18)
  assert.equal(await readFile(part.path, 'latin1'), 'ftypROOMabcdefghi!')
  assert.equal(Buffer.from(await part.read(8, 100)).toString(), 'abcdefghi!')
  assert.equal((await part.read(100, 5)).length, 0)
  await part.truncate(4)
  await part.apply([append('2')])
  assert.equal(await readFile(part.path, 'latin1'), 'ftyp2')
})

test('more buffers than one system call takes, and calls that overlap, keep their order', async () => {
  await using folder = await TempFolder.make()
  await using part = await createPartFile(folder.path, 'a.ts', { ifExists: 'fail' })
  const many = Array.from({ length: 2500 }, (_, index) => String(index % 10))
  await Promise.all([part.apply([append(...many)]), part.apply([append('x')]), part.apply([append(...many)])])
  assert.equal(await readFile(part.path, 'latin1'), `${many.join('')}x${many.join('')}`)
})

test('a taken name: version counts on from the highest, fail fails, append opens', async () => {
  await using folder = await TempFolder.make()
  const create = async (ifExists: 'version' | 'fail', name = 'live/cam1.mp4') => {
    await using part = await createPartFile(folder.path, name, { ifExists })
    await part.apply([append('x')])
    return part.relativePath
  }
  assert.equal(await create('version'), 'live/cam1.mp4')
  assert.equal(await create('version'), 'live/cam1_v2.mp4')
  await rm(folder.at('live/cam1_v2.mp4'))
  await writeFile(folder.at('live/cam1_v7.mp4'), '')
  assert.equal(await create('version'), 'live/cam1_v8.mp4')
  assert.equal(await create('version', 'live/cam1_part0002.mp4'), 'live/cam1_part0002.mp4')
  assert.equal(await create('version', 'live/cam1_part0002.mp4'), 'live/cam1_v2_part0002.mp4')
  const names = await Promise.all(Array.from({ length: 20 }, () => create('version', 'many.flv')))
  assert.equal(new Set(names).size, 20)
  await assert.rejects(create('fail'), hasCode('storage/name-taken'))

  assert.equal(await openPartForAppend(folder.path, 'live/none.mp4'), undefined)
  await using part = await openPartForAppend(folder.path, 'live/cam1.mp4')
  assert.ok(part)
  await part.apply([append('y')])
  assert.equal(await readFile(folder.at('live/cam1.mp4'), 'latin1'), 'xy')
})

test('overwrite keeps the old file until commit, and lets go of a discarded new one', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('cam1.mp4'), 'old')
  const first = await createPartFile(folder.path, 'cam1.mp4', { ifExists: 'overwrite' })
  assert.equal(first.relativePath, '.cam1.replacing1.mp4')
  await first.discard()
  assert.deepEqual(await readdir(folder.path), ['cam1.mp4'])

  await using second = await createPartFile(folder.path, 'cam1.mp4', { ifExists: 'overwrite' })
  await second.apply([append('new')])
  assert.equal(await readFile(folder.at('cam1.mp4'), 'latin1'), 'old')
  await second.commit()
  await second.commit()
  assert.equal(second.path, folder.at('cam1.mp4'))
  assert.equal(second.relativePath, 'cam1.mp4')
  assert.equal(await readFile(folder.at('cam1.mp4'), 'latin1'), 'new')
  await second.discard()
  assert.equal(await readFile(folder.at('cam1.mp4'), 'latin1'), 'new', 'what is committed stays')
})

test('a crash between: the replacing file, opened again, still finds its place', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('cam1.mp4'), 'old')
  const part = await createPartFile(folder.path, 'cam1.mp4', { ifExists: 'overwrite' })
  await part.apply([append('new')])
  await part.close()
  await using reopened = await openPartFile(part.path)
  await reopened.commit()
  assert.equal(await readFile(folder.at('cam1.mp4'), 'latin1'), 'new')
})

test('nothing is written outside the root', async () => {
  await using folder = await TempFolder.make()
  const root = folder.at('root')
  await mkdir(folder.at('outside'), { recursive: true })
  await mkdir(root)
  await symlink(folder.at('outside'), folder.at('root', 'link'))
  await symlink(folder.at('outside', 'new.mp4'), folder.at('root', 'dangling.mp4'))
  await symlink('inside', folder.at('root', 'innocent'))
  const names = [
    '../x.mp4',
    '/etc/x.mp4',
    'a/../../x.mp4',
    '',
    'a//b',
    './a',
    'a\0b',
    'link/x.mp4',
    'link/y/x.mp4',
    'dangling.mp4',
  ]
  for (const name of names) {
    await assert.rejects(createPartFile(root, name, { ifExists: 'overwrite' }), hasCode('storage/outside-root'), name)
    await assert.rejects(openPartForAppend(root, name), hasCode('storage/outside-root'), name)
  }
  assert.deepEqual(await readdir(folder.at('outside')), [])
  await mkdir(folder.at('root', 'inside'))
  await using part = await createPartFile(root, 'innocent/x.mp4', { ifExists: 'fail' })
  assert.equal(part.relativePath, 'innocent/x.mp4')
})

test('a deleted or renamed folder is noticed', async () => {
  await using folder = await TempFolder.make()
  await using part = await createPartFile(folder.path, 'live/a.mp4', { ifExists: 'fail' })
  await part.checkInPlace()
  await rename(folder.at('live'), folder.at('moved'))
  await assert.rejects(part.checkInPlace(), hasCode('storage/vanished'))
  await mkdir(folder.at('live'))
  await writeFile(folder.at('live/a.mp4'), 'another file of the same name')
  await assert.rejects(part.checkInPlace(), hasCode('storage/vanished'))
})

test('errors are typed and a closed part says so', async () => {
  await using folder = await TempFolder.make()
  await assert.rejects(openPartFile(folder.at('none.mp4')), hasCode('storage/vanished'))
  await writeFile(folder.at('file'), '')
  await assert.rejects(createPartFile(folder.path, 'file/x.mp4', { ifExists: 'fail' }), hasCode('storage/vanished'))
  const part = await openPartForReading(folder.at('file'))
  await assert.rejects(part.apply([append('x')]), hasCode('storage/io'))
  await assert.rejects(
    part.apply([{ kind: 'write', position: 5, bytes: Buffer.from('x') }]),
    hasCode('storage/part-change-invalid'),
  )
  await part.close()
  await part.close()
  await assert.rejects(part.apply([]), hasCode('storage/part-closed'))
})

/** A file system of two megabytes; undefined where mounting isn't allowed. */
function mountSmall(path: string): Disposable | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', [path]) }
}

test('a full disk: nothing torn stays, and the same changes fit once there is space', async (t) => {
  await using folder = await TempFolder.make()
  using mounted = mountSmall(folder.path)
  if (mounted === undefined)
    return t.diagnostic('not allowed to mount: the injected fault of the recorder tests covers this')
  await writeFile(folder.at('ballast'), Buffer.alloc(1024 * 1024))
  await using part = await createPartFile(folder.path, 'a.mp4', { ifExists: 'fail' })
  await part.apply([append('head')])
  const piece = Buffer.alloc(300 * 1024, 'p').toString()
  const changes = [append(piece, piece), append(piece), append(piece)]
  await assert.rejects(part.apply(changes), hasCode('storage/full'))
  assert.equal(part.sizeBytes, 4)
  assert.equal(await readFile(part.path, 'latin1'), 'head')
  await rm(folder.at('ballast'))
  await part.apply(changes)
  assert.equal(await readFile(part.path, 'latin1'), `head${piece.repeat(4)}`)
})

test('a part that misbehaves on command, for the tests of others', async () => {
  await using folder = await TempFolder.make()
  const faults: Faults = { capacityBytes: 4 }
  await using part = new FaultFile(await createPartFile(folder.path, 'a.mp4', { ifExists: 'fail' }), faults)
  await part.apply([append('head')])
  await assert.rejects(part.apply([append('x')]), hasCode('storage/full'))
  faults.capacityBytes = undefined
  faults.failApply = 'EIO'
  await assert.rejects(part.apply([append('x')]), hasCode('storage/io'))
  faults.failApply = undefined
  faults.failInPlace = 'ESTALE'
  await assert.rejects(part.checkInPlace(), hasCode('storage/vanished'))
  const stalled = Promise.withResolvers<void>()
  faults.beforeApply = () => stalled.promise
  const slow = part.apply([append('!')])
  assert.equal(part.sizeBytes, 4)
  stalled.resolve()
  await slow
  assert.equal(await readFile(part.path, 'latin1'), 'head!')
})
