import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { TapedeckError } from '#base/error.ts'
import { newUlid } from '#base/id.ts'
import { type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import { Hub, type Publication } from '#hub/hub.ts'
import type { PullRequest, PullSource, PullStop } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import type { PullRow } from '#storage/catalog/catalog.ts'
import { memoryPulls } from '#test/support/memory-pulls.ts'
import type { PullDocument, PullSpec, PullState } from './pull-document.ts'
import { PullNotFoundError, PullReadOnlyError, PullSchemeError, TooManyPullsError } from './pull-errors.ts'
import { type PullEvent, Pulls } from './pulls.ts'

class OriginGoneError extends TapedeckError {
  readonly code = 'pull/source-ended'
  readonly origin = 'publisher'
}

/** One try of a pull, in the hands of the test. */
class Try {
  readonly request: PullRequest
  readonly #hub: Hub
  readonly #over = Promise.withResolvers<void>()
  #publication: Publication | undefined

  constructor(hub: Hub, request: PullRequest) {
    this.#hub = hub
    this.request = request
    request.signal.addEventListener('abort', () => {
      const { cause, message } = request.signal.reason as PullStop
      this.#publication?.end({ cause, message })
      this.#over.resolve()
    })
  }

  get over(): Promise<void> {
    return this.#over.promise
  }

  stream(): void {
    const publisher = {
      ...NO_CONNECTION_FACTS,
      protocol: 'test-pull',
      remoteAddress: '',
      connectionId: '',
      encoder: '',
    }
    this.#publication = this.#hub.publish(this.request.path, { ...publisher, disconnect() {} })
    this.request.onStreaming()
  }

  fail(): void {
    this.#publication?.end({ cause: 'lost', message: '' })
    this.#over.reject(new OriginGoneError('gone'))
  }
}

/** A protocol whose connections the test makes succeed and fail. */
class TestSource implements PullSource {
  readonly tries: Try[] = []
  readonly #hub: Hub
  readonly #tried = new EventTarget()

  constructor(hub: Hub) {
    this.#hub = hub
  }

  check(): void {}

  async pull(request: PullRequest): Promise<void> {
    const attempt = new Try(this.#hub, request)
    this.tries.push(attempt)
    this.#tried.dispatchEvent(new Event('try'))
    await attempt.over
  }

  async try(index: number): Promise<Try> {
    for (;;) {
      const found = this.tries[index]
      if (found !== undefined) return found
      await once(this.#tried, 'try', { signal: AbortSignal.timeout(5_000) })
    }
  }
}

async function fixture(options: { configured?: PullSpec[]; rows?: Map<string, PullRow>; firstMs?: number } = {}) {
  const runtime: Runtime = {
    nowMs: Date.now,
    monotonicMs: performance.now.bind(performance),
    newId: () => newUlid(Date.now()),
    log: SILENT_LOGGER,
  }
  const hub = new Hub(runtime, { maxPublishers: 10, gopMemoryBytes: 1024 })
  const source = new TestSource(hub)
  const rows = options.rows ?? new Map<string, PullRow>()
  const pulls = new Pulls({
    runtime,
    hub,
    node: 'node-test',
    sources: { test: source },
    store: memoryPulls(rows),
    configured: options.configured ?? [],
    maxPulls: 3,
    backOff: { firstMs: options.firstMs ?? 1, maxMs: 20 },
    random: () => 0,
  })
  const events: PullEvent[] = []
  const changed = new EventTarget()
  pulls.events.listen((event) => {
    events.push(event)
    changed.dispatchEvent(new Event('change'))
  })
  await pulls.start()
  const until = async (id: string, state: PullState): Promise<PullDocument> => {
    for (;;) {
      const found = events.findLast(({ pull }) => pull.id === id)
      if (found?.pull.state === state) return found.pull
      await once(changed, 'change', { signal: AbortSignal.timeout(5_000) })
    }
  }
  return { hub, source, rows, pulls, events, until, [Symbol.asyncDispose]: () => pulls[Symbol.asyncDispose]() }
}

test('a pull streams, is tried again when it is lost, and tells all of it', async () => {
  await using all = await fixture()
  const { id, state, attempts } = await all.pulls.add({ path: '/live/gate/', url: 'test://me:secret@host/a?key=x' })
  assert.deepEqual({ state, attempts }, { state: 'connecting', attempts: 1 })
  ;(await all.source.try(0)).stream()
  const streaming = await all.until(id, 'streaming')
  assert.equal(streaming.path, 'live/gate')
  assert.equal(streaming.url, 'test://***@host/a?key=***')
  assert.equal(streaming.lastError, null)
  assert.ok(!JSON.stringify(all.events).includes('secret'))
  ;(await all.source.try(0)).fail()
  const second = await all.source.try(1)
  assert.deepEqual(all.pulls.get(id).lastError, { code: 'pull/source-ended', message: 'gone' })
  second.stream()
  assert.equal(all.pulls.get(id).attempts, 2)
  assert.equal(all.pulls.get(id).lastError, null)
  assert.equal(all.hub.size, 1)
})

test('pauses double up to the limit, and begin anew once media has come', async () => {
  await using all = await fixture({ firstMs: 5 })
  await all.pulls.add({ path: 'live/gate', url: 'test://host' })
  const times: number[] = []
  for (let i = 0; i < 4; i++) {
    const attempt = await all.source.try(i)
    times.push(performance.now())
    if (i === 3) attempt.stream()
    attempt.fail()
  }
  await all.source.try(4)
  const pauses = times.slice(1).map((at, i) => at - (times[i] ?? 0))
  for (const [i, wanted] of [5, 10, 20].entries()) assert.ok((pauses[i] ?? 0) >= wanted - 1, `${pauses}`)
})

test('an origin that stays away is told of once', async () => {
  await using all = await fixture()
  const { id } = await all.pulls.add({ path: 'live/gate', url: 'test://host' })
  for (let i = 0; i < 5; i++) (await all.source.try(i)).fail()
  await all.source.try(5)
  assert.deepEqual(
    all.events.map(({ pull }) => pull.state),
    ['connecting', 'waiting'],
  )
  assert.equal(all.pulls.get(id).attempts, 6)
})

test('a path that somebody publishes is waited for', async () => {
  await using all = await fixture()
  const publisher = { ...NO_CONNECTION_FACTS, protocol: 'rtmp', remoteAddress: '', connectionId: '', encoder: '' }
  const local = all.hub.publish('live/gate', { ...publisher, disconnect() {} })
  const { id } = await all.pulls.add({ path: 'live/gate', url: 'test://host' })
  const waiting = await all.until(id, 'waiting')
  assert.equal(waiting.lastError?.code, 'stream/path-in-use')
  assert.equal(waiting.attempts, 0)
  assert.equal(all.source.tries.length, 0)
  local.end({ cause: 'unpublished', message: '' })
  ;(await all.source.try(0)).stream()
  assert.equal((await all.until(id, 'streaming')).lastError, null)
})

test('the second pull of a path is the reserve of the first', async () => {
  await using all = await fixture()
  const first = await all.pulls.add({ path: 'live/gate', url: 'test://one' })
  ;(await all.source.try(0)).stream()
  const second = await all.pulls.add({ path: 'live/gate', url: 'test://two' })
  await all.until(second.id, 'waiting')
  await all.pulls.remove(first.id)
  ;(await all.source.try(1)).stream()
  assert.equal((await all.until(second.id, 'streaming')).url, 'test://two')
})

test('one try without keepAlive: over when it is over, and not remembered', async () => {
  await using all = await fixture()
  const failed = await all.pulls.add({ path: 'live/a', url: 'test://host', keepAlive: false })
  const streamed = await all.pulls.add({ path: 'live/b', url: 'test://host', keepAlive: false })
  assert.equal(all.rows.size, 0)
  ;(await all.source.try(1)).stream()
  for (const attempt of all.source.tries) attempt.fail()
  assert.equal((await all.until(failed.id, 'failed')).lastError?.code, 'pull/source-ended')
  assert.equal((await all.until(streamed.id, 'ended')).lastError?.code, 'pull/source-ended')
  while (all.pulls.list().length > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(all.events.filter(({ type }) => type === 'pull.removed').length, 2)
  assert.equal(all.source.tries.length, 2)
})

test('removing ends the stream, and forgets', async () => {
  await using all = await fixture()
  const { id } = await all.pulls.add({ path: 'live/gate', url: 'test://host' })
  ;(await all.source.try(0)).stream()
  const stream = all.hub.get('live/gate')
  const removed = await all.pulls.remove(id)
  assert.equal(removed.state, 'ended')
  assert.equal(stream?.end?.cause, 'disconnected')
  assert.equal(all.rows.size, 0)
  assert.throws(() => all.pulls.get(id), PullNotFoundError)
  assert.equal(all.events.at(-1)?.type, 'pull.removed')
})

test('ids outlive a restart, those of the configuration too, wherever they stand in it', async () => {
  const rows = new Map<string, PullRow>()
  const [one, two] = [
    { path: 'live/one', url: 'test://host/1' },
    { path: 'live/two', url: 'test://me:secret@host/2' },
  ]
  let before: readonly PullDocument[]
  {
    await using all = await fixture({ rows, configured: [one, two] })
    await all.pulls.add({ path: 'live/three', url: 'test://host/3', metadata: { floor: '2' } })
    before = all.pulls.list()
  }
  await using all = await fixture({ rows, configured: [two, one] })
  const identity = (documents: readonly PullDocument[]) =>
    documents.map(({ id, path, url, origin, metadata }) => ({ id, path, url, origin, metadata }))
  assert.deepEqual(identity(all.pulls.list()), identity(before))
  assert.deepEqual(
    all.pulls.list().map(({ origin }) => origin),
    ['config', 'api', 'config'],
  )
})

test('what belongs to a room of this server is not pulled again after a restart', async () => {
  const rows = new Map<string, PullRow>()
  {
    await using all = await fixture({ rows })
    await all.pulls.add({ path: 'room/camera', url: 'test://host' }, { isRemembered: false })
    assert.equal(all.pulls.list().length, 1)
  }
  await using all = await fixture({ rows })
  assert.deepEqual(all.pulls.list(), [])
})

test('refused: unknown schemes, too many, those of the configuration removed, impossible paths', async () => {
  await using all = await fixture({ configured: [{ path: 'live/one', url: 'test://host/1' }] })
  await assert.rejects(all.pulls.add({ path: 'a', url: 'gopher://host/1' }), PullSchemeError)
  await assert.rejects(all.pulls.add({ path: 'a', url: 'no address' }), PullSchemeError)
  await assert.rejects(all.pulls.add({ path: '../a', url: 'test://host/1' }), { code: 'stream/path-invalid' })
  const [configured] = all.pulls.list()
  await assert.rejects(all.pulls.remove(configured?.id ?? ''), PullReadOnlyError)
  await assert.rejects(all.pulls.remove('none'), PullNotFoundError)
  await all.pulls.add({ path: 'a', url: 'test://host/1' })
  await all.pulls.add({ path: 'b', url: 'test://host/1' })
  await assert.rejects(all.pulls.add({ path: 'c', url: 'test://host/1' }), TooManyPullsError)
})

test('a shutdown ends streams as such, and keeps what is to be pulled', async () => {
  const rows = new Map<string, PullRow>()
  const all = await fixture({ rows })
  await all.pulls.add({ path: 'live/gate', url: 'test://host' })
  ;(await all.source.try(0)).stream()
  const stream = all.hub.get('live/gate')
  await all.pulls[Symbol.asyncDispose]()
  assert.equal(stream?.end?.cause, 'shutdown')
  assert.equal(rows.size, 1)
})
