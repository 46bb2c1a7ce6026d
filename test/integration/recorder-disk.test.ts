import assert from 'node:assert/strict'
import { mkdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BelowFloorError } from '#storage/errors.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { assertPlaysAlone, judgedFile } from '#test/support/packet-judge.ts'
import { RecorderFixture, type RecorderFixtureOptions, type TestPublisher } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Promise 6, on a disk that misbehaves on command. */

let folder: TempFolder
/** GOPs of a second, about 90 kB with their sound. */
let source: ElementarySource
const SECONDS = 4

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: SECONDS })
})
after(() => folder[Symbol.asyncDispose]())

const seconds = ({ dts, format: { timescale } }: SourceUnit) => dts / timescale

/** Sends the source over and over, as fast as it goes: nothing the disk does may make this wait. */
async function sendSeconds(publisher: TestPublisher, from: number, to: number): Promise<void> {
  for (let run = Math.floor(from / SECONDS); run * SECONDS < to; run++) {
    const start = run * SECONDS
    const units = source.units.filter((unit) => {
      const at = start + seconds(unit)
      // The sound's last access unit reaches into the next run.
      return seconds(unit) < SECONDS && at >= from && at < to
    })
    await publisher.sendSlowly(units, start * 1000)
  }
}

const lost = ({ ledger }: RecordingDocument) => ledger.tracks.reduce((sum, track) => sum + track.lost, 0)
const isImpaired =
  (code: string) =>
  ({ error }: RecordingDocument) =>
    error?.code === code

function assertBalanced({ ledger }: RecordingDocument): void {
  for (const track of ledger.tracks) assert.equal(track.received, track.written + track.lost, JSON.stringify(ledger))
  const inGaps = ledger.gaps.reduce((sum, gap) => sum + gap.accessUnits, 0)
  assert.equal(inGaps, lost({ ledger } as RecordingDocument), JSON.stringify(ledger.gaps))
}

async function assertWholeGops(fixture: RecorderFixture, recording: RecordingDocument): Promise<void> {
  for (const part of recording.parts.filter(({ state }) => state === 'ready')) {
    const file = await judgedFile(fixture.path(part), recording.format === 'ts' ? 'bare' : 'as-is')
    assertPlaysAlone(file, part.path)
  }
}

interface Running extends AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly publisher: TestPublisher
  readonly id: string
}

