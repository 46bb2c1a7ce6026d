import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { type Logger, SILENT_LOGGER } from '#base/runtime.ts'
import { CONTAINER_NAMES } from '#containers/container.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { assertPlaysAlone, type JudgedFile, judgedFile } from '#test/support/packet-judge.ts'
import { RecorderFixture, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2 })
})
after(() => folder[Symbol.asyncDispose]())

const hashes = (file: JudgedFile, track: number) => file.tracks[track]?.packets.map(({ hash }) => hash) ?? []

/** Publishes the source once and records it. */
async function record(
  fixture: RecorderFixture,
  request: Partial<RecordingRequest>,
  units = source.units,
): Promise<RecordingDocument> {
  const { id } = await fixture.start({ waitForStream: true, ...request })
  const publisher = fixture.publish('live/cam1')
  publisher.send(units)
  publisher.end('unpublished')
  return fixture.recorder.stop(id)
}

for (const format of CONTAINER_NAMES) {
  const framing = format === 'ts' ? 'bare' : 'as-is'
  const path = `cam1.${format}`

  test(`${format}: version gives a taken name the next number and leaves what is there`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format })
    const before = await readFile(fixture.path(first.parts[0]))
    const second = await record(fixture, { format, ifExists: 'version', rotate: { seconds: 1 } })
    const names = second.parts.map((part) => part.path)
    assert.deepEqual(names, [`cam1_v2.${format}`, `cam1_v2_part0002.${format}`])
    assert.ok(before.equals(await readFile(fixture.path(first.parts[0]))))
    for (const recording of [first, second]) await fixture.assertProved(recording)
  })

  test(`${format}: append goes on in time, under the same id, with one account`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format, ifExists: 'append' })
    await fixture.assertProved(first)
    fixture.advance(5_000)
    const second = await record(fixture, { format, ifExists: 'append' })
    const third = await record(fixture, { format, ifExists: 'append' })
    assert.deepEqual([second.id, third.id], [first.id, first.id])
    assert.deepEqual(
      third.parts.map((part) => part.path),
      [path],
    )
    const file = await judgedFile(fixture.path(third.parts[0]), framing)
    assertPlaysAlone(file, path)
    const once = await judgedFile(source.path, framing)
    for (const track of [0, 1]) {
      const wanted = hashes(once, track)
      assert.deepEqual(hashes(file, track), [...wanted, ...wanted, ...wanted])
    }
    assert.ok(Math.abs(third.durationMs - 3 * first.durationMs) < 150, `${third.durationMs} of ${first.durationMs}`)
    const gaps = third.ledger.gaps.map(({ cause, accessUnits }) => `${cause} ${accessUnits}`)
    assert.deepEqual(gaps, ['publisher 0', 'publisher 0'])
    const [missing = 0] = third.ledger.gaps.map(({ missingMs }) => missingMs)
    assert.ok(missing >= 5_000 && missing < 8_000, String(missing))
    await fixture.assertProved(third)
    assert.equal((await fixture.recorder.list({})).recordings.length, 1)
  })

  test(`${format}: append begins a file where there is none, also where one was deleted`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format, ifExists: 'append' })
    await rm(fixture.path(first.parts[0]))
    const second = await record(fixture, { format, ifExists: 'append' })
    assert.notEqual(second.id, first.id)
    assert.equal(second.parts[0]?.path, path)
    await fixture.assertProved(second)
  })

  test(`${format}: append goes on in a file of ours that the catalog lost, and counts what it held`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format, ifExists: 'append' })
    await fixture.catalog.remove(first.id)
    await fixture.manifests.remove(first)
    const second = await record(fixture, { format, ifExists: 'append' })
    assert.notEqual(second.id, first.id)
    const written = (recording: RecordingDocument) => recording.ledger.tracks.map((track) => track.written)
    assert.deepEqual(
      written(second),
      written(first).map((count) => count * 2),
    )
    await fixture.assertProved(second)
  })

  test(`${format}: append brings a track that the file did not have`, async () => {
    for (const kind of ['audio', 'video'] as const) {
      await using fixture = await RecorderFixture.open()
      const first = await record(fixture, { format, ifExists: 'append', tracks: { [kind]: false } })
      const second = await record(fixture, { format, ifExists: 'append' })
      assert.equal(second.id, first.id)
      const counts = second.ledger.tracks.map((track) => track.written)
      const [video = 0, audio = 0] = source.formats.map(
        (of) => source.units.filter((unit) => unit.format === of).length,
      )
      assert.deepEqual(counts.sort(), (kind === 'audio' ? [2 * video, audio] : [video, 2 * audio]).sort())
      await fixture.assertProved(second)
    }
  })

  test(`${format}: append to a foreign file is refused at once, and changes nothing`, async () => {
    await using fixture = await RecorderFixture.open()
    await mkdir(fixture.root, { recursive: true })
    const foreign = `${fixture.root}/${path}`
    const text = Buffer.from('holiday photographs '.repeat(500))
    await writeFile(foreign, text)
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    await assert.rejects(fixture.start({ format, ifExists: 'append' }), { code: 'container/not-ours' })
    assert.ok(text.equals(await readFile(foreign)))
    assert.deepEqual(fixture.recorder.active(), [])
    assert.deepEqual((await fixture.recorder.list({})).recordings, [])
  })

  test(`${format}: append of another codec is refused, and the recording stays as it was`, async () => {
    await using fixture = await RecorderFixture.open()
    const other = await makeSource(folder, { video: 'h264', audio: 'mp3', seconds: 1 })
    const first = await record(fixture, { format, ifExists: 'append' })
    const bytes = await readFile(fixture.path(first.parts[0]))
    const publisher = fixture.publish('live/cam1')
    publisher.send(other.units)
    await assert.rejects(fixture.start({ format, ifExists: 'append' }), { code: 'container/append-mismatch' })
    assert.ok(bytes.equals(await readFile(fixture.path(first.parts[0]))))
    const { error, ...rest } = await fixture.recorder.get(first.id)
    const { error: _, ...wanted } = first
    assert.equal(error?.code, 'container/append-mismatch')
    assert.deepEqual(rest, wanted)
  })

  test(`${format}: overwrite keeps the old file until the new one is final, then its row goes`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format })
    const old = await readFile(fixture.path(first.parts[0]))
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    const { id } = await fixture.start({ format, ifExists: 'overwrite' })
    await fixture.until(id, ({ state }) => state === 'recording')
    assert.ok(old.equals(await readFile(fixture.path(first.parts[0]))))
    const second = await fixture.recorder.stop(id)
    assert.equal(second.parts[0]?.path, path)
    await fixture.event('recording.deleted')
    assert.equal(await fixture.catalog.get(first.id), undefined)
    assert.deepEqual(await readdir(fixture.root), [path])
    await fixture.assertProved(second)
  })

  test(`${format}: fail refuses a name that is taken, at once, and leaves nothing behind`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format })
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    await assert.rejects(fixture.start({ format, ifExists: 'fail' }), { code: 'storage/name-taken' })
    assert.equal((await fixture.recorder.list({})).recordings.length, 1)
    assert.deepEqual(await readdir(fixture.root), [path])
    const { id } = await fixture.start({ format, ifExists: 'fail', name: 'other' })
    assert.equal((await fixture.recorder.stop(id)).state, 'ready')
    await fixture.assertProved(first)
  })
}

