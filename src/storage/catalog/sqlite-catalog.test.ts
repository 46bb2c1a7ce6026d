import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { MIGRATIONS } from './migrations.ts'
import { SqliteCatalog } from './sqlite-catalog.ts'

const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code
const runtime = { nowMs: () => Date.UTC(2026, 10, 20, 6, 41, 5), log: SILENT_LOGGER }
const openCatalog = (folder: string, onReplaced = () => {}) => SqliteCatalog.open({ folder, runtime, onReplaced })
/** Recording number n of a series, a minute after the one before. */
const numbered = (n: number, overrides = {}) =>
  recordingSample({
    id: `r${String(n).padStart(4, '0')}`,
    requestedAt: new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(),
    endedAt: new Date(Date.UTC(2026, 0, 1, 1, n)).toISOString(),
    ...overrides,
  })

test('a recording comes back as it was saved, also after it changed and the file was reopened', async () => {
  await using folder = await TempFolder.make()
  const waiting = recordingSample({
    state: 'waiting',
    startedAt: null,
    endedAt: null,
    rule: null,
    parts: [],
    ledger: { tracks: [], gaps: [] },
    metadata: {},
    bytes: 0,
    durationMs: 0,
  })
  const failed = recordingSample({
    state: 'failed',
    held: true,
    error: { code: 'storage/full', message: 'no space' },
    parts: [partSample(), partSample({ index: 2, state: 'damaged', sha256: 'a'.repeat(64), tracks: [] })],
  })
  {
    await using catalog = await openCatalog(folder.path)
    assert.equal(catalog.isEmpty, true)
    await catalog.save(waiting)
    assert.deepEqual(await catalog.get(waiting.id), waiting)
    await catalog.save(failed)
    assert.deepEqual(await catalog.get(failed.id), failed)
    const shrunk = recordingSample({ parts: [partSample({ index: 2 })], ledger: { tracks: [], gaps: [] } })
    await catalog.save(shrunk)
    assert.deepEqual(await catalog.get(shrunk.id), shrunk)
    await catalog.save(failed)
  }
  await using catalog = await openCatalog(folder.path)
  assert.equal(catalog.isEmpty, false)
  assert.deepEqual(await catalog.get(failed.id), failed)
  await catalog.remove(failed.id)
  assert.equal(await catalog.get(failed.id), undefined)
  assert.deepEqual(await catalog.totals(), { recordings: 0, parts: 0, bytes: 0 })
})

test('pages are newest first and survive new rows between them', async () => {
  await using folder = await TempFolder.make()
  await using catalog = await openCatalog(folder.path)
  await Promise.all(
    Array.from({ length: 25 }, (_, n) =>
      catalog.save(numbered(n, { stream: n % 5 === 0 ? 'live/other' : 'live/cam1' })),
    ),
  )
  const first = await catalog.list({ limit: 10 })
  assert.equal(first.recordings[0]?.id, 'r0024')
  assert.ok(first.nextCursor)
  await catalog.save(numbered(30))
  const second = await catalog.list({ limit: 10, cursor: first.nextCursor })
  assert.equal(second.recordings[0]?.id, 'r0014')
  const third = await catalog.list({ limit: 10, ...(second.nextCursor !== undefined && { cursor: second.nextCursor }) })
  assert.deepEqual(
    third.recordings.map(({ id }) => id),
    ['r0004', 'r0003', 'r0002', 'r0001', 'r0000'],
  )
  assert.equal(third.nextCursor, undefined)

  const other = await catalog.list({ stream: 'live/other' })
  assert.deepEqual(
    other.recordings.map(({ id }) => id),
    ['r0020', 'r0015', 'r0010', 'r0005', 'r0000'],
  )
  const range = await catalog.list({ from: '2026-01-01T01:03:00+01:00', to: '2026-01-01T00:05:00Z', state: 'ready' })
  assert.deepEqual(
    range.recordings.map(({ id }) => id),
    ['r0004', 'r0003'],
  )
  for (const query of [
    { limit: 0 },
    { limit: 1001 },
    { limit: 1.5 },
    { from: 'yesterday' },
    { cursor: 'x' },
    { cursor: '' },
  ]) {
    await assert.rejects(catalog.list(query), hasCode('catalog/query-invalid'))
  }
})

