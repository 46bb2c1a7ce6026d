import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { Hub, StreamPathInUseError, TooManyPublishersError } from './hub.ts'
import { NO_CONNECTION_FACTS, type Publisher, type StreamSink } from './stream.ts'
import { StreamQueue } from './stream-queue.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()
const publisher: Publisher = {
  protocol: 'test',
  remoteAddress: '127.0.0.1',
  connectionId: 'c',
  encoder: '',
  ...NO_CONNECTION_FACTS,
  disconnect() {},
}

function hubOf(options: Partial<ConstructorParameters<typeof Hub>[1]> = {}) {
  const runtime = { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER }
  return new Hub(runtime, { maxPublishers: 10, gopMemoryBytes: 10_000, ...options })
}

/** Lists what it is told. */
function listing(): StreamSink & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    accessUnit: ({ format, dts }: AccessUnit, startsGop) =>
      seen.push(`${format.kind.charAt(0)}${Math.round((dts * 1000) / format.timescale)}${startsGop ? '!' : ''}`),
    format: ({ kind, trackId }) => seen.push(`${kind}#${trackId}`),
    ended: ({ cause }) => seen.push(cause),
  }
}

test('a sink that joins in mid-GOP begins at the remembered random access point', () => {
  const { stream, end } = hubOf().publish('live/cam', publisher)
  stream.setFormat(video)
  stream.setFormat(audio)
  for (const each of [
    unit(video, 0, { key: true }),
    unit(video, 40),
    unit(video, 80, { key: true }),
    unit(audio, 81),
  ]) {
    stream.write(each)
  }
  const sink = listing()
  stream.attach(sink, { from: 'memory', live: false })
  stream.write(unit(video, 120))
  end({ cause: 'unpublished', message: '' })
  assert.deepEqual(sink.seen, ['video#1', 'audio#2', 'v80!', 'a81', 'v120', 'unpublished'])
})

test('a GOP beyond the memory is forgotten until the next one', () => {
  const { stream } = hubOf({ gopMemoryBytes: 250 }).publish('live/cam', publisher)
  stream.setFormat(video)
  for (let i = 0; i < 3; i++) stream.write(unit(video, i * 40, { key: i === 0, bytes: 100 }))
  assert.equal(stream.memoryBytes, 0)
  stream.write(unit(video, 120, { key: true, bytes: 100 }))
  assert.equal(stream.memoryBytes, 100)
})

test('one publisher a path, and no more than the limit', () => {
  const hub = hubOf({ maxPublishers: 1 })
  const first = hub.publish('/live/cam/', publisher)
  assert.throws(() => hub.publish('live/cam', publisher), StreamPathInUseError)
  assert.throws(() => hub.publish('live/other', publisher), TooManyPublishersError)
  first.end({ cause: 'lost', message: '' })
  assert.equal(hub.publish('live/cam', publisher).stream.path, 'live/cam')
})

test('a throwing sink disturbs nobody, and one that leaves is told no more', () => {
  const { stream } = hubOf().publish('live/cam', publisher)
  stream.setFormat(audio)
  const bad: StreamSink = { ...listing(), accessUnit: () => assert.fail('on purpose') }
  stream.attach(bad, { from: 'now', live: false })
  const good = listing()
  const attachment = stream.attach(good, { from: 'now', live: true })
  assert.equal(stream.isWatched, true)
  stream.write(unit(audio, 0))
  attachment[Symbol.dispose]()
  assert.equal(stream.isWatched, false)
  stream.write(unit(audio, 21))
  assert.deepEqual(good.seen, ['audio#2', 'a0!'])
})

test('a full queue loses whole GOPs, says so, and goes on at a random access point', () => {
  const { stream } = hubOf().publish('live/cam', publisher)
  stream.setFormat(video)
  let readable = 0
  const queue = new StreamQueue(450, () => readable++)
  stream.attach(queue, { from: 'now', live: true })
  for (let i = 0; i < 8; i++) stream.write(unit(video, i * 40, { key: i % 4 === 0, bytes: 100 }))
  const taken = queue.takeAll()
  for (const item of taken) if (item.kind === 'accessUnit') item.accessUnit.release()
  assert.deepEqual(
    taken.map(({ kind }) => kind),
    ['format', 'accessUnit', 'accessUnit', 'accessUnit', 'accessUnit'],
  )
  for (let i = 8; i < 14; i++) stream.write(unit(video, i * 40, { key: i % 4 === 0, bytes: 100 }))
  const later = queue.takeAll()
  assert.deepEqual(
    later.map((item) => (item.kind === 'lost' ? `lost ${item.accessUnits}` : item.kind)),
    ['lost 4', 'accessUnit', 'accessUnit', 'accessUnit', 'accessUnit'],
  )
  assert.equal(readable, 2)
})
