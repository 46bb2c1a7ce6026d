import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newUlid } from '#base/id.ts'
import { type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import type { Config, WebhookConfig } from '#config/config.ts'
import { EventFeed } from '#control/event-feed.ts'
import { EVENT_TYPES } from '#control/event-types.ts'
import { Hub } from '#hub/hub.ts'
import type { RecorderEvent } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { MemoryRecorder } from '#test/support/memory-recorder.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { testConfig } from '#test/support/test-config.ts'
import { backOffMs } from './back-off.ts'
import { hooksOf } from './hook.ts'
import { Hooks } from './hooks.ts'

const DAY_MS = 86_400_000
const DESK: WebhookConfig = {
  name: 'desk',
  match: '**',
  url: 'http://desk.example/hook',
  events: EVENT_TYPES,
  timeoutMs: 1_000,
  concurrency: 2,
}

/** Hooks over a recorder without media, a receiver without sockets and a clock that can be set. */
class Fixture implements AsyncDisposable {
  readonly hooks: Hooks
  readonly recorder: MemoryRecorder
  readonly clock: { nowMs: number }
  /** Types of what was taken, with the recording's id. */
  readonly taken: string[]
  readonly #owned: AsyncDisposableStack

  private constructor(owned: AsyncDisposableStack, parts: Pick<Fixture, 'hooks' | 'recorder' | 'clock' | 'taken'>) {
    this.#owned = owned
    this.hooks = parts.hooks
    this.recorder = parts.recorder
    this.clock = parts.clock
    this.taken = parts.taken
  }

  static async open(
    folder: TempFolder,
    options: { hooks?: Partial<Config['hooks']>; answer?: (type: string) => Response; clock?: { nowMs: number } } = {},
  ): Promise<Fixture> {
    const clock = options.clock ?? { nowMs: Date.UTC(2026, 10, 20) }
    const taken: string[] = []
    const runtime: Runtime = {
      nowMs: () => clock.nowMs,
      monotonicMs: () => performance.now(),
      newId: () => newUlid(clock.nowMs),
      log: SILENT_LOGGER,
    }
    const config = testConfig(folder.path, { data: folder.path })
    await using owned = new AsyncDisposableStack()
    const events = owned.use(new EventFeed(runtime))
    const hooks = owned.use(
      await Hooks.open({
        config: { ...config, hooks: { ...config.hooks, webhooks: [DESK], ...options.hooks } },
        runtime,
        version: 'test',
        environment: process.env,
        random: () => 0,
        async fetch(_url, { body }) {
          const { type, data } = JSON.parse(String(body))
          const response = options.answer?.(type) ?? new Response()
          if (response.ok) taken.push(data.part === undefined ? type : `${type} ${data.part.index}`)
          return response
        },
      }),
    )
    const recorder = new MemoryRecorder(folder.path)
    events.follow(new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1 }), recorder)
    hooks.follow(events)
    hooks.begin(recorder)
    return new Fixture(owned.move(), { hooks, recorder, clock, taken })
  }

  emit(type: 'recording.waiting' | 'recording.started' | 'recording.ready', recording: RecordingDocument): void {
    this.recorder.events.emit({ type, recording })
  }

  emitPart(type: 'part.opened' | 'part.ready', recording: RecordingDocument): void {
    const [part = partSample()] = recording.parts
    this.recorder.events.emit({ type, recording, part } as RecorderEvent)
  }

  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const endsMs = performance.now() + 10_000
    while (!(await isSo())) {
      if (performance.now() > endsMs) throw new Error(`waited for ${what}; taken: ${this.taken}`)
      await sleep(5)
    }
  }

  async counts(): Promise<Record<string, number>> {
    const [desk] = await this.hooks.describe()
    return { ...desk?.deliveries }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync()
  }
}

