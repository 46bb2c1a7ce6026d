import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import { AccessUnit } from '#media/access-unit.ts'
import type { AudioFormat, TrackFormat, VideoFormat } from '#media/track.ts'
import { CombinedStream } from './combined-stream.ts'
import { Hub, type Publication } from './hub.ts'
import { NO_CONNECTION_FACTS, type StreamEnd } from './stream.ts'

const VIDEO: VideoFormat = {
  kind: 'video',
  trackId: 1,
  codec: 'h264',
  timescale: 90_000,
  configuration: Uint8Array.of(1),
  announcedBitrateBps: 0,
  language: 'und',
  widthPixels: 320,
  heightPixels: 180,
  pixelAspect: { horizontal: 1, vertical: 1 },
  frameRateHint: 25,
  color: undefined,
}
const AUDIO: AudioFormat = {
  kind: 'audio',
  trackId: 2,
  codec: 'aac',
  timescale: 44_100,
  configuration: Uint8Array.of(0x12, 0x10),
  announcedBitrateBps: 0,
  language: 'und',
  sampleRateHz: 44_100,
  channels: 2,
  samplesPerAccessUnit: 1024,
}

/** A hub whose clock the test sets, and what a combined stream in it carries. */
class Fixture implements Disposable {
  nowMs = 5_000
  readonly hub: Hub
  readonly runtime: Runtime
  readonly combined: CombinedStream
  readonly units: { id: number; ms: number; text: string }[] = []
  readonly formats: TrackFormat[] = []
  readonly endedTracks: number[] = []
  end: StreamEnd | undefined
  isOver = false

  constructor() {
    mock.timers.enable({ apis: ['setTimeout'] })
    let ids = 0
    this.runtime = { nowMs: Date.now, monotonicMs: () => this.nowMs, newId: () => `${++ids}`, log: SILENT_LOGGER }
    this.hub = new Hub(this.runtime, { maxPublishers: 20, gopMemoryBytes: 1024 * 1024 })
    this.combined = new CombinedStream({
      runtime: this.runtime,
      hub: this.hub,
      path: 'room/all',
      onEnded: () => {
        this.isOver = true
      },
    })
    this.hub.get('room/all')?.attach(
      {
        format: (format) => void this.formats.push(format),
        accessUnit: ({ format, dts, payload }) => {
          this.units.push({ id: format.trackId, ms: (dts * 1000) / format.timescale, text: text(payload) })
        },
        trackEnded: (id) => void this.endedTracks.push(id),
        ended: (end) => {
          this.end = end
        },
      },
      { from: 'memory', live: false },
    )
  }

  publish(path: string): TestPublisher {
    return new TestPublisher(this.hub, path)
  }

  /** Lets time pass, and timers fire. */
  pass(ms: number): void {
    this.nowMs += ms
    mock.timers.tick(ms)
  }

  texts(id: number): string[] {
    return this.units.filter((unit) => unit.id === id).map((unit) => unit.text)
  }

  at(wanted: string): number {
    const unit = this.units.find((each) => each.text === wanted)
    assert.ok(unit !== undefined, `${wanted} came`)
    return unit.ms
  }

  [Symbol.dispose](): void {
    mock.timers.reset()
    this.combined[Symbol.dispose]()
    for (const stream of [...this.hub.streams()]) stream.finish({ cause: 'unpublished', message: '' })
    assert.equal(this.hub.payloads.inUseBytes, 0, 'all payload memory is back')
  }
}

class TestPublisher {
  readonly #publication: Publication

  constructor(hub: Hub, path: string) {
    const facts = { ...NO_CONNECTION_FACTS, protocol: 'test', remoteAddress: '', connectionId: '', encoder: '' }
    this.#publication = hub.publish(path, { ...facts, disconnect() {} })
  }

  announce(...formats: readonly TrackFormat[]): this {
    for (const format of formats) this.#publication.stream.setFormat(format)
    return this
  }

  send(format: TrackFormat, ms: number, payload: string, isRandomAccess = true): void {
    const { stream } = this.#publication
    using arena = stream.payloads.arena()
    const bytes = new TextEncoder().encode(payload)
    const reservation = arena.reserve(bytes.length)
    reservation.bytes.set(bytes)
    const dts = Math.round((ms * format.timescale) / 1000)
    stream.write(new AccessUnit(format, { dts, pts: dts, isRandomAccess }, reservation))
  }

  end(): void {
    this.#publication.end({ cause: 'unpublished', message: '' })
  }
}

const text = (payload: Uint8Array) => new TextDecoder().decode(payload)

