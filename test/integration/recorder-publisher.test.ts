import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NEW_RULE } from '#recorder/new-rule.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { assertPlaysAlone, judgedFile } from '#test/support/packet-judge.ts'
import { RecorderFixture, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3 })
})
after(() => folder[Symbol.asyncDispose]())

const written = ({ ledger }: RecordingDocument) => ledger.tracks.reduce((sum, track) => sum + track.written, 0)
const framing = (recording: RecordingDocument) => (recording.format === 'ts' ? 'bare' : 'as-is')

async function assertPlays(fixture: RecorderFixture, recording: RecordingDocument): Promise<void> {
  for (const path of fixture.paths(recording)) assertPlaysAlone(await judgedFile(path, framing(recording)), path)
  await fixture.assertProved(recording)
}

for (const format of H264_CONTAINERS) {
  test(`${format}: a publisher that reconnects in time goes on in the same file, with the gap in the ledger`, async () => {
    await using fixture = await RecorderFixture.open({
      rules: [testRule('**', { format })],
      settings: { reconnectSeconds: 10 },
    })
    const first = fixture.publish('live/cam1')
    first.send(source.units)
    const { recording } = await fixture.event('recording.started')
    first.end('lost')
    fixture.advance(4_000)
    const second = fixture.publish('live/cam1')
    // Its clock begins anew, and its formats are other objects that say the same.
    const formats = new Map(source.formats.map((each) => [each, { ...each }]))
    second.send(source.units.map((unit) => ({ ...unit, format: formats.get(unit.format) ?? unit.format })))
    second.end('unpublished')
    const final = await fixture.ready()
    assert.equal(final.id, recording.id)
    assert.equal(fixture.events.filter(({ type }) => type === 'recording.waiting').length, 1)
    assert.equal(final.parts.length, 1)
    assert.equal(written(final), source.units.length * 2)
    const [gap] = final.ledger.gaps
    assert.equal(gap?.cause, 'publisher')
    assert.ok((gap?.missingMs ?? 0) >= 4_000 && (gap?.missingMs ?? 0) < 6_000, JSON.stringify(gap))
    assert.ok(Math.abs(final.durationMs - 6_000) < 200, String(final.durationMs))
    await assertPlays(fixture, final)
  })
}

test('a publisher that stays away ends the recording, and the next is another', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('**')], settings: { reconnectSeconds: 3 } })
  const first = fixture.publish('live/cam1')
  first.send(source.units)
  first.end('lost')
  const { recording } = await fixture.event('recording.started')
  fixture.advance(2_000)
  assert.equal((await fixture.recorder.get(recording.id)).state, 'recording')
  fixture.advance(2_000)
  const final = await fixture.ready()
  await assertPlays(fixture, final)
  fixture.publish('live/cam1').send(source.units)
  assert.notEqual(fixture.recorder.active()[0]?.id, final.id)
})

test('one that says goodbye ends the recording at once, though it might have come back', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('**')], settings: { reconnectSeconds: 30 } })
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  publisher.end('unpublished')
  await assertPlays(fixture, await fixture.ready())
})

test('one that is lost before enough came to begin still leaves a recording that waits for it', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [testRule('**')],
    settings: { reconnectSeconds: 30, trackWaitMs: 60_000 },
  })
  const first = fixture.publish('live/cam1')
  first.send(source.units.filter(({ format }) => format.kind === 'video').slice(0, 10))
  first.end('lost')
  await fixture.event('part.opened')
  const second = fixture.publish('live/cam1')
  second.send(source.units)
  second.end('unpublished')
  const final = await fixture.ready()
  assert.equal(written(final), source.units.length + 10)
  await assertPlays(fixture, final)
})

for (const format of H264_CONTAINERS) {
  test(`${format}: a publisher that comes back with another codec goes on in a new part`, async () => {
    await using fixture = await RecorderFixture.open({
      rules: [testRule('**', { format })],
      settings: { reconnectSeconds: 30 },
    })
    const other = await makeSource(folder, { video: 'h265', audio: 'aac', seconds: 2 })
    const first = fixture.publish('live/cam1')
    first.send(source.units)
    first.end('lost')
    const second = fixture.publish('live/cam1')
    second.send(other.units)
    second.end('unpublished')
    const final = await fixture.ready()
    assert.equal(final.parts.length, 2)
    assert.equal(written(final), source.units.length + other.units.length)
    await assertPlays(fixture, final)
  })

  test(`${format}: a publisher that comes back with its tracks in another order goes on`, async () => {
    await using fixture = await RecorderFixture.open({
      rules: [testRule('**', { format })],
      settings: { reconnectSeconds: 30 },
    })
    const first = fixture.publish('live/cam1')
    first.send(source.units)
    first.end('lost')
    const second = fixture.publish('live/cam1')
    const swapped = new Map(source.formats.map((each) => [each, { ...each, trackId: 3 - each.trackId }]))
    second.send(source.units.map((unit) => ({ ...unit, format: swapped.get(unit.format) ?? unit.format })))
    second.end('unpublished')
    const final = await fixture.ready()
    assert.equal(written(final), source.units.length * 2)
    await assertPlays(fixture, final)
  })
}

