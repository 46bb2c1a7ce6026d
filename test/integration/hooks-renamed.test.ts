import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecHookConfig } from '#config/config.ts'
import { EventFeed } from '#control/event-feed.ts'
import { Hooks } from '#hooks/hooks.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { testConfig } from '#test/support/test-config.ts'

/** Scripts that run late, when the file they were stored for is called otherwise, is another recording's, or is gone. */

let sources: TempFolder
let short: ElementarySource
let long: ElementarySource
before(async () => {
  sources = await TempFolder.make()
  short = await makeSource(sources, { video: 'h264', audio: 'aac', seconds: 1 })
  long = await makeSource(sources, { video: 'h264', audio: 'aac', seconds: 3 })
})
after(() => sources[Symbol.asyncDispose]())

/** Hooks over a recorder; scripts about the stream wait until release(). */
async function openHooks(fixture: RecorderFixture, events: ExecHookConfig['events']) {
  const { folder, runtime, root } = fixture
  await mkdir(root)
  const script = async (name: string, text: string): Promise<string> => {
    await writeFile(folder.at(name), `#!/bin/sh\n${text}\n`)
    await chmod(folder.at(name), 0o755)
    return folder.at(name)
  }
  const base = { match: '**', timeoutMs: 20_000, concurrency: 4 }
  const waits = await script('waits', `while [ ! -e ${folder.at('go')} ]; do sleep 0.02; done`)
  const moves = await script('moves', `mv -- "$2" ${folder.at('moved')}-$1; cat >> ${folder.at('told')}`)
  const exec: ExecHookConfig[] = [
    { ...base, name: 'waits', command: waits, args: [], events: ['stream.started'] },
    { ...base, name: 'moves', command: moves, args: ['{recording}', '{file}'], events },
  ]
  const config = testConfig(folder.path, { data: folder.at('data') })
  await using owned = new AsyncDisposableStack()
  const feed = owned.use(new EventFeed(runtime))
  const hooks = owned.use(
    await Hooks.open({
      config: { ...config, hooks: { ...config.hooks, exec }, recordings: { ...config.recordings, roots: [root] } },
      runtime,
      version: 'test',
      environment: process.env,
      random: Math.random,
      fetch: globalThis.fetch,
    }),
  )
  hooks.follow(feed)
  feed.follow(fixture.hub, fixture.recorder)
  hooks.begin(fixture.recorder)
  const all = owned.move()
  return {
    hooks,
    release: () => writeFile(folder.at('go'), ''),
    async ended(count: number) {
      for (;;) {
        const { deliveries } = await hooks.deliveries({ kind: 'exec' })
        const over = deliveries.filter(({ hook, state }) => hook === 'moves' && state !== 'pending')
        if (over.length >= count) return over
        await sleep(20)
      }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

async function record(
  fixture: RecorderFixture,
  { units }: ElementarySource,
  request: Partial<RecordingRequest>,
): Promise<RecordingDocument> {
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start({ name: 'tape', ...request })
  await publisher.sendSlowly(units)
  publisher.end('unpublished')
  return fixture.until(id, ({ state }) => state === 'ready')
}

test('a script takes the file of its recording, whoever has the name by then', { timeout: 60_000 }, async () => {
  await using fixture = await RecorderFixture.open()
  const { folder } = fixture
  await using scripts = await openHooks(fixture, ['part.ready'])
  const first = await record(fixture, short, { ifExists: 'rename' })
  const second = await record(fixture, long, { ifExists: 'rename' })
  assert.equal(first.parts[0]?.path, second.parts[0]?.path)
  await scripts.release()
  for (const { state, lastError } of await scripts.ended(2)) assert.deepEqual([state, lastError], ['delivered', null])
  for (const { id, parts } of [first, second]) {
    assert.equal((await stat(folder.at(`moved-${id}`))).size, parts[0]?.bytes)
  }
  const told = await readFile(folder.at('told'), 'utf8')
  assert.ok(told.includes('tape_0.mp4'), 'the document has the new name as well')
})

test('a script is told the name that a file got when it was final', { timeout: 60_000 }, async () => {
  await using fixture = await RecorderFixture.open()
  await using scripts = await openHooks(fixture, ['part.opened'])
  const { id, parts } = await record(fixture, short, { name: 'tape-{duration}' })
  await scripts.release()
  const [ended] = await scripts.ended(1)
  assert.deepEqual([ended?.state, ended?.lastError], ['delivered', null])
  assert.equal((await stat(fixture.folder.at(`moved-${id}`))).size, parts[0]?.bytes)
})

test('no script runs for a file that is gone, and the outcome says so', { timeout: 60_000 }, async () => {
  await using fixture = await RecorderFixture.open()
  const { folder, recorder } = fixture
  await using scripts = await openHooks(fixture, ['part.ready'])
  const first = await record(fixture, short, {})
  await recorder.remove(first.id)
  const second = await record(fixture, long, {})
  assert.equal(first.parts[0]?.path, second.parts[0]?.path)
  await scripts.release()
  const outcomes = new Map((await scripts.ended(2)).map((delivery) => [delivery.recording, delivery]))
  assert.equal(outcomes.get(first.id)?.state, 'dead')
  assert.match(outcomes.get(first.id)?.lastError ?? '', /part 1 of recording .* is gone/)
  assert.equal(outcomes.get(second.id)?.state, 'delivered')
  assert.equal((await stat(folder.at(`moved-${second.id}`))).size, second.parts[0]?.bytes)
})

test('a file that a script has keeps its name until the script gives it back', { timeout: 60_000 }, async () => {
  await using fixture = await RecorderFixture.open()
  const { recorder } = fixture
  const first = await record(fixture, short, { ifExists: 'rename' })
  {
    using lent = await recorder.lendPart(first.id, 1)
    using _twice = await recorder.lendPart(first.id, 1)
    const second = await record(fixture, short, { ifExists: 'rename' })
    assert.notEqual(second.parts[0]?.path, lent.part.path)
    assert.equal((await recorder.get(first.id)).parts[0]?.path, lent.part.path)
  }
  const third = await record(fixture, short, { ifExists: 'rename' })
  assert.equal(third.parts[0]?.path, first.parts[0]?.path)
  assert.equal((await recorder.get(first.id)).parts[0]?.path, 'tape_0.mp4')
  await assert.rejects(recorder.lendPart(first.id, 2), { code: 'recorder/part-not-found' })
})
