import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TapedeckError } from '#base/error.ts'
import { type Logger, SILENT_LOGGER } from '#base/runtime.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
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

for (const format of H264_CONTAINERS) {
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

test('a recording that was to be appended to a file which is another’s by now leaves it alone', async () => {
  await using fixture = await RecorderFixture.open()
  const waiting = await fixture.start({ stream: 'live/b', name: 'cam1', ifExists: 'append', waitForStream: true })
  const first = await record(fixture, { ifExists: 'append' })
  const publisher = fixture.publish('live/b')
  publisher.send(source.units)
  publisher.end('unpublished')
  const second = await fixture.recorder.stop(waiting.id)
  assert.deepEqual([names(first), names(second)], [['cam1.mp4'], ['cam1_v2.mp4']])
  for (const recording of [first, second]) await fixture.assertProved(recording)
})

test('what is about to be overwritten can’t be deleted: its file would stay if the new one came to nothing', async () => {
  await using fixture = await RecorderFixture.open()
  const first = await record(fixture, {})
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const { id } = await fixture.start({ ifExists: 'overwrite' })
  await fixture.until(id, ({ parts }) => parts.length > 0)
  await assert.rejects(fixture.recorder.remove(first.id), { code: 'recorder/recording-busy' })
  const second = await fixture.recorder.stop(id)
  await assert.rejects(fixture.recorder.get(first.id), { code: 'recorder/recording-not-found' })
  await fixture.recorder.remove(second.id)
  assert.deepEqual(await readdir(fixture.root), [])
})

test('a recording that has just replaced another is deleted with its file', async () => {
  await using fixture = await RecorderFixture.open()
  await record(fixture, {})
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const { id } = await fixture.start({ ifExists: 'overwrite' })
  const { catalog } = fixture
  const find = catalog.findByPart.bind(catalog)
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  catalog.findByPart = async (...place) => {
    asked.resolve()
    await answered.promise
    return find(...place)
  }
  publisher.end('unpublished')
  await asked.promise
  await fixture.until(id, ({ state }) => state === 'ready')
  while (fixture.recorder.active().length > 0) await sleep(5)
  const removed = fixture.recorder.remove(id)
  answered.resolve()
  await removed
  assert.deepEqual(await readdir(fixture.root), [])
  assert.deepEqual((await fixture.recorder.list({})).recordings, [])
})

test('what is about to be appended to can’t be overwritten, whoever asks first', async () => {
  await using fixture = await RecorderFixture.open()
  const pictures = source.units.filter(({ format }) => format.kind === 'video')
  const first = await record(fixture, { format: 'flv' }, pictures)
  const publisher = fixture.publish('live/cam1')
  publisher.send(pictures)
  const { catalog } = fixture
  const find = catalog.findByPart.bind(catalog)
  const answered = Promise.withResolvers<void>()
  let asked = 0
  catalog.findByPart = async (...place) => {
    if (++asked === 1) await answered.promise
    return find(...place)
  }
  const overwriting = fixture.start({ ifExists: 'overwrite', format: 'flv', tracks: { audio: false } })
  // It waits for sound, and has not opened the file when the other one comes to it.
  const appending = fixture.start({ ifExists: 'append' })
  await fixture.until(first.id, ({ state }) => state === 'waiting')
  answered.resolve()
  await assert.rejects(overwriting, { code: 'recorder/recording-busy' })
  const { id } = await appending
  assert.equal(id, first.id)
  await fixture.assertProved(await fixture.recorder.stop(id))
  assert.equal((await fixture.recorder.list({})).recordings.length, 1)
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
  const whole = await fixture.until(recording.id, isWhole)
  await fixture.stored(recording.id)
  await fixture.assertProved(whole)
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

const names = (recording: RecordingDocument) => recording.parts.map((part) => part.path)

test('indexed: one file, then several; each is free only without the other', async () => {
  await using fixture = await RecorderFixture.open()
  const numbering = 'indexed'
  const one = await record(fixture, { format: 'mp4', numbering })
  const several = await record(fixture, { format: 'mp4', numbering, rotate: { seconds: 1 } })
  const again = await record(fixture, { format: 'mp4', numbering })
  assert.deepEqual(names(one), ['cam1.mp4'])
  assert.deepEqual(names(several), ['cam1_0001_part0000.mp4', 'cam1_0001_part0001.mp4'])
  assert.deepEqual(names(again), ['cam1_0002.mp4'])
  await using other = await RecorderFixture.open()
  assert.deepEqual(names(await record(other, { format: 'ts', numbering, rotate: { seconds: 1 } })), [
    'cam1_part0000.ts',
    'cam1_part0001.ts',
  ])
  assert.deepEqual(names(await record(other, { format: 'ts', numbering })), ['cam1_0001.ts'])
  const refused = await record(other, { format: 'ts', numbering, ifExists: 'fail' })
  assert.equal(refused.error?.code, 'storage/name-taken')
  for (const recording of [one, several, again]) await fixture.assertProved(recording)
})

test('indexed with overwrite: an earlier run’s parts are replaced one by one', async () => {
  await using fixture = await RecorderFixture.open()
  const request = { format: 'flv', numbering: 'indexed', ifExists: 'overwrite', rotate: { seconds: 1 } } as const
  const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const first = await record(fixture, request, long.units)
  const second = await record(fixture, request)
  assert.deepEqual(names(second), ['cam1_part0000.flv', 'cam1_part0001.flv'])
  const left = await fixture.until(first.id, ({ parts }) => parts.length === 2)
  assert.deepEqual(names(left), ['cam1_part0002.flv', 'cam1_part0003.flv'])
  await fixture.assertProved(second)
})

for (const format of H264_CONTAINERS) {
  test(`${format}: lastPlain numbers parts when another follows, and the last has the plain name`, async () => {
    await using fixture = await RecorderFixture.open()
    const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
    const request = { format, numbering: 'lastPlain', rotate: { seconds: 1 } } as const
    const { id } = await fixture.start({ waitForStream: true, ...request })
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(long.units.slice(0, Math.floor(long.units.length / 2)))
    const during = await fixture.until(id, ({ parts }) => parts.length >= 2)
    assert.equal(during.parts.at(-1)?.path, `cam1.${format}`)
    await publisher.sendSlowly(long.units.slice(Math.floor(long.units.length / 2)))
    publisher.end('unpublished')
    const first = await fixture.recorder.stop(id)
    assert.deepEqual(names(first), [`cam1_1.${format}`, `cam1_2.${format}`, `cam1_3.${format}`, `cam1.${format}`])
    await fixture.assertProved(first)
    const told = fixture.events.flatMap((event) => (event.type === 'part.ready' ? [event.part.path] : []))
    assert.deepEqual(told.toSorted(), names(first).toSorted(), 'what is told of is the final path')
    for (const part of first.parts)
      assertPlaysAlone(await judgedFile(fixture.path(part), format === 'ts' ? 'bare' : 'as-is'), part.path)

    const second = await record(fixture, request)
    assert.deepEqual(names(second), [`cam1_4_1.${format}`, `cam1_4.${format}`])
    const third = await record(fixture, { format, numbering: 'lastPlain' })
    assert.deepEqual(names(third), [`cam1_5.${format}`])
    for (const recording of [second, third]) await fixture.assertProved(recording)
    assert.deepEqual((await readdir(fixture.root)).toSorted(), [first, second, third].flatMap(names).toSorted())
  })
}

test('lastPlain leaves out numbers that are taken', async () => {
  await using fixture = await RecorderFixture.open()
  await mkdir(fixture.root, { recursive: true })
  await writeFile(`${fixture.root}/cam1_2.flv`, 'holiday')
  const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const { id } = await fixture.start({
    waitForStream: true,
    format: 'flv',
    numbering: 'lastPlain',
    rotate: { seconds: 1 },
  })
  const publisher = fixture.publish('live/cam1')
  publisher.send(long.units)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.deepEqual(names(recording), ['cam1_1.flv', 'cam1_3.flv', 'cam1_4.flv', 'cam1.flv'])
  assert.equal(await readFile(`${fixture.root}/cam1_2.flv`, 'latin1'), 'holiday')
  await fixture.assertProved(recording)
})

for (const format of H264_CONTAINERS) {
  test(`${format}: what is known only at the end stands in the name until then`, async () => {
    await using fixture = await RecorderFixture.open()
    const name = '{duration}/{stream}-{startTimeMillis}-{endTime}'
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    const { id } = await fixture.start({ format, name })
    const during = await fixture.until(id, ({ state }) => state === 'recording')
    assert.match(names(during)[0] ?? '', /^\{duration\}\/cam1-\d{13}-\{endTime\}\.\w+$/)
    const recording = await fixture.recorder.stop(id)
    const [, durationMs, startMs, endMs] = (
      /^(\d+)\/cam1-(\d{13})-(\d{13})\.\w+$/.exec(names(recording)[0] ?? '') ?? []
    ).map(Number)
    assert.equal(durationMs, Math.round(recording.durationMs))
    assert.equal(startMs, Date.parse(recording.startedAt ?? ''))
    assert.ok(Math.abs((endMs ?? 0) - Date.parse(recording.endedAt ?? '')) < 1_000)
    assert.equal(recording.parts[0]?.rename, undefined)
    await fixture.assertProved(recording)
    const ready = await fixture.event('part.ready')
    assert.ok(ready.type === 'part.ready' && ready.part.path === names(recording)[0])
  })
}

test('parts with ends of their own need no numbers; a name that is taken is nobody else’s', async () => {
  await using fixture = await RecorderFixture.open()
  const long = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const request = { format: 'mp4', name: '{stream}-{duration}', rotate: { seconds: 1 } } as const
  const recording = await record(fixture, request, long.units)
  assert.equal(new Set(names(recording)).size, 4)
  for (const [index, path] of names(recording).entries()) {
    assert.match(path, index === 0 ? /^cam1-\d+\.mp4$/ : new RegExp(`^cam1-\\d+_part000${index + 1}\\.mp4$`))
  }
  const again = await record(fixture, request, long.units)
  assert.ok(
    names(again).every((path) => path.includes('_v2')),
    String(names(again)),
  )
  const ends = await record(
    fixture,
    { ...request, name: '{stream}-{endTimeMillis}', numbering: 'lastPlain' },
    long.units,
  )
  assert.equal(new Set(names(ends)).size, 4)
  for (const each of [recording, again, ends]) await fixture.assertProved(each)
})

test('rename: what has the name makes room, and its recording knows where it is', async () => {
  await using fixture = await RecorderFixture.open()
  const recordings: RecordingDocument[] = []
  for (let i = 0; i < 3; i++) recordings.push(await record(fixture, { format: 'mp4', ifExists: 'rename' }))
  const current = await Promise.all(recordings.map(({ id }) => fixture.recorder.get(id)))
  assert.deepEqual(current.map(names), [['cam1_0.mp4'], ['cam1_1.mp4'], ['cam1.mp4']])
  for (const recording of current) await fixture.assertProved(recording)
  const moved = fixture.events.flatMap((event) => (event.type === 'part.renamed' ? [event.part.path] : []))
  assert.deepEqual(moved, ['cam1_0.mp4', 'cam1_1.mp4'])

  await writeFile(`${fixture.root}/other.mp4`, 'holiday')
  const over = await record(fixture, { format: 'mp4', ifExists: 'rename', path: 'other' })
  assert.deepEqual(names(over), ['other.mp4'])
  assert.equal(await readFile(`${fixture.root}/other_0.mp4`, 'latin1'), 'holiday')
})

test('rename: a file that is being recorded stays where it is', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const first = await fixture.start({ format: 'mp4', ifExists: 'rename' })
  await fixture.until(first.id, ({ state }) => state === 'recording')
  const second = await fixture.start({ format: 'mp4', ifExists: 'rename' })
  await fixture.until(second.id, ({ state }) => state === 'recording')
  assert.deepEqual(names(await fixture.recorder.stop(first.id)), ['cam1.mp4'])
  assert.deepEqual(names(await fixture.recorder.stop(second.id)), ['cam1_v2.mp4'])
})

test('rename: one that is just being finished is waited for', async () => {
  await using fixture = await RecorderFixture.open({ rules: [testRule('**', { ifExists: 'rename', format: 'mp4' })] })
  for (let i = 0; i < 3; i++) {
    const publisher = fixture.publish('live/cam1')
    publisher.send(source.units)
    publisher.end('unpublished')
  }
  while (fixture.events.filter(({ type }) => type === 'recording.ready').length < 3) await sleep(20)
  while (fixture.recorder.active().length > 0) await sleep(5)
  const { recordings } = await fixture.recorder.list({})
  assert.deepEqual(recordings.flatMap(names).toSorted(), ['cam1.mp4', 'cam1_0.mp4', 'cam1_1.mp4'])
  for (const recording of recordings) await fixture.assertProved(recording)
})

test('a path is no template, an extension may disagree with the container', async () => {
  await using fixture = await RecorderFixture.open()
  const request = { format: 'flv', path: 'a/{stream} b', extension: '.MP4' } as const
  const recording = await record(fixture, { ...request, rotate: { seconds: 1 } })
  assert.deepEqual(names(recording), ['a/{stream} b.MP4', 'a/{stream} b_part0002.MP4'])
  assert.equal((await readFile(fixture.path(recording.parts[0]))).toString('latin1', 0, 3), 'FLV')
  assert.deepEqual(names(await record(fixture, request)), ['a/{stream} b_v2.MP4'])
  await fixture.assertProved(recording)
})

test('an MP4 for players of the 1990s has 32-bit sizes, also what is appended to it', async () => {
  await using fixture = await RecorderFixture.open()
  for (const mp4Compatible32 of [true, false]) {
    const recording = await record(fixture, { format: 'mp4', ifExists: 'append', mp4Compatible32 })
    const bytes = await readFile(fixture.path(recording.parts[0]))
    const mdatAt = bytes.lastIndexOf('mdat') - 4
    assert.equal(bytes.readUInt32BE(mdatAt), bytes.length - mdatAt)
    await fixture.assertProved(recording)
  }
})

test('a stream that is called like a version gets its numbers all the same', async () => {
  await using fixture = await RecorderFixture.open()
  for (const version of ['', '_v2', '_v3']) {
    const recording = await record(fixture, { format: 'mp4', path: 'cam_v2', rotate: { seconds: 1 } })
    assert.deepEqual(names(recording), [`cam_v2${version}.mp4`, `cam_v2${version}_part0002.mp4`])
  }
})

test('a request chooses among the allowed roots, links out of them are refused', async () => {
  await using fixture = await RecorderFixture.open()
  const other = fixture.folder.at('archive')
  await using roots = await RecorderFixture.open({ settings: { roots: [fixture.root, other] } })
  const recording = await record(roots, { format: 'mp4', root: 'archive' })
  assert.equal(recording.parts[0]?.root, other)
  await roots.assertProved(recording)
  await mkdir(fixture.folder.at('outside'))
  await symlink(fixture.folder.at('outside'), `${other}/out`)
  const publisher = roots.publish('live/cam1')
  publisher.send(source.units)
  const refused = { code: 'storage/outside-root' }
  await assert.rejects(roots.start({ root: other, path: 'out/x', ifExists: 'fail' }), refused)
  await assert.rejects(roots.start({ root: other, path: '../x' }), { code: 'recorder/request-invalid' })
  await assert.rejects(roots.start({ root: fixture.folder.at('outside') }), { code: 'recorder/request-invalid' })
  assert.deepEqual(await readdir(fixture.folder.at('outside')), [])
})

test('whatever a recording is to be called, it gets a file below the root, or a clear refusal', async () => {
  await using fixture = await RecorderFixture.open()
  const hostile = [
    ...[
      '../../x',
      'a/../../x',
      '/etc/x',
      '..',
      '.',
      '',
      '\0',
      'x\0y',
      'a/b',
      '.hidden',
      '...',
      '~',
      'a\\b',
      'CON',
      'nul.mp4',
    ],
    ...[
      '😀'.repeat(300),
      'x'.repeat(4_000),
      `${'a/'.repeat(2_000)}b`,
      '\u202egpj',
      '\ud800',
      ' ',
      'x. ',
      '{stream}',
      '%2e%2e%2fx',
    ],
    ...['.x.replacing1', 'x_part0001', 'x_v2', '-rf', '"$(id)"', 'a\nb', 'é', 'e\u0301', `${'/'.repeat(50)}x`],
  ]
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  let files = 0
  for (const text of hostile) {
    const requests: Partial<RecordingRequest>[] = [
      { path: text },
      { name: '{stream}', nameValues: { stream: text.slice(0, 1_024) } },
      {
        name: '{login}-{sessionId}-{endTime}',
        nameValues: { login: text.slice(0, 1_024), sessionId: text.slice(0, 1_024) },
      },
      { name: '{stream}', nameValues: { stream: text.slice(0, 1_024) }, nameText: { encoding: 'base64url' } },
    ]
    for (const request of requests) {
      let id: string
      try {
        id = (await fixture.start({ format: 'ts', ...request })).id
      } catch (error) {
        assert.ok(error instanceof TapedeckError && error.origin === 'client', `${JSON.stringify(text)}: ${error}`)
        continue
      }
      const recording = await fixture.recorder.stop(id)
      if (recording.state === 'failed') {
        assert.match(recording.error?.code ?? '', /^storage\//, JSON.stringify(text))
        continue
      }
      files++
      const path = fixture.path(recording.parts[0])
      assert.ok((await realpath(path)).startsWith(`${await realpath(fixture.root)}/`), path)
      assert.ok((await stat(path)).size > 0)
      await fixture.assertProved(recording)
    }
  }
  assert.ok(files > 100, `${files} files`)
  assert.deepEqual((await readdir(fixture.folder.path)).toSorted(), ['data', 'recordings'])
  publisher.end('unpublished')
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

test('a file is appended to in its own format where the request leaves it open', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units)
  const first = await fixture.start({ name: 'x', format: 'flv' })
  await fixture.recorder.stop(first.id)
  const again = await fixture.start({ name: 'x', ifExists: 'append' })
  const recording = await fixture.recorder.stop(again.id)
  assert.equal(again.id, first.id)
  assert.equal(recording.format, 'flv')
  assert.equal(recording.error, null)
  assert.deepEqual(
    recording.parts.map(({ path }) => path),
    ['x.flv'],
  )
  await fixture.assertProved(recording)
})