/** A recording that has written its first second. */
async function running(
  request: Parameters<RecorderFixture['start']>[0] = {},
  options: RecorderFixtureOptions = {},
): Promise<Running> {
  const fixture = await RecorderFixture.open(options)
  const publisher = fixture.publish('live/cam1')
  await sendSeconds(publisher, 0, 0.5)
  const { id } = await fixture.start(request)
  await sendSeconds(publisher, 0.5, 2)
  await fixture.until(id, ({ state }) => state === 'recording')
  return { fixture, publisher, id, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

test('a recording whose disk never took a byte says so, instead of blaming the encoder', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  await sendSeconds(publisher, 0, 1)
  fixture.disk.failCreate = 'EROFS'
  const { id } = await fixture.start({})
  await sendSeconds(publisher, 1, 3)
  publisher.end('unpublished')
  fixture.advance(1_000)
  const failed = await fixture.until(id, ({ state }) => state === 'failed')
  assert.equal(failed.error?.code, 'storage/denied')
  assertBalanced(failed)
})

for (const format of H264_CONTAINERS) {
  for (const code of ['ENOSPC', 'EIO', 'EROFS'] as const) {
    test(`${format}: ${code} for a while costs nothing that the queue holds, and it goes on in the same file`, async () => {
      await using run = await running({ format })
      const { fixture, publisher, id } = run
      fixture.disk.failApply = code
      await sendSeconds(publisher, 2, 6)
      const wanted = { ENOSPC: 'storage/full', EIO: 'storage/io', EROFS: 'storage/denied' }[code]
      const impaired = await fixture.until(id, isImpaired(wanted))
      assert.equal(impaired.state, 'recording')
      assert.equal(fixture.told(id).filter((type) => type === 'recording.impaired').length, 1)
      fixture.disk.failApply = undefined
      fixture.advance(1_000)
      await fixture.until(id, ({ error }) => error === null)
      await sendSeconds(publisher, 6, 8)
      const recording = await fixture.recorder.stop(id)
      assert.equal(lost(recording), 0)
      assert.equal(recording.parts.length, 1)
      assert.equal(fixture.told(id).filter((type) => type === 'recording.resumed').length, 1)
      await assertWholeGops(fixture, recording)
      await fixture.assertProved(recording)
    })
  }

  test(`${format}: a disk that stays full longer costs whole GOPs, and memory stays bounded`, async () => {
    const queueBytes = 300_000
    await using run = await running({ format }, { settings: { queueBytes } })
    const { fixture, publisher, id } = run
    fixture.disk.failApply = 'ENOSPC'
    for (let at = 2; at < 14; at++) {
      await sendSeconds(publisher, at, at + 1)
      assert.ok(fixture.recorder.counters.queuedBytes <= queueBytes)
    }
    fixture.disk.failApply = undefined
    fixture.advance(1_000)
    await fixture.until(id, ({ error }) => error === null)
    await sendSeconds(publisher, 14, 17)
    const recording = await fixture.recorder.stop(id)
    assert.ok(lost(recording) > 0)
    assertBalanced(recording)
    assert.deepEqual([...new Set(recording.ledger.gaps.map(({ cause }) => cause))], ['disk'])
    for (const gap of recording.ledger.gaps) {
      assert.ok(gap.fromMs >= 2_000 && gap.toMs <= 15_000 && gap.toMs > gap.fromMs, JSON.stringify(gap))
    }
    assert.deepEqual(fixture.recorder.counters.lostByCause, { disk: lost(recording) })
    await assertWholeGops(fixture, recording)
    await fixture.assertProved(recording)
  })

  test(`${format}: its folder deleted while it records: seen within seconds, goes on in a new part`, async () => {
    await using run = await running({ format, name: 'deep/{stream}' })
    const { fixture, publisher, id } = run
    await rm(fixture.root, { recursive: true })
    fixture.advance(1_000)
    const impaired = await fixture.until(id, isImpaired('storage/vanished'))
    assert.equal(impaired.state, 'recording')
    fixture.advance(1_000)
    await sendSeconds(publisher, 2, 6)
    await fixture.until(id, ({ error }) => error === null)
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.state, 'ready')
    assert.deepEqual(
      recording.parts.map(({ state, index }) => `${index} ${state}`),
      ['1 damaged', '2 ready'],
    )
    assertBalanced(recording)
    const inParts = recording.parts.flatMap(({ tracks }) => tracks).reduce((sum, track) => sum + track.accessUnits, 0)
    assert.equal(
      recording.ledger.tracks.reduce((sum, track) => sum + track.written, 0),
      inParts,
    )
    assert.ok(lost(recording) > 60)
    await assertWholeGops(fixture, recording)
  })
}

test('a file that another program cuts off while it is written: what is not in it is not called written', async () => {
  await using run = await running()
  const { fixture, publisher, id } = run
  const path = fixture.path((await fixture.recorder.get(id)).parts[0])
  await truncate(path, (await stat(path)).size - 100_000)
  await sendSeconds(publisher, 2, 4)
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'ready')
  assert.equal(recording.error?.code, 'recorder/part-altered')
  assertBalanced(recording)
  assert.ok(lost(recording) > 0)
  const inParts = recording.parts.flatMap(({ tracks }) => tracks).reduce((sum, track) => sum + track.accessUnits, 0)
  assert.equal(
    recording.ledger.tracks.reduce((sum, track) => sum + track.written, 0),
    inParts,
  )
  await fixture.assertProved(recording)
})

test('a file moved away while it is written counts as gone, too', async () => {
  await using run = await running()
  const { fixture, publisher, id } = run
  const [part] = (await fixture.recorder.get(id)).parts
  await rename(fixture.path(part), `${fixture.path(part)}.away`)
  fixture.advance(1_000)
  await fixture.until(id, isImpaired('storage/vanished'))
  fixture.advance(1_000)
  await sendSeconds(publisher, 2, 5)
  const recording = await fixture.recorder.stop(id)
  assertBalanced(recording)
  assert.equal(recording.parts.at(-1)?.state, 'ready')
})

test('a file that goes while it is finished: the recording says so, and its ledger balances', async () => {
  await using run = await running()
  const { fixture, publisher, id } = run
  await sendSeconds(publisher, 2, 3)
  fixture.disk.failInPlace = 'ENOENT'
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'failed')
  assert.deepEqual(
    recording.ledger.tracks.map(({ written }) => written),
    [0, 0],
  )
  assertBalanced(recording)
})

