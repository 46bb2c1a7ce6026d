import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PayloadMemory, type Reservation } from '#media/payload-memory.ts'
import { PullReaderError } from './errors.ts'
import { FrameWriter } from './frame-writer.ts'
import { FrameReader, type FrameSink, type OverFrame, type TrackFrame, type UnitHead } from './wire.ts'

const TRACK: TrackFrame = {
  trackId: 1,
  codec: 'h264',
  timescale: 90_000,
  configuration: '',
  widthPixels: 0,
  heightPixels: 0,
  sampleRateHz: 0,
  channels: 0,
  language: '',
}
const OVER: OverFrame = { how: 'ended', isOpen: true, message: 'bye', reasons: [] }

/** Notes everything; memory in use shows what was not given back. */
class NotingSink implements FrameSink {
  readonly memory = new PayloadMemory()
  readonly arena = this.memory.arena()
  readonly seen: unknown[] = []

  opened(frame: object): void {
    this.seen.push(frame)
  }

  track(frame: object): void {
    this.seen.push(frame)
  }

  over(frame: object): void {
    this.seen.push(frame)
  }

  place(_trackId: number, bytes: number): Reservation {
    return this.arena.reserve(bytes)
  }

  accessUnit(head: UnitHead, reservation: Reservation): void {
    this.seen.push({ ...head, payload: [...reservation.bytes] })
    reservation.chunk.release()
  }
}

const UNIT = fc.record(
  {
    trackId: fc.integer({ min: 1, max: 255 }),
    dts: fc.integer({ min: -(2 ** 40), max: 2 ** 50 }),
    pts: fc.integer({ min: -(2 ** 40), max: 2 ** 50 }),
    isRandomAccess: fc.boolean(),
    isDamaged: fc.boolean(),
    isUnusable: fc.boolean(),
    payload: fc.array(fc.nat(255), { minLength: 1, maxLength: 60 }),
  },
  { noNullPrototype: true },
)

test('frames arrive as they were sent, however the pipe cuts them', () => {
  fc.assert(
    fc.property(
      fc.array(UNIT, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (units, cuts) => {
        const written: Buffer[] = []
        const writer = new FrameWriter((bytes) => written.push(Buffer.from(bytes)))
        writer.opened({ format: 'mpegts', left: [] })
        writer.track(TRACK)
        for (const { payload, ...head } of units) writer.accessUnit(head, Uint8Array.from(payload))
        writer.over(OVER)
        const bytes = Buffer.concat(written)
        const sink = new NotingSink()
        using reader = new FrameReader(sink)
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const cut = cuts[i % cuts.length] ?? 1
          reader.push(bytes.subarray(at, at + cut))
          at += cut
        }
        assert.deepEqual(sink.seen, [{ format: 'mpegts', left: [] }, TRACK, ...units, OVER])
      },
    ),
  )
})

test('an access unit larger than what is gathered goes alone', () => {
  const written: Buffer[] = []
  const writer = new FrameWriter((bytes) => written.push(Buffer.from(bytes)))
  const payload = new Uint8Array(1_000_000).fill(7)
  const head = { trackId: 3, dts: 1, pts: 2, isRandomAccess: true, isDamaged: false, isUnusable: false }
  writer.accessUnit(head, Uint8Array.of(1))
  writer.accessUnit(head, payload)
  writer.accessUnit(head, Uint8Array.of(2))
  writer.flush()
  const sink = new NotingSink()
  using reader = new FrameReader(sink)
  reader.push(Buffer.concat(written))
  assert.deepEqual(
    sink.seen.map((each) => (each as { payload: number[] }).payload.length),
    [1, 1_000_000, 1],
  )
})

test('what is no frame is refused, with a typed error or JSON’s, and keeps no memory', () => {
  const wrong = [
    Buffer.from('ffffffff0301000000000000000000000000000000000000', 'hex'),
    Buffer.from('00000000030100000000000000000000000000000000000000', 'hex'),
    Buffer.from('010000000900000000000000000000000000000000000000ff', 'hex'),
    Buffer.from('ffff0f000100000000000000000000000000000000000000', 'hex'),
  ]
  for (const bytes of wrong) {
    using reader = new FrameReader(new NotingSink())
    assert.throws(() => reader.push(bytes), PullReaderError)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const sink = new NotingSink()
      {
        using reader = new FrameReader(sink)
        try {
          reader.push(bytes)
        } catch (error) {
          assert.ok(error instanceof PullReaderError || error instanceof SyntaxError, String(error))
        }
      }
      sink.arena[Symbol.dispose]()
      assert.equal(sink.memory.inUseBytes, 0)
    }),
  )
})