test('what has no digest comes in pages, without what is gone', async () => {
  await using folder = await TempFolder.make()
  await using catalog = await openCatalog(folder.path)
  const parts = [1, 2, 3].map((index) => partSample({ index, path: `${index}.mp4` }))
  await catalog.save(numbered(1, { parts }))
  await catalog.save(numbered(2))
  await catalog.noteFileGone({ recordingId: 'r0001', index: 2 })
  const [first, second, ...rest] = await catalog.undigested('node-a', 10)
  assert.deepEqual(first, { recordingId: 'r0001', index: 1, root: '/recordings', path: '1.mp4' })
  assert.deepEqual([second?.index, rest.length], [3, 1])
  assert.deepEqual(await catalog.undigested('node-a', 1, first), [second])
  assert.deepEqual(await catalog.undigested('node-a', 10, rest[0]), [])
  // Saved again it is gone all the same.
  await catalog.save(numbered(1, { parts, held: true }))
  assert.equal((await catalog.undigested('node-a', 10)).length, 3)
})

test('unfinished, oldest, totals and paths', async () => {
  await using folder = await TempFolder.make()
  await using catalog = await openCatalog(folder.path)
  await catalog.save(numbered(1))
  await catalog.save(numbered(2, { held: true }))
  await catalog.save(numbered(3, { state: 'recording', parts: [partSample({ path: 'open.mp4', state: 'open' })] }))
  await catalog.save(numbered(4, { state: 'waiting' }))
  await catalog.save(numbered(5, { state: 'finishing', node: 'node-b' }))
  await catalog.save(numbered(6, { endedAt: '2025-01-01T00:00:00.000Z' }))
  assert.deepEqual(
    (await catalog.unfinished('node-a')).map(({ id }) => id),
    ['r0004', 'r0003'],
  )
  await catalog.save(numbered(7, { parts: [partSample({ path: 'hashed.mp4', sha256: 'a'.repeat(64) })] }))
  assert.deepEqual(
    (await catalog.undigested('node-a', 10)).map(({ recordingId }) => recordingId),
    ['r0001', 'r0002', 'r0006'],
  )
  await catalog.remove('r0007')
  assert.deepEqual(
    (await catalog.oldest(10)).map(({ id }) => id),
    ['r0006', 'r0001'],
  )
  assert.deepEqual(
    (await catalog.oldest(1)).map(({ id }) => id),
    ['r0006'],
  )
  assert.deepEqual(await catalog.totals(), { recordings: 6, parts: 6, bytes: 6 * 4321 })
  assert.deepEqual(
    (await catalog.findByPart('/recordings', 'open.mp4')).map(({ id }) => id),
    ['r0003'],
  )
  assert.deepEqual(await catalog.findByPart('/elsewhere', 'open.mp4'), [])
  assert.ok((await catalog.knownPaths()).has('/recordings\0open.mp4'))
})

test('pulls are kept with their credentials, each for its node', async () => {
  await using folder = await TempFolder.make()
  const pull = {
    id: 'a',
    node: 'node-1',
    path: 'live/gate',
    url: 'rtmp://me:secret@host/live/gate?token=x',
    keepAlive: true,
    verifyTls: false,
    transport: 'tcp' as const,
    damaged: 'keep' as const,
    metadata: { floor: '2' },
    origin: 'api',
  } as const
  {
    await using catalog = await openCatalog(folder.path)
    await catalog.savePull({ ...pull, verifyTls: true })
    await catalog.savePull(pull)
    await catalog.savePull({ ...pull, id: 'b', node: 'node-2' })
  }
  await using catalog = await openCatalog(folder.path)
  assert.deepEqual(await catalog.pulls('node-1'), [pull])
  await catalog.removePull('a')
  assert.deepEqual(await catalog.pulls('node-1'), [])
  assert.equal((await catalog.pulls('node-2')).length, 1)
})

test('rules are kept, highest priority first', async () => {
  await using folder = await TempFolder.make()
  await using catalog = await openCatalog(folder.path)
  const rule = {
    id: 'a',
    match: '**',
    request: { format: 'mp4', rotate: { seconds: 60 } },
    enabled: true,
    priority: 0,
    record: 'always',
    additional: false,
    once: false,
    metadata: {},
    origin: 'api',
  } as const
  await catalog.saveRule(rule)
  await catalog.saveRule({ ...rule, id: 'b', priority: 5, enabled: false })
  const changed = {
    ...rule,
    match: 'live/*',
    record: 'demand',
    additional: true,
    once: true,
    metadata: { by: 'me' },
  } as const
  await catalog.saveRule(changed)
  assert.deepEqual(await catalog.rules(), [{ ...rule, id: 'b', priority: 5, enabled: false }, changed])
  await catalog.removeRule('b')
  assert.equal((await catalog.rules()).length, 1)
})

