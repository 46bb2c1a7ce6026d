import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { readZip } from '#test/support/zip.ts'
import { individualIndex } from './individual-index.ts'
import { writeIndividualZip } from './individual-zip.ts'
import type { RecordingFacts } from './recording-facts.ts'
import { RecordingFolder } from './recording-folder.ts'
import { freeFileName, newRecordingId } from './recording-ids.ts'
import { recordingObject } from './recording-object.ts'

const FACTS: RecordingFacts = {
  id: 'S',
  name: 'S',
  outputMode: 'COMPOSED',
  sessionId: 'S',
  createdAt: 1_700_000_000_000,
  size: 5,
  duration: 1.5,
  hasAudio: true,
  hasVideo: true,
  status: 'ready',
  resolution: '1280x720',
  frameRate: 25,
  recordingLayout: 'BEST_FIT',
}

/** As a server of the seed's time wrote it. */
const SEED_LINE =
  '{"id":"old","name":"old","recordingLayout":"BEST_FIT","sessionId":"old","createdAt":1530000000000,"size":3,"duration":2.5,"url":null,"hasAudio":true,"hasVideo":true,"status":"stopped"}'

test('both layouts are listed, found and deleted, and nothing else is', async () => {
  await using temp = await TempFolder.make()
  const folder = new RecordingFolder(temp.path)
  await writeFile(temp.at('.recording.old'), SEED_LINE)
  await writeFile(temp.at('old.mp4'), 'abc')
  await writeFile(temp.at('old.info'), '{}')
  await writeFile(temp.at('old.jpg'), 'j')
  await writeFile(temp.at('other.mp4'), 'keep me')
  await writeFile(temp.at('.recording.broken'), '{"status":')
  await mkdir(temp.at('S'))
  await folder.write({ facts: FACTS, layout: 'folder' })
  await writeFile(temp.at('S', 'S.mp4'), 'media')
  const found = await folder.list()
  assert.deepEqual(found.map(({ facts, layout }) => [facts.id, layout]).sort(), [
    ['S', 'folder'],
    ['old', 'flat'],
  ])
  const old = await folder.get('old')
  assert.ok(old !== undefined)
  assert.equal((await folder.media(old))?.file, 'old.mp4')
  await folder.remove(old)
  const other = await folder.get('S')
  assert.ok(other !== undefined)
  await folder.remove(other)
  assert.deepEqual((await readdir(temp.path)).sort(), ['.recording.broken', 'other.mp4'])
})

test('hidden files, parents and links that lead out are not there', async () => {
  await using temp = await TempFolder.make()
  await mkdir(temp.at('in'))
  await writeFile(temp.at('secret.mp4'), 'secret')
  await symlink(temp.at('secret.mp4'), temp.at('in', 'link.mp4'))
  await writeFile(temp.at('in', '.recording.x'), '{}')
  await writeFile(temp.at('in', 'x.mp4'), 'x')
  const folder = new RecordingFolder(temp.at('in'))
  for (const name of ['link.mp4', '.recording.x', '../secret.mp4', 'x.mp4/..', '', 'a/../x.mp4', '/etc/passwd']) {
    assert.equal(await folder.file(name), undefined, name)
  }
  assert.equal(await folder.file('x.mp4'), temp.at('in', 'x.mp4'))
  assert.equal(await folder.get('../x'), undefined)
})

test('ids: S, S-1, S-2 in classic and S~1, S~2 in modern; a free number is used again', () => {
  const taken = new Set(['S', 'S-1', 'S~1', 'S~3'])
  assert.equal(newRecordingId('T', 'classic', taken), 'T')
  assert.equal(newRecordingId('S', 'classic', taken), 'S-2')
  assert.equal(newRecordingId('S', 'modern', taken), 'S~2')
  assert.equal(freeFileName('n', new Set()), 'n')
  assert.equal(freeFileName('n', new Set(['n', 'n~1'])), 'n~2')
})

test('in the flat layout a file of the name takes the id', async () => {
  await using temp = await TempFolder.make()
  await writeFile(temp.at('S.mp4'), '')
  await writeFile(temp.at('.recording.T'), SEED_LINE)
  await mkdir(temp.at('U'))
  const { ids, files } = new RecordingFolder(temp.path).taken()
  assert.deepEqual([...ids].sort(), ['T', 'U'])
  assert.deepEqual([...files], ['S'])
})