test('a rotated recording that is overwritten loses the parts that are replaced, no others', async () => {
  await using fixture = await RecorderFixture.open()
  const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const first = await record(fixture, { format: 'mp4', rotate: { seconds: 1 } }, long.units)
  assert.equal(first.parts.length, 4)
  const second = await record(fixture, { format: 'mp4', ifExists: 'overwrite', rotate: { seconds: 1 } })
  assert.deepEqual(
    second.parts.map((part) => part.path),
    ['cam1.mp4', 'cam1_part0002.mp4'],
  )
  const left = await fixture.until(first.id, ({ parts }) => parts.length === 2)
  await fixture.assertProved(left)
  await fixture.assertProved(second)
})

test('a held recording can be neither overwritten nor appended to', async () => {
  await using fixture = await RecorderFixture.open()
  const first = await record(fixture, {})
  await fixture.recorder.setHeld(first.id, true)
  for (const ifExists of ['append', 'overwrite'] as const) {
    await assert.rejects(fixture.start({ ifExists, waitForStream: true }), { code: 'recorder/recording-held' })
  }
})

test('what is about to be overwritten can’t be held any more', async () => {
  await using fixture = await RecorderFixture.open()
  const first = await record(fixture, {})
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const { id } = await fixture.start({ ifExists: 'overwrite' })
  await assert.rejects(fixture.recorder.setHeld(first.id, true), { code: 'recorder/recording-busy' })
  await fixture.recorder.stop(id)
})

