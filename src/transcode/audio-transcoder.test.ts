import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { AUDIO_CODECS, type AudioCodec } from '#media/codec.ts'
import { makeAudioFormat } from '#media/format.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import type { AudioTranscode, TranscodeLoss } from './audio-transcode.ts'
import { AudioTranscoder } from './audio-transcoder.ts'
import { type AacEncoder, targetOf } from './target.ts'

const UNIT_MS = 20

function g711(codec: AudioCodec = 'pcma'): AudioFormat {
  return makeAudioFormat({
    trackId: 2,
    codec,
    timescale: 8_000,
    configuration: new Uint8Array(0),
    sampleRateHz: 8_000,
    channels: 1,
  })
}

/** A transcoder whose clock can be set ahead, and what comes out of its tracks. */
class Bench implements AsyncDisposable {
  aheadMs = 0
  readonly errors: object[] = []
  readonly transcoder: AudioTranscoder
  readonly #memory = new PayloadMemory()

  constructor(aacEncoder: AacEncoder = 'aac') {
    const log = { ...SILENT_LOGGER, error: (fields: object) => void this.errors.push(fields) }
    this.transcoder = new AudioTranscoder({
      runtime: { monotonicMs: () => performance.now() + this.aheadMs, log },
      aacEncoder,
    })
  }

  open(source = g711(), capacityBytes = 1_000_000): BenchTrack {
    return new BenchTrack(this.transcoder, this.#memory, source, capacityBytes)
  }

  get pid(): number {
    const { pid } = this.transcoder
    assert.ok(pid !== undefined, 'there is a child')
    return pid
  }

  async until(what: () => boolean): Promise<void> {
    const endsMs = performance.now() + 20_000
    while (!what()) {
      if (performance.now() > endsMs) throw new Error(`waited too long for ${what}`)
      await sleep(5)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transcoder[Symbol.asyncDispose]()
    assert.equal(this.transcoder.inUseBytes, 0, 'all memory is back')
  }
}

class BenchTrack {
  readonly transcode: AudioTranscode
  readonly losses: TranscodeLoss[] = []
  readonly positions: number[] = []
  pushed = 0
  written = 0
  readonly #memory: PayloadMemory
  readonly #source: AudioFormat

  constructor(transcoder: AudioTranscoder, memory: PayloadMemory, source: AudioFormat, capacityBytes: number) {
    this.#memory = memory
    this.#source = source
    this.transcode = transcoder.open(source, targetOf(source, 'aac', 0), capacityBytes, {
      accessUnit: ({ dts, sourceAccessUnits, payloadBytes }) => {
        assert.ok(payloadBytes > 0)
        this.positions.push(dts)
        this.written += sourceAccessUnits
      },
      lost: (loss) => void this.losses.push(loss),
    })
  }

  get lost(): number {
    return this.losses.reduce((sum, { accessUnits }) => sum + accessUnits, 0)
  }

  push(units: number, format = this.#source): void {
    for (let i = 0; i < units; i++) this.pushPayload(new Uint8Array(160).fill(0xd5), format)
  }

  pushPayload(payload: Uint8Array, format = this.#source): void {
    using arena = this.#memory.arena()
    const place = arena.reserve(payload.length)
    place.bytes.set(payload)
    const dts = this.pushed * 160
    const accessUnit = new AccessUnit(format, { dts, pts: dts, isRandomAccess: true }, place)
    this.transcode.push(accessUnit, this.pushed * UNIT_MS)
    accessUnit.release()
    this.pushed++
  }

  assertBalanced(): void {
    assert.equal(this.written + this.lost, this.pushed, JSON.stringify(this.losses))
    assert.equal(this.transcode.heldBytes, 0)
  }
}

test('frames follow each other without a gap, and every access unit is in one', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(500)
  await track.transcode.flush()
  track.assertBalanced()
  assert.equal(track.lost, 0)
  assert.deepEqual(
    track.positions,
    Array.from({ length: 79 }, (_, i) => i * 1_024),
  )
  track.transcode[Symbol.dispose]()
})

test('what comes after an end goes on where it lies', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(10)
  await track.transcode.flush()
  const ended = track.positions.length
  track.push(40)
  await track.transcode.flush()
  track.assertBalanced()
  assert.equal(track.lost, 0)
  assert.ok(ended >= 1 && track.positions.length > ended)
  assert.ok(
    track.positions.every((position, index) => index === 0 || position >= (track.positions[index - 1] ?? 0) + 1_024),
  )
  track.transcode[Symbol.dispose]()
})

test('the source may change its codec on the way', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(100)
  track.push(100, g711('pcmu'))
  await track.transcode.flush()
  track.assertBalanced()
  assert.equal(track.lost, 0)
  track.transcode[Symbol.dispose]()
})

test('more than may wait is lost, the rest is not', async () => {
  await using bench = new Bench()
  const track = bench.open(g711(), 160 * 50)
  track.push(80)
  await track.transcode.flush()
  await bench.until(() => track.lost > 0)
  assert.deepEqual(
    track.losses.map(({ accessUnits, cause, fromMs, toMs }) => ({ accessUnits, cause, fromMs, toMs })),
    [{ accessUnits: 30, cause: 'overload', fromMs: 1_000, toMs: 1_580 }],
  )
  track.assertBalanced()
  track.push(20)
  await track.transcode.flush()
  track.assertBalanced()
  assert.equal(track.lost, 30)
  track.transcode[Symbol.dispose]()
})

test('what a track has not got when it is closed is lost', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(30)
  track.transcode[Symbol.dispose]()
  track.push(1)
  track.assertBalanced()
  assert.equal(track.lost, 31)
})