test('sources become tracks with ids of their own: video odd, audio even', () => {
  using all = new Fixture()
  for (const name of ['a', 'b']) {
    all.combined.add(`room/${name}`)
    const publisher = all.publish(`room/${name}`).announce(VIDEO, AUDIO)
    publisher.send(VIDEO, 0, `${name} video`)
    publisher.send(AUDIO, 0, `${name} audio`)
  }
  all.pass(500)
  assert.deepEqual(all.texts(1), ['a video'])
  assert.deepEqual(all.texts(2), ['a audio'])
  assert.deepEqual(all.texts(3), ['b video'])
  assert.deepEqual(all.texts(4), ['b audio'])
  assert.deepEqual(
    all.formats.map(({ trackId, kind, codec }) => [trackId, kind, codec]),
    [
      [1, 'video', 'h264'],
      [2, 'audio', 'aac'],
      [3, 'video', 'h264'],
      [4, 'audio', 'aac'],
    ],
  )
})

test('clocks of sources are aligned by arrival; what waited somewhere before does not count', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  all.combined.add('room/b')
  const a = all.publish('room/a').announce(VIDEO)
  const b = all.publish('room/b').announce(VIDEO)
  // b's clock began elsewhere, and two seconds of it come at once: they were made before.
  a.send(VIDEO, 0, 'a0')
  for (const ms of [0, 1_000, 2_000]) b.send(VIDEO, 700_000 + ms, `b${ms}`)
  all.pass(400)
  a.send(VIDEO, 400, 'a400')
  b.send(VIDEO, 702_400, 'b2400')
  all.pass(100)
  assert.ok(Math.abs(all.at('a400') - all.at('b2400')) < 0.1)
  assert.ok(Math.abs(all.at('a0') - all.at('b2000')) < 0.1)
  assert.ok(Math.abs(all.at('b2400') - all.at('b0') - 2_400) < 0.1)
  a.send(VIDEO, 480, 'a480')
  assert.ok(Math.abs(all.at('a480') - all.at('a400') - 80) < 0.1)
})

test('within a source nothing moves: steps are those of the source, to the tick', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(AUDIO)
  const ticks: number[] = []
  all.hub
    .get('room/all')
    ?.attach({ format() {}, accessUnit: ({ dts }) => void ticks.push(dts), ended() {} }, { from: 'now', live: false })
  for (let i = 0; i < 50; i++) a.send(AUDIO, (i * 1024 * 1000) / 44_100, `${i}`)
  all.pass(500)
  assert.deepEqual(
    ticks.slice(1).map((tick, i) => tick - (ticks[i] ?? 0)),
    Array.from({ length: 49 }, () => 1024),
  )
})

test('a source that is live already brings what it remembers, from where decoding may begin', () => {
  using all = new Fixture()
  const a = all.publish('room/a').announce(VIDEO)
  a.send(VIDEO, 0, 'old')
  all.pass(1_000)
  a.send(VIDEO, 1_000, 'key')
  all.pass(40)
  a.send(VIDEO, 1_040, 'delta', false)
  all.combined.add('room/a')
  all.pass(500)
  assert.deepEqual(all.texts(1), ['key', 'delta'])
})

test('who comes later begins with a picture that decodes, and never before the stream', () => {
  using all = new Fixture()
  const b = all.publish('room/b').announce(VIDEO)
  b.send(VIDEO, 0, 'before the stream')
  all.pass(3_000)
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(VIDEO)
  a.send(VIDEO, 0, 'a0')
  all.pass(500)
  b.send(VIDEO, 3_500, 'delta', false)
  all.combined.add('room/b')
  all.pass(500)
  b.send(VIDEO, 4_000, 'another', false)
  b.send(VIDEO, 4_040, 'key')
  b.send(VIDEO, 4_080, 'after', false)
  assert.deepEqual(all.texts(3), ['key', 'after'])
})

test('a source that leaves loses its tracks only, and gets them back', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  all.combined.add('room/b')
  const a = all.publish('room/a').announce(VIDEO, AUDIO)
  const b = all.publish('room/b').announce(VIDEO)
  a.send(VIDEO, 0, 'a0')
  b.send(VIDEO, 0, 'b0')
  all.pass(500)
  const stream = all.hub.get('room/all')
  assert.equal(stream?.leadingTrackId, 1)
  a.end()
  assert.deepEqual(all.endedTracks, [1, 2])
  assert.deepEqual([...(stream?.formats.keys() ?? [])], [3])
  assert.equal(stream?.leadingTrackId, 3, 'another one begins GOPs')
  all.pass(10_000)
  b.send(VIDEO, 10_500, 'b10500')
  const again = all.publish('room/a').announce(AUDIO, VIDEO)
  again.send(VIDEO, 90_000, 'a again')
  all.pass(500)
  assert.deepEqual(all.texts(1), ['a0', 'a again'])
  assert.ok(Math.abs(all.at('a again') - all.at('b10500')) < 0.1)
  assert.equal(all.end, undefined)
})

