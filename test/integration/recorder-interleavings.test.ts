import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { attachmentLog, RecorderFixture, type TestPublisher, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Publishers that come and go while the catalog is still being asked about the file of the recording before. */

let folder: TempFolder
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', seconds: 1, size: '64x36' })
})
after(() => folder[Symbol.asyncDispose]())

/** Holds the catalog's answers about files back, each until it is let go. */
function slowCatalog({ catalog }: RecorderFixture) {
  const held: (() => void)[] = []
  let isSlow = true
  const findByPart = catalog.findByPart.bind(catalog)
  catalog.findByPart = async (root, path) => {
    if (isSlow) await new Promise<void>((resolve) => held.push(resolve))
    return findByPart(root, path)
  }
  return {
    held,
    answerOne: () => held.shift()?.(),
    answerAll() {
      isSlow = false
      for (const answer of held.splice(0)) answer()
    },
  }
}

async function until(what: () => boolean): Promise<void> {
  const endsMs = performance.now() + 10_000
  while (!what()) {
    assert.ok(performance.now() < endsMs, `waited too long for ${what}`)
    await sleep(2)
  }
}

async function recordingsOf(fixture: RecorderFixture, stream: string): Promise<readonly RecordingDocument[]> {
  await until(() => fixture.recorder.active(stream).length === 0)
  return (await fixture.catalog.list({ stream, limit: 100 })).recordings
}

const received = (recordings: readonly RecordingDocument[]) =>
  recordings.reduce((sum, { ledger }) => sum + ledger.tracks.reduce((units, track) => units + track.received, 0), 0)

for (const ifExists of ['append', 'rename', 'overwrite'] as const) {
  test(`a publisher that is lost and back before its recording has begun is recorded by it: ${ifExists}`, async () => {
    const { log, attachments } = attachmentLog()
    const taken: string[] = []
    attachments.listen(({ publication }) => taken.push(publication))
    const rules = [testRule('live/*', { name: '{stream}', ifExists, reconnectSeconds: 60 })]
    await using fixture = await RecorderFixture.open({ rules, log, settings: { trackWaitMs: 20 } })
    // Renaming waits for what ends in its place, appending and overwriting for the catalog besides.
    const earlier = fixture.publish('live/cam1')
    earlier.send(source.units)
    await until(() => taken.length === 1)
    earlier.end('unpublished')
    const before = received(await recordingsOf(fixture, 'live/cam1'))
    const catalog = slowCatalog(fixture)
    const first = fixture.publish('live/cam1')
    first.send(source.units)
    if (ifExists !== 'rename') await until(() => catalog.held.length > 0)
    first.end('lost')
    const second = fixture.publish('live/cam1')
    second.send(source.units)
    catalog.answerAll()
    await until(() => taken.length >= 3)
    second.send(source.units, 1_000)
    second.end('unpublished')
    const recordings = await recordingsOf(fixture, 'live/cam1')
    for (const recording of recordings) await fixture.assertProved(recording)
    assert.equal(new Set(taken).size, taken.length, 'no publication is recorded twice')
    assert.equal(taken.length, 3)
    const kept = ifExists === 'overwrite' ? 0 : before
    assert.equal(received(recordings) - kept, 3 * source.units.length, 'nothing is missing')
    assert.equal(recordings.length, ifExists === 'rename' ? 2 : 1)
  })
}

test('a rule that is in force again records who has come meanwhile, though the former recording has not begun', async () => {
  const { log, attachments } = attachmentLog()
  const taken: string[] = []
  attachments.listen(({ publication }) => taken.push(publication))
  await using fixture = await RecorderFixture.open({ log, settings: { trackWaitMs: 20 } })
  const { id } = await fixture.recorder.addRule({
    ...testRule('live/*', { name: '{stream}', ifExists: 'append' }),
  })
  const catalog = slowCatalog(fixture)
  const first = fixture.publish('live/cam1')
  first.send(source.units)
  await until(() => catalog.held.length > 0)
  await fixture.recorder.updateRule(id, { enabled: false })
  first.end('unpublished')
  const second = fixture.publish('live/cam1')
  await fixture.recorder.updateRule(id, { enabled: true })
  second.send(source.units)
  catalog.answerAll()
  await until(() => taken.length === 2)
  second.end('unpublished')
  assert.equal(received(await recordingsOf(fixture, 'live/cam1')), 2 * source.units.length)
})

