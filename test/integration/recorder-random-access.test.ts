import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture, testRule } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** One GOP a second, of 25 pictures. */
let source: ElementarySource
let folder: TempFolder
before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 8, size: '160x90' })
})
after(() => folder[Symbol.asyncDispose]())

const ms = ({ dts, format }: { dts: number; format: { timescale: number } }) => (dts * 1000) / format.timescale

/** A publisher that counts how often it is asked, and sends one GOP, or what comes after its beginning. */
function askedPublisher(fixture: RecorderFixture) {
  const publisher = fixture.publish('live/cam1')
  const stream = fixture.hub.get('live/cam1')
  assert.ok(stream !== undefined)
  const asked = { times: 0 }
  stream.askRandomAccess = () => {
    asked.times++
  }
  const send = (gop: number, from = 0) => {
    const units = source.units.filter((unit) => ms(unit) >= gop * 1_000 - 80 && ms(unit) < gop * 1_000 + 920)
    const start = units.findIndex(({ format, isRandomAccess }) => format.kind === 'video' && isRandomAccess)
    publisher.send(units.slice(start + from))
  }
  return { publisher, asked, send }
}

test('what is remembered and young begins a recording; nobody is asked', async () => {
  await using fixture = await RecorderFixture.open()
  const { publisher, asked, send } = askedPublisher(fixture)
  send(1)
  fixture.advance(1_900)
  const { id } = await fixture.start()
  assert.equal(asked.times, 0)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.ok((recording.parts[0]?.tracks[0]?.accessUnits ?? 0) >= 20)
})

for (const ifExists of ['version', 'append'] as const) {
  test(`a source that can be asked begins a recording anew instead of minutes ago (${ifExists})`, async () => {
    await using fixture = await RecorderFixture.open()
    const { publisher, asked, send } = askedPublisher(fixture)
    send(1)
    fixture.advance(60_000)
    const { id } = await fixture.start({ ifExists })
    assert.ok(asked.times > 0)
    send(2, 5)
    await sleep(50)
    send(3)
    publisher.end('unpublished')
    const recording = await fixture.recorder.stop(id)
    const video = recording.ledger.tracks.find(({ kind }) => kind === 'video')
    assert.ok(video !== undefined && video.received >= 20 && video.received <= 26, JSON.stringify(recording.ledger))
    const { packets } = await ffprobe(fixture.paths(recording)[0] ?? '')
    const pictures = packets.filter(({ stream_index }) => stream_index === 0)
    assert.equal(pictures.length, video.received)
    assert.match(pictures[0]?.flags ?? '', /K/)
    await fixture.assertProved(recording)
  })
}

test('a source that can’t be asked begins where it is remembered, however old that is', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(source.units.filter((unit) => ms(unit) < 900))
  fixture.advance(60_000)
  const { id } = await fixture.start()
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.ok((recording.ledger.tracks[0]?.received ?? 0) > 20)
})

test('pre-roll is what was asked for: it begins where that is remembered', async () => {
  await using fixture = await RecorderFixture.open()
  const { publisher, asked, send } = askedPublisher(fixture)
  send(1)
  fixture.advance(5_000)
  const { id } = await fixture.start({ preRollSeconds: 10 })
  assert.equal(asked.times, 0)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.ok((recording.ledger.tracks[0]?.received ?? 0) > 20)
})

test('while a recording waits it asks again each second, and not once it has begun', async () => {
  await using fixture = await RecorderFixture.open()
  const { publisher, asked, send } = askedPublisher(fixture)
  send(1, 3)
  const { id } = await fixture.start()
  for (let second = 1; second <= 4; second++) {
    const before = asked.times
    fixture.advance(1_001)
    send(second, 5)
    assert.equal(asked.times, before + 1, `second ${second}`)
  }
  send(5)
  const before = asked.times
  fixture.advance(1_001)
  send(6, 5)
  assert.equal(asked.times, before)
  publisher.end('unpublished')
  assert.equal((await fixture.recorder.stop(id)).state, 'ready')
})

test('a split asks at once, a rotation when it is due, and both only until they are made', async () => {
  await using fixture = await RecorderFixture.open()
  const { publisher, asked, send } = askedPublisher(fixture)
  const { id } = await fixture.start({ waitForStream: true, rotate: { seconds: 2 } })
  send(0)
  asked.times = 0
  fixture.advance(5_000)
  await fixture.until(id, ({ state }) => state === 'recording')
  await fixture.recorder.split(id)
  assert.equal(asked.times, 1)
  send(1)
  await fixture.until(id, ({ parts }) => parts.length === 2)
  fixture.advance(5_000)
  send(2, 5)
  assert.equal(asked.times, 1, 'nothing is due')
  send(3, 5)
  assert.equal(asked.times, 2, 'two seconds have passed')
  send(4)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.parts.length, 3)
  assert.equal(asked.times, 2)
})

test('exact cuts wait for nothing, and nobody is asked', async () => {
  await using fixture = await RecorderFixture.open()
  const { publisher, asked, send } = askedPublisher(fixture)
  const { id } = await fixture.start({ waitForStream: true, rotate: { seconds: 2, cut: 'exact' } })
  send(0)
  asked.times = 0
  fixture.advance(5_000)
  for (const gop of [1, 2, 3, 4]) send(gop, 1)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.ok(recording.parts.length >= 2)
  assert.equal(asked.times, 0)
})

for (const silent of [false, true]) {
  test(`a publisher that begins in the middle of a GOP: what can’t be shown is in the ledger (${silent ? 'pictures only' : 'with sound'})`, async () => {
    const rules = [testRule('live/*', silent ? { tracks: { audio: false } } : {})]
    await using fixture = await RecorderFixture.open({ rules, settings: { trackWaitMs: 20 } })
    const units = source.units.filter((unit) => ms(unit) >= 480 && ms(unit) < 2_000)
    const pictures = units.filter(({ format }) => format.kind === 'video')
    const first = pictures.findIndex(({ isRandomAccess }) => isRandomAccess)
    assert.ok(first > 5 && pictures[first] !== undefined && pictures[0] !== undefined)
    const publisher = fixture.publish('live/cam1')
    publisher.send(units)
    publisher.end('unpublished')
    const recording = await fixture.ready()
    await fixture.assertProved(recording)
    const { tracks, gaps } = recording.ledger
    const video = tracks.find(({ kind }) => kind === 'video')
    assert.deepEqual([video?.received, video?.lost], [pictures.length, first])
    const [gap, ...others] = gaps
    assert.deepEqual(others, [])
    assert.deepEqual([gap?.cause, gap?.accessUnits, gap?.packets], ['publisher', first, 0])
    assert.ok(Math.abs((gap?.missingMs ?? 0) - (ms(pictures[first]) - ms(pictures[0]))) < 1, JSON.stringify(gap))
    // With sound the recording begins with it, and the gap lies where its pictures are missing.
    const lengthMs = silent ? 0 : gap?.missingMs
    assert.ok(Math.abs((gap?.toMs ?? 0) - (gap?.fromMs ?? 0) - (lengthMs ?? 0)) < 30, JSON.stringify(gap))
  })
}
