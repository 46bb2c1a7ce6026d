import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import type { StoredEvent } from './stored.ts'

const NOW_MS = Date.UTC(2026, 10, 20)
const DAY_MS = 86_400_000
const LIMITS = { maxPending: 1_000, maxBytes: 1024 ** 3 }
const runtime = { nowMs: () => NOW_MS, log: SILENT_LOGGER }

const openIn = (folder: TempFolder, limits = LIMITS) =>
  openOutbox({ path: folder.at('outbox.sqlite'), limits, isPowerSafe: false, runtime })

/** An event of recording `r1` and its like for the hook `desk`, called after both. */
function event(id: string, overrides: Partial<StoredEvent> = {}): StoredEvent {
  const recording = id.split('-')[0] ?? ''
  const deliveries = [{ id: `d-${id}`, hook: 'desk', kind: 'webhook', line: `recording:${recording}` }] as const
  const base = { id, type: 'recording.gap', stream: 'live/cam1', recording, part: null, document: `{"id":"${id}"}` }
  return { ...base, deliveries, ...overrides }
}

const due = async (outbox: Outbox, nowMs = NOW_MS) => {
  const page = await outbox.call('due', 'desk', nowMs, 100)
  return page.due.map(({ id }) => id)
}
const settle = (outbox: Outbox, id: string, state: 'pending' | 'delivered' | 'dead', nextMs = NOW_MS) =>
  outbox.call('settle', { id, state, attempts: 1, nextMs, nowMs: NOW_MS, status: 200, error: null, durationMs: 3 })

test('only the first of each line is due; the next follows when it is over, whichever way', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  const events = ['r1-a', 'r1-b', 'r2-a', 'r1-c'].map((id) => event(id))
  assert.deepEqual(await outbox.call('store', events, NOW_MS, NOW_MS), {})
  assert.deepEqual(await due(outbox), ['d-r1-a', 'd-r2-a'])
  await settle(outbox, 'd-r1-a', 'pending', NOW_MS + 1_000)
  assert.deepEqual(await due(outbox), ['d-r2-a'])
  assert.equal((await outbox.call('due', 'desk', NOW_MS, 100)).nextMs, NOW_MS + 1_000)
  await settle(outbox, 'd-r2-a', 'delivered')
  assert.deepEqual(await due(outbox, NOW_MS + 1_000), ['d-r1-a'])
  await settle(outbox, 'd-r1-a', 'dead')
  assert.deepEqual(await due(outbox), ['d-r1-b'])
  await settle(outbox, 'd-r1-b', 'delivered')
  assert.deepEqual(await due(outbox), ['d-r1-c'])
})

test('hastened, what waits for its next attempt need not', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  await outbox.call('store', [event('r1-a')], NOW_MS, NOW_MS)
  await settle(outbox, 'd-r1-a', 'pending', NOW_MS + 600_000)
  assert.deepEqual(await due(outbox), [])
  await outbox.call('hasten', 'desk', NOW_MS)
  assert.deepEqual(await due(outbox), ['d-r1-a'])
})

test('replayed, a delivery is the first of its line again', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  await outbox.call('store', [event('r1-a'), event('r1-b')], NOW_MS, NOW_MS)
  await settle(outbox, 'd-r1-a', 'dead')
  const replayed = await outbox.call('replay', 'd-r1-a', NOW_MS)
  assert.deepEqual([replayed?.state, replayed?.attempts, replayed?.endedMs], ['pending', 0, null])
  assert.deepEqual(await due(outbox), ['d-r1-a'])
  // The one that was under way meanwhile ends: no two become the first.
  await settle(outbox, 'd-r1-b', 'pending')
  assert.deepEqual(await due(outbox), ['d-r1-a'])
  await settle(outbox, 'd-r1-a', 'delivered')
  assert.deepEqual(await due(outbox), ['d-r1-b'])
  assert.equal(await outbox.call('replay', 'none', NOW_MS), undefined)
})

test('everything is there after reopening; what waits for a hook that is gone is given up', async () => {
  await using folder = await TempFolder.make()
  {
    await using outbox = await openIn(folder)
    const past = await outbox.call('begin', ['desk', 'old'], NOW_MS)
    assert.deepEqual(past, { hooks: [], storedUntilMs: undefined, removals: [] })
    const old = [{ id: 'd-old', hook: 'old', kind: 'webhook', line: 'x' }] as const
    await outbox.call('store', [event('r1-a'), event('r1-b', { deliveries: old })], NOW_MS + 5, NOW_MS)
    await outbox.call('noteRemoval', { recording: 'r9', stream: 's', document: '{}' })
  }
  await using outbox = await openIn(folder)
  const past = await outbox.call('begin', ['desk'], NOW_MS)
  assert.deepEqual([past.hooks, past.storedUntilMs], [['desk', 'old'], NOW_MS + 5])
  assert.deepEqual(
    past.removals.map(({ recording }) => recording),
    ['r9'],
  )
  assert.deepEqual(await due(outbox), ['d-r1-a'])
  const gone = await outbox.call('get', 'd-old')
  assert.deepEqual([gone?.state, gone?.lastError], ['dead', 'the hook is not configured any more'])
})