test('a child that is killed takes what it had, the next one goes on', async () => {
  await using bench = new Bench()
  const [track, other] = [bench.open(), bench.open()]
  for (const each of [track, other]) each.push(100)
  await bench.until(() => track.positions.length > 10 && other.positions.length > 10)
  const { pid } = bench
  process.kill(pid, 'SIGKILL')
  await bench.until(() => bench.errors.length > 0)
  for (const each of [track, other]) each.push(100)
  await Promise.all([track.transcode.flush(), other.transcode.flush()])
  assert.notEqual(bench.pid, pid)
  for (const each of [track, other]) {
    each.assertBalanced()
    // Less than two frames were between input and output.
    assert.ok(each.lost > 0 && each.lost < 30, `${each.lost} lost`)
    assert.equal(each.losses[0]?.cause, 'restart')
    const [first = 0] = each.positions
    assert.ok(
      each.positions.every((position, index) => position === first + index * 1_024),
      'silence in between',
    )
    each.transcode[Symbol.dispose]()
  }
})

test('a child that hangs is ended', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(20)
  await track.transcode.settled()
  process.kill(bench.pid, 'SIGSTOP')
  track.push(20)
  const settled = track.transcode.settled()
  bench.aheadMs += 11_000
  await settled
  assert.match(JSON.stringify(bench.errors), /process-ended/)
  track.push(20)
  bench.aheadMs += 1_000
  await track.transcode.flush()
  track.assertBalanced()
  track.transcode[Symbol.dispose]()
})

test('a track that ends one child after the other gets no further one; others do', async () => {
  await using bench = new Bench()
  const [track, other] = [bench.open(), bench.open()]
  for (let strike = 1; strike <= 3; strike++) {
    track.push(10)
    other.push(10)
    await Promise.all([track.transcode.settled(), other.transcode.settled()])
    const { pid } = bench
    // It is at work on this track's message when it crashes.
    process.kill(pid, 'SIGSTOP')
    track.push(10)
    const settled = track.transcode.settled()
    process.kill(pid, 'SIGSEGV')
    process.kill(pid, 'SIGCONT')
    await settled
    assert.equal(bench.errors.length, strike)
    bench.aheadMs += 10_000
  }
  assert.equal(track.losses.at(-1)?.error?.code, 'transcode/track-given-up')
  track.push(10)
  other.push(10)
  await Promise.all([track.transcode.flush(), other.transcode.flush()])
  await bench.until(() => track.written + track.lost === track.pushed)
  assert.equal(track.losses.at(-1)?.cause, 'publisher')
  other.assertBalanced()
  assert.ok(other.lost < other.pushed)
  for (const each of [track, other]) each.transcode[Symbol.dispose]()
})

test('a child without work is ended, and started again', async () => {
  await using bench = new Bench()
  const track = bench.open()
  track.push(20)
  await track.transcode.flush()
  const { pid } = bench
  track.transcode[Symbol.dispose]()
  bench.aheadMs += 31_000
  await bench.until(() => bench.transcoder.pid === undefined)
  const again = bench.open()
  again.push(20)
  await again.transcode.flush()
  assert.notEqual(bench.pid, pid)
  again.assertBalanced()
  again.transcode[Symbol.dispose]()
})

test('a configuration that is none makes its sound undecodable, and nothing else', async () => {
  await using bench = new Bench()
  const bad = { ...g711(), codec: 'aac', configuration: Uint8Array.of(0xff, 0xff, 0xff, 0xff) } as const
  const [track, other] = [bench.open(bad), bench.open()]
  for (const each of [track, other]) each.push(20)
  await Promise.all([track.transcode.flush(), other.transcode.flush()])
  assert.equal(track.lost, 20)
  assert.equal(track.losses[0]?.error?.code, 'transcode/undecodable')
  assert.equal(other.lost, 0)
  assert.deepEqual(bench.errors, [])
  for (const each of [track, other]) {
    each.assertBalanced()
    each.transcode[Symbol.dispose]()
  }
})

for (const codec of AUDIO_CODECS) {
  test(`bytes of no sense as ${codec} are sound or lost, and nothing ends`, async () => {
    await using bench = new Bench()
    const track = bench.open({ ...g711(), codec, configuration: CONFIGURATIONS[codec] ?? new Uint8Array(0) })
    const random = pseudoRandom(codec.length)
    for (let i = 0; i < 300; i++) track.pushPayload(Uint8Array.from({ length: i % 7 === 0 ? 0 : random() * 8 }, random))
    await track.transcode.flush()
    track.assertBalanced()
    assert.ok(track.lost >= 43, 'empty ones hold no sound')
    assert.deepEqual(bench.errors, [])
    track.transcode[Symbol.dispose]()
  })
}

/** What decoders need to begin with. */
const CONFIGURATIONS: Partial<Record<AudioCodec, Uint8Array>> = {
  aac: Uint8Array.of(0x12, 0x10),
  opus: Buffer.from('OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00', 'latin1'),
  g726: Uint8Array.of(4),
}

/** Bytes, the same in every run. */
function pseudoRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
}

test('an encoder that is not there is told by name', async () => {
  await using bench = new Bench('libnone_aac' as AacEncoder)
  await assert.rejects(bench.transcoder.check(), { code: 'transcode/encoder-missing', encoder: 'libnone_aac' })
  await using present = new Bench('libfdk_aac')
  await present.transcoder.check()
  const track = present.open()
  track.push(100)
  await track.transcode.flush()
  track.assertBalanced()
  assert.equal(track.lost, 0)
  track.transcode[Symbol.dispose]()
})