for (const code of ['EMFILE', 'EACCES', 'ENOSPC'] as const) {
  test(`${code} when the file is created: tried again until it works, and what came meanwhile is counted`, async () => {
    await using fixture = await RecorderFixture.open()
    fixture.disk.failCreate = code
    const { id } = await fixture.start({ waitForStream: true })
    const publisher = fixture.publish('live/cam1')
    await sendSeconds(publisher, 0, 2)
    const wanted = { EMFILE: 'storage/too-many-open-files', EACCES: 'storage/denied', ENOSPC: 'storage/full' }[code]
    const waiting = await fixture.until(id, isImpaired(wanted))
    assert.equal(waiting.state, 'waiting')
    fixture.advance(1_000)
    await sendSeconds(publisher, 2, 4)
    fixture.disk.failCreate = undefined
    fixture.advance(1_000)
    await sendSeconds(publisher, 4, 8)
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.state, 'ready')
    assert.equal(recording.error, null)
    assert.deepEqual(
      recording.parts.map(({ index, path }) => `${index} ${path}`),
      ['1 cam1.mp4'],
    )
    assert.ok(lost(recording) > 0)
    assertBalanced(recording)
    await assertWholeGops(fixture, recording)
    await fixture.assertProved(recording)
  })
}

test('a disk that hangs is told within a second, and costs nothing that the queue holds', async () => {
  await using run = await running()
  const { fixture, publisher, id } = run
  const hang = Promise.withResolvers<void>()
  fixture.disk.beforeApply = () => hang.promise
  await sendSeconds(publisher, 2, 4)
  fixture.advance(1_000)
  const impaired = await fixture.until(id, isImpaired('storage/slow'))
  assert.equal(impaired.state, 'recording')
  await sendSeconds(publisher, 4, 6)
  fixture.disk.beforeApply = undefined
  hang.resolve()
  await fixture.until(id, ({ error }) => error === null)
  const recording = await fixture.recorder.stop(id)
  assert.equal(lost(recording), 0)
  await fixture.assertProved(recording)
})

test('a disk that takes half a second for every write loses nothing but time', async () => {
  await using run = await running({ rotate: { seconds: 2 } })
  const { fixture, publisher, id } = run
  fixture.disk.beforeApply = () => sleep(300)
  await sendSeconds(publisher, 2, 8)
  fixture.disk.beforeApply = undefined
  const recording = await fixture.recorder.stop(id)
  assert.equal(lost(recording), 0)
  assert.equal(recording.parts.length, 4)
  await fixture.assertProved(recording)
})

test('stopped while the disk is full: answers in bounded time, is ready when the disk is back', async () => {
  for (const format of H264_CONTAINERS) {
    await using run = await running({ format }, { stopAnswerMs: 200 })
    const { fixture, publisher, id } = run
    fixture.disk.failApply = 'ENOSPC'
    await sendSeconds(publisher, 2, 4)
    const stopped = await fixture.recorder.stop(id)
    assert.equal(stopped.state, 'finishing')
    await fixture.until(id, isImpaired('storage/full'))
    // The last bytes are waited for, but not forever.
    fixture.advance(6_000)
    await fixture.until(id, (recording) => lost(recording) > 0)
    assert.equal((await fixture.recorder.get(id)).state, 'finishing')
    fixture.disk.failApply = undefined
    for (let i = 0; i < 3; i++) {
      await sleep(50)
      fixture.advance(2_000)
    }
    const recording = await fixture.until(id, ({ state }) => state === 'ready')
    assertBalanced(recording)
    await assertWholeGops(fixture, recording)
    while (fixture.recorder.active().length > 0) await sleep(5)
    await fixture.assertProved(recording)
  }
})

test('stopped while a write hangs: its bytes are in the file once it returns, and the account has them', async () => {
  for (const format of H264_CONTAINERS) {
    await using run = await running({ format }, { stopAnswerMs: 100 })
    const { fixture, publisher, id } = run
    const hang = Promise.withResolvers<void>()
    fixture.disk.beforeApply = () => hang.promise
    await sendSeconds(publisher, 2, 5)
    assert.equal((await fixture.recorder.stop(id)).state, 'finishing')
    fixture.advance(6_000)
    await sleep(60)
    assert.equal((await fixture.recorder.get(id)).state, 'finishing')
    fixture.disk.beforeApply = undefined
    hang.resolve()
    const recording = await fixture.until(id, ({ state }) => state === 'ready')
    assertBalanced(recording)
    while (fixture.recorder.active().length > 0) await sleep(5)
    await fixture.assertProved(recording)
  }
})

