import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NEW_RULE } from '#recorder/new-rule.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { assertPlaysAlone, judgedFile } from '#test/support/packet-judge.ts'
import { RecorderFixture, type TestPublisher, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
/** GOPs of a second. */
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 8 })
})
after(() => folder[Symbol.asyncDispose]())

const seconds = ({ dts, format: { timescale } }: SourceUnit) => dts / timescale

/** Publishes seconds `from` to `to`, each when it is time by the fixture's clocks. */
async function publishFor(fixture: RecorderFixture, publisher: TestPublisher, from: number, to: number): Promise<void> {
  for (let tenth = from * 10; tenth < to * 10; tenth++) {
    publisher.send(source.units.filter((unit) => Math.floor(seconds(unit) * 10 + 1e-6) === tenth))
    fixture.advance(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** How many pictures of the source a recording holds, when they are its last ones. */
async function assertHoldsLast(
  fixture: RecorderFixture,
  recording: RecordingDocument,
  fromSeconds: number,
): Promise<void> {
  await fixture.assertProved(recording)
  const files = await Promise.all(fixture.paths(recording).map((path) => judgedFile(path, 'bare')))
  for (const [index, file] of files.entries()) assertPlaysAlone(file, `part ${index + 1}`)
  const pictures = files.flatMap(({ tracks }) => tracks[0]?.packets ?? [])
  const reference = await judgedFile(source.path, 'bare')
  const wanted = reference.tracks[0]?.packets.slice(Math.round(fromSeconds * 25)) ?? []
  assert.deepEqual(
    pictures.map(({ hash }) => hash),
    wanted.map(({ hash }) => hash),
  )
}

for (const format of H264_CONTAINERS) {
  test(`${format}: a recording begins at the random access point that is old enough`, async () => {
    await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 5 } })
    const publisher = fixture.publish('live/cam1')
    const beganMs = Date.now()
    await publishFor(fixture, publisher, 0, 6.5)
    const { id, startedAt, requestedAt } = await fixture.start({ preRollSeconds: 3, format })
    await publishFor(fixture, publisher, 6.5, 8)
    publisher.end('unpublished')
    const recording = await fixture.recorder.stop(id)
    await assertHoldsLast(fixture, recording, 3)
    // What is 3.5 s old is the last that is at least 3 s old, and arrived when its file says.
    const aheadMs = Date.parse(requestedAt) - Date.parse(startedAt ?? '')
    assert.ok(aheadMs >= 3_400 && aheadMs < 4_500, `began ${aheadMs} ms before it was asked for`)
    assert.ok(Date.parse(startedAt ?? '') >= beganMs + 3_000)
    assert.equal(recording.startedAt, startedAt)
    assert.equal(recording.parts[0]?.startedAt, startedAt)
    assert.ok(Math.abs(recording.durationMs - 5_000) < 200, `${recording.durationMs} ms`)
    assert.deepEqual(recording.ledger.gaps, [])
  })
}

test('what is remembered is all there is, and nothing where nobody wants it', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [testRule('live/*', { preRollSeconds: 2 }, { record: 'demand' })],
  })
  const [wanted, plain] = [fixture.publish('live/cam1'), fixture.publish('studio/a')]
  await Promise.all([publishFor(fixture, wanted, 0, 5), publishFor(fixture, plain, 0, 5)])
  const remembered = await fixture.start({ preRollSeconds: 60, name: 'remembered' })
  const present = await fixture.start({ preRollSeconds: 60, stream: 'studio/a', name: 'present' })
  for (const publisher of [wanted, plain]) {
    await publishFor(fixture, publisher, 5, 8)
    publisher.end('unpublished')
  }
  // Both advance the clock: ten seconds have passed, and the last of at least two began three GOPs ago at most.
  const recording = await fixture.recorder.stop(remembered.id)
  const first = Math.round(8 - recording.durationMs / 1000)
  assert.ok(first >= 1 && first <= 4, `begins at ${first} s`)
  await assertHoldsLast(fixture, recording, first)
  await assertHoldsLast(fixture, await fixture.recorder.stop(present.id), 4)
})