test('status and url by profile and public access', () => {
  const place = { layout: 'folder', file: 'a b.mp4' } as const
  const told = (compat: 'classic' | 'modern', publicAccess: boolean, more: Partial<RecordingFacts> = {}) => {
    const options = { compat, publicAccess, publicUrl: 'https://h:4443' }
    const { status, url } = recordingObject({ ...FACTS, ...more }, place, options) as { status: string; url: unknown }
    return [status, url]
  }
  assert.deepEqual(told('classic', false), ['stopped', null])
  assert.deepEqual(told('classic', true), ['available', 'https://h:4443/recordings/S/a%20b.mp4'])
  assert.deepEqual(told('modern', false), ['ready', 'https://h:4443/openvidu/recordings/S/a%20b.mp4'])
  assert.deepEqual(told('modern', true, { status: 'started' }), ['started', null])
  assert.deepEqual(told('modern', true, { status: 'stopped' })[0], 'ready')
  const flat = { layout: 'flat', file: 'S.mp4' } as const
  const options = { compat: 'classic', publicAccess: true, publicUrl: 'https://h' } as const
  assert.equal((recordingObject(FACTS, flat, options) as { url: string }).url, 'https://h/recordings/S.mp4')
})

test('resolution, rate and layout are told only of pictures composed', () => {
  const options = { compat: 'modern', publicAccess: true, publicUrl: 'https://h' } as const
  assert.ok('resolution' in recordingObject(FACTS, undefined, options))
  assert.ok(!('resolution' in recordingObject({ ...FACTS, hasVideo: false }, undefined, options)))
  assert.ok(!('recordingLayout' in recordingObject({ ...FACTS, outputMode: 'INDIVIDUAL' }, undefined, options)))
})

test('the zip holds the media unchanged, and an index that aligns them', async () => {
  await using temp = await TempFolder.make()
  await writeFile(temp.at('a.webm'), 'first stream')
  await writeFile(temp.at('b.webm'), 'second')
  const facts: RecordingFacts = { ...FACTS, outputMode: 'INDIVIDUAL', name: 'N' }
  const stream = { connectionId: 'con_X', clientData: 'c', serverData: 's', typeOfVideo: 'CAMERA' }
  const index = individualIndex(facts, [
    { stream: { ...stream, streamId: 'str_1' }, document: document('a.webm', 0, 2000, 12) },
    { stream: { ...stream, streamId: 'str_2' }, document: document('b.webm', 3000, 1000, 6) },
  ])
  assert.equal(index.size, 18)
  assert.equal(index.duration, 4)
  const files = index.parts.map(({ part, file }) => ({ path: temp.at(part.path), name: file.name }))
  await writeIndividualZip(temp.at('N.zip'), files, { name: 'N', content: index.content })
  const zip = await readZip(temp.at('N.zip'))
  assert.deepEqual([...zip.keys()], ['str_1.webm', 'str_2.webm', 'N.json'])
  assert.equal(zip.get('str_1.webm')?.toString(), 'first stream')
  const told = JSON.parse(zip.get('N.json')?.toString() ?? '') as { files: readonly Record<string, unknown>[] }
  assert.deepEqual(told.files[1], {
    name: 'str_2.webm',
    connectionId: 'con_X',
    streamId: 'str_2',
    size: 6,
    clientData: 'c',
    serverData: 's',
    hasAudio: false,
    hasVideo: true,
    typeOfVideo: 'CAMERA',
    startTimeOffset: 3000,
    endTimeOffset: 4000,
  })
  assert.deepEqual((await readdir(temp.path)).sort(), ['N.zip', 'a.webm', 'b.webm'])
})

test('a zip that cannot be made leaves nothing behind', async () => {
  await using temp = await TempFolder.make()
  const files = [{ path: temp.at('gone.webm'), name: 'gone.webm' }]
  await assert.rejects(writeIndividualZip(temp.at('N.zip'), files, { name: 'N', content: {} }))
  assert.deepEqual(await readdir(temp.path), [])
})

test('without anything published the zip holds the index only', async () => {
  await using temp = await TempFolder.make()
  const { content, duration, size } = individualIndex({ ...FACTS, outputMode: 'INDIVIDUAL' }, [])
  assert.deepEqual([duration, size], [0, 0])
  await writeIndividualZip(temp.at('S.zip'), [], { name: 'S', content })
  const zip = await readZip(temp.at('S.zip'))
  assert.deepEqual([...zip.keys()], ['S.json'])
  assert.ok((await readFile(temp.at('S.zip'))).length > 0)
})

function document(path: string, offsetMs: number, durationMs: number, bytes: number): RecordingDocument {
  const track = {
    trackId: 1,
    kind: 'video',
    codec: 'vp8',
    codecString: 'vp8',
    accessUnits: 3,
    payloadBytes: 1,
  } as const
  const startedAt = new Date(FACTS.createdAt + offsetMs).toISOString()
  const part: PartDocument = {
    index: 1,
    path,
    root: '',
    state: 'ready',
    startedAt,
    sourceStartedAt: null,
    startMs: 0,
    durationMs,
    bytes,
    sha256: null,
    tracks: [track],
  }
  return {
    id: 'r',
    node: 'n',
    stream: 's',
    state: 'ready',
    format: 'webm',
    rule: null,
    startedAt,
    endedAt: null,
    requestedAt: startedAt,
    durationMs,
    bytes,
    parts: [part],
    ledger: { tracks: [], gaps: [] },
    metadata: {},
    held: false,
    error: null,
  }
}