test('a hanging write that fails at last, after the part was given up, is counted', async () => {
  await using run = await running({}, { stopAnswerMs: 100 })
  const { fixture, publisher, id } = run
  const hang = Promise.withResolvers<void>()
  fixture.disk.beforeApply = () => hang.promise
  await sendSeconds(publisher, 2, 5)
  await fixture.recorder.stop(id)
  fixture.advance(6_000)
  await sleep(60)
  fixture.disk.failApply = 'EIO'
  hang.resolve()
  await fixture.until(id, (recording) => lost(recording) > 0)
  fixture.disk.failApply = undefined
  fixture.disk.beforeApply = undefined
  await sleep(50)
  fixture.advance(2_000)
  const recording = await fixture.until(id, ({ state }) => state === 'ready')
  assertBalanced(recording)
  while (fixture.recorder.active().length > 0) await sleep(5)
  await fixture.assertProved(recording)
})

test('the free-space floor holds writing back and lets it go on', async () => {
  await using run = await running({}, { settings: { queueBytes: 300_000 } })
  const { fixture, publisher, id } = run
  fixture.refusal = new BelowFloorError(fixture.root, 1, 2)
  await sendSeconds(publisher, 2, 10)
  await fixture.until(id, isImpaired('storage/below-floor'))
  fixture.refusal = undefined
  fixture.advance(1_000)
  await fixture.until(id, ({ error }) => error === null)
  await sendSeconds(publisher, 10, 13)
  const recording = await fixture.recorder.stop(id)
  assert.ok(lost(recording) > 0)
  assertBalanced(recording)
  await assertWholeGops(fixture, recording)
  await fixture.assertProved(recording)
})

test('a stop just as the floor is reached does not wait for space', async () => {
  await using run = await running()
  const { fixture, publisher, id } = run
  await sendSeconds(publisher, 2, 2.5)
  fixture.refusal = new BelowFloorError(fixture.root, 1, 2)
  const recording = await fixture.recorder.stop(id)
  assert.equal(lost(recording), 0)
  await fixture.assertProved(recording)
})

test('what replaces another file waits for the device before it does', async () => {
  await using fixture = await RecorderFixture.open({ stopAnswerMs: 200 })
  const publisher = fixture.publish('live/cam1')
  await sendSeconds(publisher, 0, 2)
  const first = await fixture.start()
  const old = await fixture.recorder.stop(first.id)
  const { id } = await fixture.start({ ifExists: 'overwrite' })
  await fixture.until(id, ({ state }) => state === 'recording')
  fixture.disk.failSync = 'EIO'
  assert.equal((await fixture.recorder.stop(id)).state, 'finishing')
  await fixture.assertProved(old)
  fixture.disk.failSync = undefined
  fixture.advance(2_000)
  const recording = await fixture.until(id, ({ state }) => state === 'ready')
  assert.equal(recording.parts[0]?.path, 'cam1.mp4')
  await fixture.event('recording.deleted')
  while (fixture.recorder.active().length > 0) await sleep(5)
  await fixture.assertProved(recording)
})

test('with power durability a part is synced about once a second while it is written', async () => {
  await using run = await running({}, { settings: { durability: 'power' } })
  const { fixture, publisher, id } = run
  let syncs = 0
  fixture.disk.beforeSync = async () => {
    syncs++
  }
  for (let at = 2; at < 6; at++) {
    await sendSeconds(publisher, at, at + 1)
    fixture.advance(1_000)
    await sleep(50)
  }
  assert.ok(syncs >= 3 && syncs <= 6, String(syncs))
  await fixture.assertProved(await fixture.recorder.stop(id))
})

test('many recordings on a full disk: each is impaired alone, all go on', async () => {
  await using fixture = await RecorderFixture.open()
  await mkdir(fixture.root, { recursive: true })
  const ids: string[] = []
  const publishers: TestPublisher[] = []
  for (let index = 0; index < 12; index++) {
    const publisher = fixture.publish(`live/cam${index}`)
    publishers.push(publisher)
    await sendSeconds(publisher, 0, 1.5)
    ids.push((await fixture.start({ stream: `live/cam${index}`, format: H264_CONTAINERS[index % 3] ?? 'mp4' })).id)
  }
  fixture.disk.failApply = 'ENOSPC'
  await Promise.all(publishers.map((publisher) => sendSeconds(publisher, 1.5, 4)))
  for (const id of ids) await fixture.until(id, isImpaired('storage/full'))
  fixture.disk.failApply = undefined
  fixture.advance(1_000)
  await Promise.all(publishers.map((publisher) => sendSeconds(publisher, 4, 6)))
  for (const id of ids) {
    const recording = await fixture.recorder.stop(id)
    assert.equal(lost(recording), 0)
    await fixture.assertProved(recording)
  }
})