/** A catalog of these recordings. */
const catalogOf = (recordings: readonly RecordingDocument[]) => ({
  get: async (id: string) => recordings.find((recording) => recording.id === id),
  list: async ({ from = '' }: { from?: string }) => {
    return { recordings: recordings.filter(({ requestedAt }) => requestedAt >= from), nextCursor: undefined }
  },
  unfinished: async () => recordings.filter(({ state }) => state !== 'ready' && state !== 'failed'),
})
const reconcile = ({ hooks }: Fixture, recordings: readonly RecordingDocument[]) =>
  hooks.reconcile({ catalog: catalogOf(recordings), node: 'node-a', isActive: () => false })

test('pauses double from a second to ten minutes, and differ', () => {
  const pauses = [1, 2, 3, 10, 11, 1_000].map((attempts) => backOffMs(attempts, 0))
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 512_000, 600_000, 600_000])
  assert.equal(backOffMs(1, 0.999), 750)
})

test('names stay the same whatever the order, and no two hooks share one', () => {
  const { name: _, ...bare } = DESK
  const base = testConfig('/x').hooks
  const names = (webhooks: readonly WebhookConfig[]) => hooksOf({ ...base, webhooks }).map(({ name }) => name)
  const other = { ...bare, url: 'http://other.example/' }
  const [first, second, twin] = names([bare, other, bare])
  assert.match(first ?? '', /^webhook-[0-9a-f]{10}$/)
  assert.equal(twin, `${first}-2`)
  assert.deepEqual(names([other, DESK]), [second, 'desk'])
})

test('an event goes to the hooks that want it: by type, and by stream', async () => {
  await using folder = await TempFolder.make()
  const webhooks = [{ ...DESK, match: 'live/*', events: ['recording.ready'] as const }]
  await using fixture = await Fixture.open(folder, { hooks: { webhooks } })
  fixture.emit('recording.started', recordingSample())
  fixture.emit('recording.ready', recordingSample({ stream: 'other/cam' }))
  fixture.emit('recording.ready', recordingSample())
  await fixture.until('the one', () => fixture.taken.length > 0)
  await sleep(20)
  assert.deepEqual(fixture.taken, ['recording.ready'])
})

test('a receiver that refuses for too long is given up, and the rest of the recording goes on', async () => {
  await using folder = await TempFolder.make()
  const answer = (type: string) => new Response(null, { status: type === 'recording.started' ? 400 : 200 })
  await using fixture = await Fixture.open(folder, { answer })
  const { clock, hooks } = fixture
  fixture.emit('recording.started', recordingSample())
  fixture.emit('recording.ready', recordingSample())
  await fixture.until('an attempt', async () => (await hooks.describe())[0]?.lastAttempt?.status === 400)
  assert.deepEqual(fixture.taken, [])
  const { deliveries } = await hooks.deliveries({ kind: 'webhook', state: 'pending' })
  const refused = deliveries.find(({ eventType }) => eventType === 'recording.started')
  clock.nowMs += 3 * DAY_MS
  // Asked for, it is tried at once: the clock of the test does not wake anybody.
  await hooks.replay(refused?.id ?? '')
  await fixture.until('the next', () => fixture.taken.includes('recording.ready'))
  assert.deepEqual(await fixture.counts(), { pending: 0, delivered: 1, dead: 1 })
  await assert.rejects(hooks.replay('none'), { code: 'hooks/delivery-not-found' })
})