test('a rule that is added to a live stream begins in its past, and is rotated there as it would have been', async () => {
  await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 60 } })
  const publisher = fixture.publish('live/cam1')
  await publishFor(fixture, publisher, 0, 6)
  const request = { preRollSeconds: 60, rotate: { seconds: 2 } }
  const rule = await fixture.recorder.addRule({ ...NEW_RULE, match: '**', request })
  await publishFor(fixture, publisher, 6, 8)
  publisher.end('unpublished')
  await fixture.recorder.removeRule(rule.id, { stop: true })
  const [recording] = (await fixture.recorder.list({})).recordings
  assert.ok(recording !== undefined)
  await assertHoldsLast(fixture, recording, 0)
  const startMs = recording.parts.map(({ startedAt }) => Date.parse(startedAt) - Date.parse(recording.startedAt ?? ''))
  assert.equal(startMs.length, 4)
  for (const [index, each] of startMs.entries()) {
    assert.ok(Math.abs(each - index * 2_000) < 600, `part ${index + 1} began after ${each} ms`)
  }
})

test('what an appended file holds already is not recorded into it again', async () => {
  await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 60 } })
  const publisher = fixture.publish('live/cam1')
  const first = await fixture.start({ name: 'x', waitForStream: true })
  await publishFor(fixture, publisher, 0, 3)
  await fixture.recorder.stop(first.id)
  await publishFor(fixture, publisher, 3, 6)
  const again = await fixture.start({ name: 'x', ifExists: 'append', preRollSeconds: 60 })
  await publishFor(fixture, publisher, 6, 8)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(again.id)
  assert.equal(again.id, first.id)
  const [video] = recording.ledger.tracks
  // Whole GOPs: it goes on at the random access point before the end of the first session at the earliest.
  assert.ok((video?.written ?? 0) >= 200 && (video?.written ?? 0) <= 225, `${video?.written} pictures of 200`)
})

test('more of the past than a recording may queue is no loss', async () => {
  const payloadBytes = source.units.reduce((sum, { payload }) => sum + payload.length, 0)
  await using fixture = await RecorderFixture.open({
    settings: { preRollSeconds: 60, queueBytes: Math.round(payloadBytes / 4) },
  })
  const publisher = fixture.publish('live/cam1')
  await publishFor(fixture, publisher, 0, 8)
  const { id } = await fixture.start({ preRollSeconds: 60 })
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.deepEqual(
    recording.ledger.tracks.map(({ lost }) => lost),
    [0, 0],
  )
  await assertHoldsLast(fixture, recording, 0)
})

test('parts that are cut in the past by the clock on the wall all hold something', async () => {
  await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 60 } })
  const publisher = fixture.publish('live/cam1')
  await publishFor(fixture, publisher, 0, 8)
  const { id } = await fixture.start({ preRollSeconds: 60, rotate: { at: '* * * * * *' } })
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  // Key frames come every second too: where they fall just before the clock's, every second one begins a part.
  assert.ok(recording.parts.length >= 4, `${recording.parts.length} parts`)
  for (const { index, tracks } of recording.parts) assert.ok(tracks.length > 0, `part ${index} is empty`)
  await assertHoldsLast(fixture, recording, 0)
})

test('a name that is taken fails the recording, however many parts its past has', async () => {
  await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 60 } })
  const publisher = fixture.publish('live/cam1')
  await publishFor(fixture, publisher, 0, 4)
  const first = await fixture.start({ name: 'x' })
  const again = fixture.start({ name: 'x', ifExists: 'fail', preRollSeconds: 60, rotate: { seconds: 1 } })
  await assert.rejects(again, { code: 'storage/name-taken' })
  await fixture.recorder.stop(first.id)
  for (const recording of (await fixture.recorder.list({})).recordings) await fixture.assertProved(recording)
})

test('a request can’t begin in the past and now', async () => {
  await using fixture = await RecorderFixture.open()
  await assert.rejects(fixture.start({ preRollSeconds: 1, startOn: 'now' }), { code: 'recorder/request-invalid' })
})
