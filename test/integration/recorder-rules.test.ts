import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NEW_RULE } from '#recorder/new-rule.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3 })
})
after(() => folder[Symbol.asyncDispose]())

/** Every recording there is, once all are over, by path of their part. */
async function allReady(fixture: RecorderFixture): Promise<Record<string, RecordingDocument>> {
  for (const { id } of fixture.recorder.active()) await fixture.until(id, ({ state }) => state === 'ready')
  const { recordings } = await fixture.recorder.list({})
  for (const recording of recordings) await fixture.assertProved(recording)
  return Object.fromEntries(recordings.map((each) => [each.parts[0]?.path, each]))
}

test('several rules record one stream, each as if it were alone', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [
      testRule('**', { name: 'deciding/{stream}' }),
      testRule('live/*', { name: 'flv/{stream}', format: 'flv', rotate: { seconds: 1 } }, { additional: true }),
      testRule('live/cam1', { name: 'short/{stream}', maxSeconds: 1 }, { additional: true, priority: 9 }),
    ],
  })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(source.units)
  publisher.end('unpublished')
  const recordings = await allReady(fixture)
  assert.deepEqual(Object.keys(recordings).sort(), ['deciding/cam1.mp4', 'flv/cam1.flv', 'short/cam1.mp4'])
  const deciding = recordings['deciding/cam1.mp4']
  assert.equal(deciding?.rule, 'config-**')
  assert.equal(recordings['flv/cam1.flv']?.parts.length, 3)
  assert.ok((recordings['short/cam1.mp4']?.durationMs ?? 0) < 1_200)
  assert.deepEqual(recordings['flv/cam1.flv']?.ledger.tracks, deciding?.ledger.tracks)
})

test('a stream that a rule says is never recorded is refused to callers too', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [testRule('**', {}, { record: 'demand' }), testRule('private/**', {}, { record: 'never', priority: 1 })],
  })
  fixture.publish('private/a').send(source.units)
  fixture.publish('live/cam1').send(source.units)
  assert.deepEqual(fixture.recorder.active(), [])
  await assert.rejects(fixture.start({ stream: 'private/a' }), { code: 'recording/not-allowed' })
  await assert.rejects(fixture.start({ stream: 'private/b', waitForStream: true }), { code: 'recording/not-allowed' })
  const { id, rule } = await fixture.start()
  assert.equal(rule, null)
  await fixture.recorder.stop(id)
})

test('a rule acts at once on streams that are there, when it is added and when it is changed', async () => {
  await using fixture = await RecorderFixture.open()
  const { recorder } = fixture
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  fixture.publish('studio/a').send(source.units)
  const rule = await recorder.addRule({ ...NEW_RULE, match: 'live/*' })
  const stopped = await recorder.stop(recorder.active()[0]?.id ?? '')
  assert.equal(stopped.rule, rule.id)
  const isKey = source.units.findLast(({ isRandomAccess, format }) => isRandomAccess && format.kind === 'video')
  assert.ok(isKey !== undefined && stopped.parts.length === 1, 'it began at the remembered random access point')
  await recorder.updateRule(rule.id, { metadata: { by: 'me' } })
  assert.deepEqual(recorder.active(), [], 'what was stopped by hand stays stopped')
  await recorder.updateRule(rule.id, { match: '*/*' })
  assert.deepEqual(
    recorder.active().map(({ stream }) => stream),
    ['studio/a'],
  )
  await recorder.updateRule(rule.id, { enabled: false })
  await recorder.updateRule(rule.id, { enabled: true })
  assert.deepEqual(
    recorder.active().map(({ stream }) => stream),
    ['studio/a', 'live/cam1'],
    'the one that goes on is not joined by another',
  )
  assert.deepEqual(
    fixture.ruleEvents.map(({ type, rule: { match } }) => `${type} ${match}`),
    ['rule.added live/*', 'rule.changed live/*', 'rule.changed */*', 'rule.changed */*', 'rule.changed */*'],
  )
})

for (const ifExists of ['version', 'append'] as const) {
  test(`removing a rule with what it has started (ifExists ${ifExists})`, async () => {
    await using fixture = await RecorderFixture.open()
    const { recorder } = fixture
    fixture.publish('live/cam1').send(source.units)
    const asked = await fixture.start({ name: 'asked' })
    const rule = await recorder.addRule({ ...NEW_RULE, match: '**', request: { ifExists, name: 'ruled' } })
    await recorder.removeRule(rule.id, { stop: true })
    const { recordings } = await recorder.list({})
    assert.deepEqual(recordings.map(({ rule: by, state }) => `${by === rule.id ? 'ruled' : by} ${state}`).sort(), [
      'null recording',
      'ruled ready',
    ])
    assert.deepEqual(recorder.rules(), [])
    assert.deepEqual(await fixture.catalog.rules(), [])
    assert.equal(fixture.ruleEvents.at(-1)?.type, 'rule.removed')
    await recorder.stop(asked.id)
  })
}

test('a rule that records once is gone with the first recording it has started', async () => {
  await using fixture = await RecorderFixture.open({ settings: { reconnectSeconds: 30 } })
  const { recorder } = fixture
  const rule = await recorder.addRule({ ...NEW_RULE, match: 'live/*', once: true })
  assert.deepEqual(await fixture.catalog.rules(), [rule])
  const first = fixture.publish('live/cam1')
  first.send(source.units)
  // A publisher that is lost and comes back goes on in the same recording.
  first.end('lost')
  const again = fixture.publish('live/cam1')
  again.send(source.units)
  assert.deepEqual(recorder.rules(), [rule])
  again.end('unpublished')
  // It is being finished: the stream that returns is not recorded any more.
  fixture.publish('live/cam1').send(source.units)
  const { id } = await fixture.ready()
  assert.deepEqual(
    (await recorder.list({})).recordings.map((each) => each.id),
    [id],
  )
  assert.deepEqual(recorder.rules(), [])
  assert.deepEqual(await fixture.catalog.rules(), [])
  await assert.rejects(recorder.updateRule(rule.id, { priority: 1 }), { code: 'recorder/rule-not-found' })
})

test('a rule that can’t be kept is refused, and nothing of it stays', async () => {
  await using fixture = await RecorderFixture.open()
  const { recorder } = fixture
  for (const [fields, code] of [
    [{ match: 'a**' }, 'stream/pattern-invalid'],
    [{ match: '**', request: { rotate: { seconds: -1 } } }, 'recorder/request-invalid'],
    [{ match: '**', record: 'never', additional: true }, 'recorder/rule-invalid'],
  ] as const) {
    await assert.rejects(recorder.addRule({ ...NEW_RULE, ...fields }), { code })
  }
  assert.deepEqual(recorder.rules(), [])
  assert.deepEqual(await fixture.catalog.rules(), [])
  assert.deepEqual(fixture.ruleEvents, [])
})