test('a second server on the same data folder is refused', async () => {
  await using folder = await TempFolder.make()
  await using _catalog = await openCatalog(folder.path)
  await assert.rejects(openCatalog(folder.path), hasCode('catalog/in-use'))
})

test('closing waits for what was asked, then everything is refused', async () => {
  await using folder = await TempFolder.make()
  const catalog = await openCatalog(folder.path)
  const saves = Array.from({ length: 50 }, (_, n) => catalog.save(numbered(n)))
  await catalog[Symbol.asyncDispose]()
  await Promise.all(saves)
  await catalog[Symbol.asyncDispose]()
  await assert.rejects(catalog.get('r0001'), hasCode('catalog/closed'))
  await using again = await openCatalog(folder.path)
  assert.equal((await again.totals()).recordings, 50)
})

for (const [name, damage] of [
  ['no database', Buffer.from('this was a catalog once, now it is a poem about one')],
  ['zeros', Buffer.alloc(8192)],
] as const) {
  test(`a damaged file is moved aside at start: ${name}`, async () => {
    await using folder = await TempFolder.make()
    await writeFile(folder.at('catalog.db'), damage)
    await using catalog = await openCatalog(folder.path)
    assert.equal(catalog.isEmpty, true)
    await catalog.save(recordingSample())
    assert.ok((await readdir(folder.path)).includes('catalog.damaged-20261120T064105Z.db'))
  })
}

test('a file damaged in the middle is moved aside', async () => {
  await using folder = await TempFolder.make()
  {
    await using catalog = await openCatalog(folder.path)
    await Promise.all(Array.from({ length: 300 }, (_, n) => catalog.save(numbered(n))))
  }
  const file = await import('node:fs/promises').then(({ open }) => open(folder.at('catalog.db'), 'r+'))
  await file.write(Buffer.alloc(40_000, 0xa5), 0, 40_000, 16_384)
  await file.close()
  await using catalog = await openCatalog(folder.path)
  assert.equal(catalog.isEmpty, true)
})

test('damage that shows while in use: an empty file takes its place, and its owner is told to fill it', async () => {
  await using folder = await TempFolder.make()
  let replaced = 0
  await using catalog = await openCatalog(folder.path, () => replaced++)
  // More than SQLite keeps in memory, so that it has to read the file again.
  const label = 'x'.repeat(20_000)
  await Promise.all(Array.from({ length: 400 }, (_, n) => catalog.save(numbered(n, { metadata: { label } }))))
  for (const name of ['catalog.db', 'catalog.db-wal'])
    await writeFile(folder.at(name), Buffer.alloc(9_000_000, 0xa5), { flag: 'r+' })
  assert.deepEqual((await catalog.list({ limit: 1000 })).recordings, [])
  assert.equal(replaced, 1)
  await catalog.save(numbered(1))
  assert.equal((await catalog.totals()).recordings, 1)
})

test('a catalog from the future is left alone', async () => {
  await using folder = await TempFolder.make()
  {
    await using _catalog = await openCatalog(folder.path)
  }
  const database = new DatabaseSync(folder.at('catalog.db'))
  database.exec('PRAGMA user_version = 999')
  database.close()
  await assert.rejects(openCatalog(folder.path), hasCode('catalog/too-new'))
  assert.deepEqual(await readdir(folder.path), ['catalog.db'])
})

for (const version of MIGRATIONS.keys()) {
  test(`schema version ${version} is brought to today's`, async () => {
    await using folder = await TempFolder.make()
    const database = new DatabaseSync(folder.at('catalog.db'))
    for (const step of MIGRATIONS.slice(0, version)) database.exec(step)
    database.exec(`PRAGMA user_version = ${version}`)
    database.close()
    await using catalog = await openCatalog(folder.path)
    await catalog.save(recordingSample())
    assert.deepEqual(await catalog.get(recordingSample().id), recordingSample())
  })
}

test('rules of a catalog that knew less of them go on as they were', async () => {
  await using folder = await TempFolder.make()
  const database = new DatabaseSync(folder.at('catalog.db'))
  database.exec(MIGRATIONS[0] ?? '')
  database.exec('PRAGMA user_version = 1')
  database.exec(`INSERT INTO rules VALUES ('a', 'live/*', '{"format":"ts"}', 1, 3, 'api')`)
  database.close()
  await using catalog = await openCatalog(folder.path)
  assert.deepEqual(await catalog.rules(), [
    {
      id: 'a',
      match: 'live/*',
      request: { format: 'ts' },
      enabled: true,
      priority: 3,
      record: 'always',
      additional: false,
      once: false,
      metadata: {},
      origin: 'api',
    },
  ])
})