test('removed and added again: nothing comes twice', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(VIDEO)
  a.send(VIDEO, 0, 'key')
  a.send(VIDEO, 40, 'delta', false)
  all.pass(500)
  all.combined.remove('room/a')
  a.send(VIDEO, 80, 'undecodable', false)
  all.combined.add('room/a')
  a.send(VIDEO, 120, 'undecodable', false)
  all.pass(500)
  a.send(VIDEO, 1_000, 'key again')
  assert.deepEqual(all.texts(1), ['key', 'delta', 'key again'])
})

test('whoever asks a combined stream for a random access point asks every source that is there', () => {
  using all = new Fixture()
  for (const name of ['a', 'b', 'c']) all.combined.add(`room/${name}`)
  const asked = { a: 0, b: 0, x: 0 }
  assert.equal(all.hub.get('room/all')?.canAskRandomAccess(), false)
  for (const name of ['a', 'b', 'x'] as const) {
    all.publish(`room/${name}`).announce(VIDEO).send(VIDEO, 0, name)
    const stream = all.hub.get(`room/${name}`)
    assert.ok(stream !== undefined)
    stream.askRandomAccess = () => void asked[name]++
  }
  all.pass(500)
  assert.equal(all.hub.get('room/all')?.canAskRandomAccess(), true)
  all.hub.get('room/all')?.askRandomAccess()
  assert.deepEqual(asked, { a: 1, b: 1, x: 0 })
  all.combined.remove('room/a')
  all.hub.get('room/all')?.askRandomAccess()
  assert.deepEqual(asked, { a: 1, b: 2, x: 0 })
  all.combined.add('room/a')
  assert.equal(asked.a, 2, 'what it remembers has been passed on: it is asked for a new one')
})

test('another format of a source is another format of the same track', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(VIDEO)
  a.send(VIDEO, 0, 'small')
  all.pass(500)
  const large: VideoFormat = { ...VIDEO, widthPixels: 640, configuration: Uint8Array.of(2) }
  a.announce(large)
  a.send(large, 500, 'large')
  assert.deepEqual(
    all.formats.map((format) => (format.kind === 'video' ? [format.trackId, format.widthPixels] : [])),
    [
      [1, 320],
      [1, 640],
    ],
  )
  assert.deepEqual(all.texts(1), ['small', 'large'])
})

test('a source whose clock jumps stays aligned with the others', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(VIDEO, AUDIO)
  a.send(VIDEO, 0, 'v0')
  a.send(AUDIO, 0, 's0')
  all.pass(500)
  all.pass(500)
  a.send(VIDEO, 9_000_000, 'jumped')
  a.send(AUDIO, 9_000_010, 'jumped too')
  assert.ok(Math.abs(all.at('jumped') - all.at('v0') - 1_000) < 0.1)
  assert.ok(Math.abs(all.at('jumped too') - all.at('jumped') - 10) < 0.1)
})

test('a source shorter than the wait is part of it all the same; so is what waits when the stream is ended', () => {
  using all = new Fixture()
  all.combined.add('room/a')
  const a = all.publish('room/a').announce(VIDEO)
  a.send(VIDEO, 0, 'short')
  a.end()
  assert.deepEqual(all.texts(1), ['short'])
  all.combined.add('room/b')
  const b = all.publish('room/b').announce(VIDEO)
  b.send(VIDEO, 0, 'waiting')
  all.combined[Symbol.dispose]()
  assert.deepEqual(all.texts(3), ['waiting'])
  assert.equal(all.end?.cause, 'unpublished')
  assert.ok(all.isOver)
  b.send(VIDEO, 40, 'later')
  assert.equal(all.units.length, 2)
})

test('a stream is no part of itself, nor of another combined one; a disconnect ends it', () => {
  using all = new Fixture()
  assert.throws(() => all.combined.add('/room/all/'), { code: 'combined/source-refused' })
  const options = { runtime: all.runtime, hub: all.hub, onEnded() {} }
  using other = new CombinedStream({ ...options, path: 'room/other' })
  assert.throws(() => all.combined.add('room/other'), { code: 'combined/source-refused' })
  other.add('room/third')
  using third = new CombinedStream({ ...options, path: 'room/third' })
  third.add('room/a')
  all.publish('room/a').announce(VIDEO).send(VIDEO, 0, 'x')
  all.pass(500)
  assert.equal(all.hub.get('room/other')?.formats.size, 0)
  assert.equal(all.hub.get('room/third')?.formats.size, 1)
  all.hub.get('room/all')?.publisher.disconnect('asked')
  assert.deepEqual(all.end, { cause: 'disconnected', message: 'asked' })
})