test('what is being recorded can’t be overwritten, nor what is about to be overwritten be appended to', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const { id } = await fixture.start({})
  await fixture.until(id, ({ parts }) => parts.length > 0)
  await assert.rejects(fixture.start({ ifExists: 'overwrite' }), { code: 'recorder/recording-busy' })
  await fixture.assertProved(await fixture.recorder.stop(id))
  const second = await fixture.start({ ifExists: 'overwrite' })
  await assert.rejects(fixture.start({ ifExists: 'append' }), { code: 'recorder/recording-busy' })
  await fixture.assertProved(await fixture.recorder.stop(second.id))
  assert.equal((await fixture.recorder.list({})).recordings.length, 1)
})

test('what is being recorded can’t be appended to', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const { id } = await fixture.start({ ifExists: 'append' })
  await assert.rejects(fixture.start({ ifExists: 'append' }), { code: 'recorder/recording-busy' })
  await fixture.assertProved(await fixture.recorder.stop(id))
})

test('a publisher that comes right back appends to what is still being finished', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('**', { ifExists: 'append' })] })
  for (let i = 0; i < 3; i++) {
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    publisher.end('unpublished')
  }
  const { recording } = await fixture.event('recording.waiting')
  const isWhole = ({ state, ledger }: RecordingDocument) => state === 'ready' && ledger.tracks[0]?.received === 150
  await fixture.assertProved(await fixture.until(recording.id, isWhole))
  assert.equal((await fixture.recorder.list({})).recordings.length, 1)
  assert.deepEqual(await readdir(fixture.root), ['cam1.mp4'])
})

test('two that wait to append to the same file: the second is refused while the first writes', async () => {
  await using fixture = await RecorderFixture.open()
  await record(fixture, { ifExists: 'append' })
  const waiting = [
    await fixture.start({ stream: 'live/a', name: 'cam1', ifExists: 'append', waitForStream: true }),
    await fixture
      .start({ stream: 'live/b', name: 'cam1', ifExists: 'append', waitForStream: true })
      .catch(() => undefined),
  ]
  for (const stream of ['live/a', 'live/b']) fixture.publish(stream).send(source.units)
  const first = await fixture.recorder.stop(waiting[0]?.id ?? '')
  assert.equal(waiting[1], undefined)
  await fixture.assertProved(first)
})

test('a split appended recording is appended to in its last part', async () => {
  await using fixture = await RecorderFixture.open()
  const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const { id } = await fixture.start({ ifExists: 'append', waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  const half = long.units.length / 2
  await publisher.sendSlowly(long.units.slice(0, half))
  await fixture.until(id, ({ state }) => state === 'recording')
  await fixture.recorder.split(id)
  await publisher.sendSlowly(long.units.slice(half))
  publisher.end('unpublished')
  const first = await fixture.ready()
  const second = await record(fixture, { ifExists: 'append' })
  assert.equal(second.id, first.id)
  assert.deepEqual(
    second.parts.map((part) => part.path),
    ['cam1.mp4', 'cam1_part0002.mp4'],
  )
  await fixture.assertProved(second)
})

test('names never leave the root, whatever the stream is called', async () => {
  await using fixture = await RecorderFixture.open({ settings: { name: '{path}' } })
  const publisher = fixture.publish('live/..cam')
  publisher.send(source.units)
  const { id } = await fixture.start({ stream: 'live/..cam' })
  const recording = await fixture.recorder.stop(id)
  const path = fixture.path(recording.parts[0])
  assert.ok(dirname(path).startsWith(fixture.root))
  assert.ok((await stat(path)).size > 0)
})

test('the log says which file became final', async () => {
  const lines: object[] = []
  const log: Logger = {
    ...SILENT_LOGGER,
    info: (fields: object) => void lines.push(fields),
    child: () => log,
  }
  await using fixture = await RecorderFixture.open({ log })
  const [part] = (await record(fixture, {})).parts
  assert.ok(part !== undefined)
  const line = lines.find((fields) => 'event' in fields && fields.event === 'part.ready')
  const { bytes, durationMs } = part
  assert.deepEqual(line, { event: 'part.ready', index: 1, path: fixture.path(part), bytes, durationMs })
})