test('beyond its bounds nothing is taken, and that is told', async () => {
  await using folder = await TempFolder.make()
  {
    await using outbox = await openIn(folder, { ...LIMITS, maxPending: 2 })
    const three = ['r1-a', 'r1-b', 'r1-c'].map((id) => event(id))
    assert.deepEqual(await outbox.call('store', three, NOW_MS, NOW_MS), { desk: 1 })
    await settle(outbox, 'd-r1-a', 'delivered')
    assert.deepEqual(await outbox.call('store', [event('r1-d')], NOW_MS, NOW_MS), {})
  }
  await using outbox = await openIn(folder, { ...LIMITS, maxBytes: 300_000 })
  const large = { document: 'x'.repeat(150_000) }
  assert.deepEqual(await outbox.call('store', [event('r2-a', large)], NOW_MS, NOW_MS), {})
  await outbox.call('store', [event('r2-b', large)], NOW_MS, NOW_MS)
  assert.deepEqual(await outbox.call('store', [event('r2-c', large)], NOW_MS, NOW_MS), { desk: 1 })
  // What is delivered makes room before anything is refused.
  await settle(outbox, 'd-r2-a', 'delivered')
  assert.deepEqual(await outbox.call('store', [event('r2-d', large)], NOW_MS, NOW_MS), {})
})

test('old deliveries go, those that wait never', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  await outbox.call(
    'store',
    ['r1-a', 'r2-a', 'r3-a'].map((id) => event(id)),
    NOW_MS,
    NOW_MS,
  )
  await settle(outbox, 'd-r1-a', 'delivered')
  await settle(outbox, 'd-r2-a', 'dead')
  const left = async (nowMs: number) => {
    await outbox.call('prune', nowMs)
    const { deliveries } = await outbox.call('list', { kind: 'webhook' })
    return deliveries.map(({ id }) => id)
  }
  assert.deepEqual(await left(NOW_MS + 6 * DAY_MS), ['d-r3-a', 'd-r2-a', 'd-r1-a'])
  assert.deepEqual(await left(NOW_MS + 8 * DAY_MS), ['d-r3-a', 'd-r2-a'])
  assert.deepEqual(await left(NOW_MS + 31 * DAY_MS), ['d-r3-a'])
})

test('lists are cut into pages, newest first, by state and recording', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  const ids = Array.from({ length: 25 }, (_, n) => `r${n % 2}-${n}`)
  await outbox.call(
    'store',
    ids.map((id) => event(id)),
    NOW_MS,
    NOW_MS,
  )
  await settle(outbox, 'd-r0-0', 'delivered')
  const seen: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await outbox.call('list', { kind: 'webhook', limit: 7, ...(cursor !== undefined && { cursor }) })
    seen.push(...page.deliveries.map(({ eventId }) => eventId))
    cursor = page.nextCursor
    if (cursor === undefined) break
  }
  assert.deepEqual(seen, ids.toReversed())
  const count = async (query: object) => (await outbox.call('list', { kind: 'webhook', ...query })).deliveries.length
  assert.deepEqual([await count({ state: 'delivered' }), await count({ recording: 'r0' })], [1, 13])
  assert.equal((await outbox.call('list', { kind: 'exec' })).deliveries.length, 0)
})

test('what was told of a recording is remembered until it is deleted', async () => {
  await using folder = await TempFolder.make()
  await using outbox = await openIn(folder)
  const tell = (type: string, part: number | null = null) =>
    outbox.call('store', [event('r1-x', { type, part, deliveries: [] })], NOW_MS, NOW_MS)
  await tell('recording.waiting')
  await tell('part.opened', 1)
  await tell('part.ready', 1)
  await tell('part.renamed', 1)
  await tell('part.opened', 2)
  await tell('recording.started')
  const [told] = await outbox.call('told', undefined)
  assert.deepEqual(told, { recording: 'r1', state: 'started', openedParts: [1, 2], readyParts: [1] })
  await tell('recording.ready')
  assert.deepEqual(await outbox.call('told', undefined), [])
  assert.equal((await outbox.call('told', ['r1']))[0]?.state, 'ready')
  await tell('recording.deleted')
  assert.deepEqual(await outbox.call('told', ['r1']), [])
})

test('a damaged file is moved aside, one from the future refused', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('outbox.sqlite'), 'this is no database at all, '.repeat(1_000))
  {
    await using outbox = await openIn(folder)
    await outbox.call('store', [event('r1-a')], NOW_MS, NOW_MS)
    assert.deepEqual(await due(outbox), ['d-r1-a'])
  }
  assert.ok((await readdir(folder.path)).includes('outbox.damaged-20261120T000000Z.sqlite'))
  const database = new DatabaseSync(folder.at('outbox.sqlite'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  await assert.rejects(openIn(folder), { code: 'hooks/outbox-too-new', version: 99 })
})

test('a second server on the same file is refused, and calls after the end are too', async () => {
  await using folder = await TempFolder.make()
  const outbox = await openIn(folder)
  await assert.rejects(openIn(folder), { code: 'hooks/outbox-failed' })
  await outbox[Symbol.asyncDispose]()
  await assert.rejects(outbox.call('counts'), { code: 'hooks/outbox-closed' })
})