test('after a kill between catalog and outbox, what is missing is told before anything new', async () => {
  await using folder = await TempFolder.make()
  const clock = { nowMs: Date.UTC(2026, 10, 20, 7) }
  const requestedAt = new Date(clock.nowMs).toISOString()
  const parts = [partSample()]
  const known = recordingSample({ id: 'known', requestedAt, parts })
  const unknown = recordingSample({ id: 'unknown', requestedAt, parts })
  const old = recordingSample({ id: 'old', requestedAt: '2026-01-01T00:00:00.000Z' })
  const elsewhere = recordingSample({ id: 'elsewhere', requestedAt, node: 'node-b' })
  const catalog = [known, unknown, old, elsewhere]
  {
    await using fixture = await Fixture.open(folder, { clock })
    await reconcile(fixture, catalog)
    assert.deepEqual(fixture.taken, [], 'the first start has no past')
    clock.nowMs += 1_000
    fixture.emit('recording.waiting', known)
    fixture.emitPart('part.opened', known)
    fixture.emit('recording.started', known)
    await fixture.until('three', () => fixture.taken.length === 3)
  }
  clock.nowMs += 1_000
  const late: WebhookConfig = { ...DESK, name: 'late', url: 'http://late.example/', match: 'none/*' }
  await using fixture = await Fixture.open(folder, { clock, hooks: { webhooks: [DESK, late] } })
  await reconcile(fixture, catalog)
  await fixture.until('all', () => fixture.taken.length >= 7)
  const missed = ['recording.waiting', 'part.opened 1', 'recording.started', 'part.ready 1', 'recording.ready']
  assert.deepEqual(fixture.taken.toSorted(), [...missed, 'part.ready 1', 'recording.ready'].toSorted())
  await reconcile(fixture, catalog)
  await sleep(50)
  assert.equal(fixture.taken.length, 7, 'once')
})

test('a deletion that a kill has cut off is told when the recording is gone, and only then', async () => {
  await using folder = await TempFolder.make()
  const clock = { nowMs: Date.UTC(2026, 10, 20, 7) }
  const gone = recordingSample({ id: 'gone', requestedAt: '2026-01-01T00:00:00.000Z' })
  const kept = recordingSample({ id: 'kept', requestedAt: '2026-01-01T00:00:00.000Z' })
  {
    await using fixture = await Fixture.open(folder, { clock })
    fixture.emit('recording.ready', kept)
    await fixture.until('one', () => fixture.taken.length === 1)
    for (const recording of [gone, kept]) await fixture.hooks.removing(recording)
  }
  clock.nowMs += 1_000
  for (const expected of [['recording.deleted'], []]) {
    await using fixture = await Fixture.open(folder, { clock })
    await reconcile(fixture, [kept])
    await sleep(50)
    assert.deepEqual(fixture.taken, expected)
  }
})

test('a hook that is new is not told of the past', async () => {
  await using folder = await TempFolder.make()
  const clock = { nowMs: Date.UTC(2026, 10, 20, 7) }
  const missed = recordingSample({ requestedAt: new Date(clock.nowMs + 500).toISOString() })
  {
    await using fixture = await Fixture.open(folder, { clock })
    fixture.emit('recording.ready', recordingSample({ id: 'other' }))
    await fixture.until('one', () => fixture.taken.length === 1)
  }
  clock.nowMs += 1_000
  await using fixture = await Fixture.open(folder, { clock, hooks: { webhooks: [{ ...DESK, name: 'new' }] } })
  await reconcile(fixture, [missed])
  await sleep(50)
  assert.deepEqual(fixture.taken, [])
})

test('without hooks there is no file, and nothing to tell of', async () => {
  await using folder = await TempFolder.make()
  await using fixture = await Fixture.open(folder, { hooks: { webhooks: [] } })
  fixture.emit('recording.ready', recordingSample())
  await reconcile(fixture, [recordingSample()])
  await fixture.hooks.removing(recordingSample())
  assert.deepEqual(await fixture.hooks.describe(), [])
  assert.deepEqual(await fixture.hooks.deliveries({ kind: 'webhook' }), { deliveries: [], nextCursor: undefined })
  await assert.rejects(readFile(folder.at('outbox.sqlite')), { code: 'ENOENT' })
})

test('closing waits for what can be told, not for what can not', async () => {
  await using folder = await TempFolder.make()
  const fixture = await Fixture.open(folder)
  for (let i = 0; i < 20; i++) fixture.emit('recording.ready', recordingSample({ id: `r${i}` }))
  await fixture[Symbol.asyncDispose]()
  assert.equal(fixture.taken.length, 20)
  const down = await Fixture.open(folder, { answer: () => Response.error() })
  down.emit('recording.ready', recordingSample())
  await down[Symbol.asyncDispose]()
  await using again = await Fixture.open(folder, { clock: { nowMs: Date.UTC(2026, 10, 21) } })
  await again.until('it', () => again.taken.length === 1)
})