test('whoever asked to wait for a stream gets the one that comes while the catalog is asked', async () => {
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 20 } })
  const catalog = slowCatalog(fixture)
  const silent = fixture.publish('live/cam1')
  const started = fixture.start({ name: '{stream}', ifExists: 'append', waitForStream: true })
  await until(() => catalog.held.length > 0)
  silent.end('unpublished')
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  catalog.answerAll()
  const { id } = await started
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'ready')
  assert.equal(received([recording]), source.units.length)
})

test('a recording that is stopped before it has its stream keeps nothing of it', async () => {
  const rules = [testRule('live/*', { name: '{stream}', ifExists: 'append', reconnectSeconds: 60 })]
  await using fixture = await RecorderFixture.open({ rules, settings: { trackWaitMs: 20 } })
  const stopped = new Promise<void>((resolve) => {
    fixture.recorder.events.listen((event) => {
      if (event.type === 'recording.waiting') void fixture.recorder.stop(event.recording.id).then(() => resolve())
    })
  })
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  await stopped
  publisher.send(source.units, 1_000)
  publisher.end('unpublished')
  await until(() => fixture.recorder.active().length === 0)
  // Disposing the fixture looks whether all memory is back.
})

test('a file is noted until the catalog has it: a kill in between leaves none that nobody knows', async () => {
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 20 } })
  const notes = fixture.folder.at('data', 'births')
  const noted = () => readdir(notes).catch(() => [])
  const stored = Promise.withResolvers<void>()
  const save = fixture.catalog.save.bind(fixture.catalog)
  fixture.catalog.save = async (recording) => {
    await stored.promise
    await save(recording)
  }
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  void fixture.start()
  await fixture.event('part.opened')
  const [note = ''] = await noted()
  assert.deepEqual(JSON.parse(await readFile(join(notes, note), 'utf8')), { root: fixture.root, path: 'cam1.mp4' })
  stored.resolve()
  await fixture.event('recording.started')
  const endsMs = performance.now() + 10_000
  while ((await noted()).length > 0) assert.ok(performance.now() < endsMs)
})

type Step = 'send' | 'lose' | 'unpublish' | 'answer' | 'turn'

test('whatever comes between, every publication is in one recording, whole', async () => {
  const { log, attachments } = attachmentLog()
  const takenBy = new Map<string, Set<string>>()
  attachments.listen(({ recording, publication }) => {
    takenBy.set(publication, (takenBy.get(publication) ?? new Set()).add(recording))
  })
  const rules = (['append', 'rename'] as const).map((ifExists) =>
    testRule(`${ifExists}/*`, { name: '{app}/{stream}', ifExists, reconnectSeconds: 600 }),
  )
  await using fixture = await RecorderFixture.open({ rules, log, settings: { trackWaitMs: 20 } })
  let runs = 0
  const steps = fc.array(fc.constantFrom<Step>('send', 'send', 'lose', 'unpublish', 'answer', 'turn'), {
    minLength: 4,
    maxLength: 30,
  })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('append', 'rename'), steps, async (ifExists, order) => {
      const path = `${ifExists}/cam${++runs}`
      const catalog = slowCatalog(fixture)
      takenBy.clear()
      let publisher: TestPublisher | undefined
      let sent = 0
      let publications = 0
      const end = (cause: 'lost' | 'unpublished') => {
        publisher?.end(cause)
        publisher = undefined
      }
      for (const step of order) {
        if (step === 'send') {
          if (publisher === undefined) {
            publisher = fixture.publish(path)
            publisher.send(source.units.slice(0, 1))
            publications++
            sent++
          } else {
            publisher.send(source.units.slice(1, 6), sent * 1_000)
            sent += 5
          }
        } else if (step === 'lose') end('lost')
        else if (step === 'unpublish') end('unpublished')
        else if (step === 'answer') catalog.answerOne()
        else await nextTurn()
      }
      catalog.answerAll()
      await until(() => takenBy.size === publications)
      end('unpublished')
      for (const { id } of fixture.recorder.active(path)) await fixture.recorder.stop(id)
      const recordings = await recordingsOf(fixture, path)
      for (const recording of recordings) await fixture.assertProved(recording)
      for (const takers of takenBy.values()) assert.equal(takers.size, 1, 'recorded once')
      assert.equal(received(recordings), sent, 'nothing is missing')
    }),
    { numRuns: 30 },
  )
})