test('one that comes back without sound goes on, and cuts don’t wait for the sound', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [testRule('**', { rotate: { seconds: 1 } })],
    settings: { reconnectSeconds: 30 },
  })
  const first = fixture.publish('live/cam1')
  await first.sendSlowly(source.units)
  first.end('lost')
  const second = fixture.publish('live/cam1')
  await second.sendSlowly(source.units.filter(({ format }) => format.kind === 'video'))
  second.end('unpublished')
  const final = await fixture.ready()
  assert.ok(final.parts.length >= 6, `${final.parts.length} parts`)
  await assertPlays(fixture, final)
})

/** Publisher times as they should not be; what of them reaches the file must be sound and complete. */
const CLOCKS: readonly { name: string; ms: (seconds: number) => number; gaps: number; durationMs: number }[] = [
  { name: 'jumps an hour ahead', ms: (s) => (s < 1.5 ? 0 : 3_600_000), gaps: 1, durationMs: 3_000 },
  { name: 'jumps back to zero', ms: (s) => (s < 1.5 ? 1e6 : 0), gaps: 1, durationMs: 3_000 },
  {
    name: 'begins at the end of 32 bits and wraps',
    ms: (s) => (s < 1.5 ? 2 ** 32 - 1_500 : -1_500),
    gaps: 1,
    durationMs: 3_000,
  },
  { name: 'is silent for four seconds', ms: (s) => (s < 1.5 ? 0 : 4_000), gaps: 1, durationMs: 7_000 },
  { name: 'stumbles within a GOP', ms: (s) => (Math.floor(s * 25) % 7 === 3 ? -90 : 0), gaps: 0, durationMs: 3_000 },
]
for (const { name, ms, gaps, durationMs } of CLOCKS) {
  for (const format of H264_CONTAINERS) {
    test(`${format}: a clock that ${name}`, async () => {
      await using fixture = await RecorderFixture.open({ rules: [testRule('**', { format })] })
      const publisher = fixture.publish('live/cam1')
      const at = ({ dts, format: { timescale } }: SourceUnit) => dts / timescale
      for (const unit of source.units) publisher.send([unit], ms(at(unit)))
      publisher.end('unpublished')
      const final = await fixture.ready()
      assert.equal(written(final), source.units.length)
      assert.equal(final.ledger.gaps.length, gaps, JSON.stringify(final.ledger.gaps))
      assert.ok(Math.abs(final.durationMs - durationMs) < 250, `${final.durationMs} instead of ${durationMs}`)
      await assertPlays(fixture, final)
    })
  }
}

test('rules: the highest priority wins, disabled ones and other paths don’t count', async () => {
  await using fixture = await RecorderFixture.open({
    rules: [
      testRule('**', { format: 'mp4', name: 'all/{stream}' }),
      testRule('live/*', { format: 'flv', name: 'live/{stream}' }, { priority: 5 }),
      testRule('live/cam1', { format: 'ts', name: 'cam1/{stream}' }, { priority: 9, enabled: false }),
    ],
  })
  for (const stream of ['live/cam1', 'studio/a', 'live/deep/b']) {
    const publisher = fixture.publish(stream)
    publisher.send(source.units)
    publisher.end('unpublished')
  }
  const { recordings } = await (async () => {
    await fixture.event('recording.ready')
    for (const { id } of fixture.recorder.active()) await fixture.until(id, ({ state }) => state === 'ready')
    return fixture.recorder.list({})
  })()
  assert.deepEqual(
    recordings.map((each) => `${each.stream} ${each.format} ${each.rule} ${each.parts[0]?.path}`).sort(),
    [
      'live/cam1 flv config-live/* live/cam1.flv',
      'live/deep/b mp4 config-** all/deep/b.mp4',
      'studio/a mp4 config-** all/a.mp4',
    ],
  )
})

test('rules made through the API act at once, and those of the configuration stay', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('none/**')] })
  const { recorder } = fixture
  await assert.rejects(recorder.removeRule('config-none/**'), { code: 'recorder/rule-read-only' })
  await assert.rejects(recorder.updateRule('nobody', { enabled: false }), { code: 'recorder/rule-not-found' })
  await assert.rejects(recorder.addRule({ ...NEW_RULE, match: '**', request: { format: 'avi' } }), {
    code: 'recorder/request-invalid',
  })
  const first = fixture.publish('live/cam1')
  first.send(source.units)
  const rule = await recorder.addRule({ ...NEW_RULE, match: '**' })
  fixture.publish('live/cam2').send(source.units)
  assert.deepEqual(
    recorder.active().map(({ stream, rule: by }) => `${stream} ${by === rule.id}`),
    ['live/cam1 true', 'live/cam2 true'],
  )
  await recorder.updateRule(rule.id, { enabled: false })
  fixture.publish('live/cam3').send(source.units)
  assert.equal(recorder.active().length, 2)
  await recorder.removeRule(rule.id)
  assert.deepEqual(
    recorder.rules().map(({ id }) => id),
    ['config-none/**'],
  )
})

test('a rule and a request record one stream side by side, and a returning publisher feeds both', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('**')], settings: { reconnectSeconds: 10 } })
  const first = fixture.publish('live/cam1')
  first.send(source.units)
  await fixture.start({ format: 'flv', name: 'asked' })
  await fixture.until(fixture.recorder.active()[1]?.id ?? '', ({ parts }) => parts.length === 1)
  first.end('lost')
  const second = fixture.publish('live/cam1')
  second.send(source.units)
  second.end('unpublished')
  await fixture.ready()
  const { recordings } = await fixture.recorder.list({})
  assert.equal(recordings.length, 2)
  for (const { id } of recordings) await assertPlays(fixture, await fixture.recorder.stop(id))
})
