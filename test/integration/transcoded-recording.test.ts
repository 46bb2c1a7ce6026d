import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type Beep, beepsOf, beepUnits, interleaved } from '#test/support/beeps.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { ffprobe, joinedHashes } from '#test/support/outside-judges.ts'
import { RecorderFixture, type TestPublisher } from '#test/support/recorder-fixture.ts'

/** Coders of their own have delays of a millisecond or two. */
const TOLERANCE_MS = 3
const HERTZ = 400

/** 200 ms at the beginning of each second. */
function assertBeeps(found: readonly Beep[], secondsAt: readonly number[]): void {
  assert.equal(found.length, secondsAt.length, JSON.stringify(found))
  for (const [index, { fromMs, toMs, hertz }] of found.entries()) {
    const atMs = (secondsAt[index] ?? 0) * 1000
    const text = `beep ${index}: ${fromMs} to ${toMs} ms, ${hertz} Hz, expected at ${atMs} ms`
    // Where sound begins at once, a coder of overlapping frames fades it in over the first.
    const fadeMs = atMs === 0 ? 128 : 0
    assert.ok(fromMs > atMs - TOLERANCE_MS && fromMs < atMs + fadeMs + TOLERANCE_MS, text)
    assert.ok(Math.abs(toMs - atMs - 200) < TOLERANCE_MS, text)
    assert.ok(Math.abs(hertz - HERTZ) < 5, text)
  }
}

/** Shown as they are decoded, so that the file begins with both tracks. */
async function pictures(fixture: RecorderFixture, seconds: number): Promise<readonly SourceUnit[]> {
  return (await makeSource(fixture.folder, { video: 'h264', seconds, encoding: ['-bf', '0'] })).units
}

/** In real time, as much of it as matters: sound must not all be there before anything of it is written. */
async function sendInTime(publisher: TestPublisher, units: readonly SourceUnit[], speed = 4): Promise<void> {
  const startedMs = performance.now()
  for (const unit of units) {
    const dueMs = (unit.dts * 1000) / unit.format.timescale / speed
    const aheadMs = startedMs + dueMs - performance.now()
    if (aheadMs > 5) await sleep(aheadMs)
    publisher.send([unit])
  }
}

function pathOf(fixture: RecorderFixture, recording: RecordingDocument): string {
  const [path = ''] = fixture.paths(recording)
  return path
}

for (const codec of ['pcma', 'pcmu', 'l16', 'g722', 'g726'] as const) {
  test(`${codec} in MP4 becomes AAC, each sound at its time`, async () => {
    await using fixture = await RecorderFixture.open()
    const sound = await beepUnits(codec, { hertz: HERTZ, seconds: 3, trackId: 2 })
    const publisher = fixture.publish('live/cam1')
    const { id } = await fixture.start()
    await publisher.sendSlowly(interleaved(await pictures(fixture, 3), sound))
    const recording = await fixture.recorder.stop(id)
    await fixture.assertProved(recording)
    assert.equal(recording.error, null)
    assert.equal(recording.format, 'mp4')
    const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
    const counts = { received: sound.length, written: sound.length, lost: 0 }
    assert.deepEqual(track, { trackId: 2, kind: 'audio', codec, transcoded: 'aac', ...counts })
    assert.ok(Math.abs(recording.durationMs - 3000) < 140, `${recording.durationMs} ms`)
    const path = pathOf(fixture, recording)
    const { streams } = await ffprobe(path)
    assert.deepEqual(
      streams.map(({ codec_name }) => codec_name),
      ['h264', 'aac'],
    )
    assertBeeps(await beepsOf(path), [0, 1, 2])
  })
}

test('other codecs and sample rates on request', async (t) => {
  await using fixture = await RecorderFixture.open()
  const units = interleaved(
    await pictures(fixture, 2),
    await beepUnits('pcma', { hertz: HERTZ, seconds: 2, trackId: 2 }),
  )
  const cases = [
    { audio: { codec: 'copy' }, format: 'mp4', codec: 'pcm_alaw', rate: '8000' },
    { audio: { codec: 'aac', sampleRate: 48_000 }, format: 'mp4', codec: 'aac', rate: '48000' },
    { audio: { codec: 'opus' }, format: 'mp4', codec: 'opus', rate: '48000' },
    { audio: {}, format: 'flv', codec: 'pcm_alaw', rate: '8000' },
    { audio: { codec: 'aac' }, format: 'flv', codec: 'aac', rate: '8000' },
    { audio: {}, format: 'ts', codec: 'aac', rate: '8000' },
  ] as const
  for (const { audio, format, codec, rate } of cases) {
    await t.test(`${JSON.stringify(audio)} in ${format}`, async () => {
      const publisher = fixture.publish('live/cam1')
      const { id } = await fixture.start({ audio, format })
      await publisher.sendSlowly(units)
      const recording = await fixture.recorder.stop(id)
      publisher.end('unpublished')
      await fixture.assertProved(recording)
      const path = pathOf(fixture, recording)
      const stream = (await ffprobe(path)).streams.find(({ codec_type }) => codec_type === 'audio')
      assert.equal(stream?.codec_name, codec)
      assert.equal(stream?.sample_rate, rate)
      assertBeeps(await beepsOf(path), [0, 1])
    })
  }
})

test('what AAC came is left as it is unless another rate is wanted', async () => {
  await using fixture = await RecorderFixture.open()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 2 })
  const publisher = fixture.publish('live/cam1')
  publisher.announce(source.formats)
  const kept = await fixture.start({ audio: { codec: 'aac' }, name: 'kept' })
  const resampled = await fixture.start({ audio: { codec: 'aac', sampleRate: 16_000 }, name: 'resampled' })
  await publisher.sendSlowly(source.units)
  const first = await fixture.recorder.stop(kept.id)
  const second = await fixture.recorder.stop(resampled.id)
  await fixture.assertProved(first)
  await fixture.assertProved(second)
  assert.equal(first.ledger.tracks.find(({ kind }) => kind === 'audio')?.transcoded, undefined)
  const { streams } = await ffprobe(pathOf(fixture, second))
  assert.equal(streams.find(({ codec_type }) => codec_type === 'audio')?.sample_rate, '16000')
})

test('parts put together are the uncut recording', async () => {
  await using fixture = await RecorderFixture.open()
  const units = interleaved(
    await pictures(fixture, 5),
    await beepUnits('pcmu', { hertz: HERTZ, seconds: 5, trackId: 2 }),
  )
  const publisher = fixture.publish('live/cam1')
  const rotated = await fixture.start({ name: 'rotated', rotate: { seconds: 1 } })
  const uncut = await fixture.start({ name: 'uncut' })
  await sendInTime(publisher, units)
  const parts = await fixture.recorder.stop(rotated.id)
  const whole = await fixture.recorder.stop(uncut.id)
  await fixture.assertProved(parts)
  await fixture.assertProved(whole)
  assert.equal(parts.parts.length, 5)
  assert.deepEqual(await joinedHashes(fixture.paths(parts)), await joinedHashes(fixture.paths(whole)))
  for (const [index, path] of fixture.paths(parts).entries()) {
    const { startMs, tracks } = parts.parts[index] ?? { startMs: 0, tracks: [] }
    const frames = tracks.find(({ kind }) => kind === 'audio')?.accessUnits ?? 0
    assert.ok(frames >= 6 && frames <= 9, `${frames} frames of 128 ms in a second`)
    // Its beep ends where it should; the beginning of the next one may be in the last frame.
    const beeps = await beepsOf(path)
    const isRight = beeps.some(({ toMs }) => Math.abs(((toMs + startMs) % 1000) - 200) < TOLERANCE_MS)
    assert.ok(isRight, `part ${index + 1} at ${startMs} ms: ${JSON.stringify(beeps)}`)
  }
})

test('sound alone is cut into parts as well', async () => {
  await using fixture = await RecorderFixture.open()
  const sound = await beepUnits('pcma', { hertz: HERTZ, seconds: 4, trackId: 1 })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start({ tracks: { video: false }, rotate: { seconds: 1 } })
  await sendInTime(publisher, sound)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  assert.equal(recording.parts.length, 4)
  assert.equal(recording.ledger.tracks[0]?.written, sound.length)
})

test('what is missing becomes silence of its length', async () => {
  await using fixture = await RecorderFixture.open()
  const sound = await beepUnits('pcma', { hertz: HERTZ, seconds: 5, trackId: 2 })
  // A packet in the pause, a packet in a beep, and most of a second.
  const arrived = sound.filter((_, index) => index !== 40 && index !== 55 && !(index >= 140 && index < 190))
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  await publisher.sendSlowly(interleaved(await pictures(fixture, 5), arrived))
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const beeps = await beepsOf(pathOf(fixture, recording))
  assert.deepEqual(
    beeps.map(({ fromMs }) => Math.floor((fromMs + TOLERANCE_MS) / 1000)),
    [0, 1, 1, 2, 4],
  )
  const [, before, after] = beeps
  assert.ok(before !== undefined && Math.abs(before.toMs - 1100) < TOLERANCE_MS, JSON.stringify(before))
  assert.ok(after !== undefined && Math.abs(after.fromMs - 1120) < TOLERANCE_MS, JSON.stringify(after))
  assertBeeps(beeps.slice(-1), [4])
})

test('a source whose clock drifts is followed', async () => {
  await using fixture = await RecorderFixture.open()
  // 1,000 ppm, ten times what cameras do: 20 ms after 20 s.
  const drift = 1.001
  const sound = (await beepUnits('pcma', { hertz: HERTZ, seconds: 20, trackId: 2 })).map((unit) => {
    const dts = Math.round(unit.dts * drift)
    return { ...unit, dts, pts: dts }
  })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  await publisher.sendSlowly(interleaved(await pictures(fixture, 20), sound), 0, 50)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const beeps = await beepsOf(pathOf(fixture, recording))
  assert.equal(beeps.length, 20)
  for (const [second, { fromMs }] of beeps.entries()) {
    if (second === 0) continue
    assert.ok(Math.abs(fromMs - second * 1000 * drift) < 5, `second ${second}: ${fromMs} ms`)
  }
})

test('timestamps that jump, and a publisher that comes back', async () => {
  await using fixture = await RecorderFixture.open()
  const units = interleaved(
    await pictures(fixture, 2),
    await beepUnits('pcma', { hertz: HERTZ, seconds: 2, trackId: 2 }),
  )
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start({ reconnectSeconds: 30 })
  await publisher.sendSlowly(units)
  await publisher.sendSlowly(units, 3_600_000)
  publisher.end('lost')
  const again = fixture.publish('live/cam1')
  await again.sendSlowly(units, 77_000)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
  assert.equal(track?.written, 300)
  assert.equal(track.lost, 0)
  const beeps = await beepsOf(pathOf(fixture, recording))
  assert.equal(beeps.length, 6, JSON.stringify(beeps))
  for (const [index, { toMs }] of beeps.entries()) {
    assert.ok(Math.abs(toMs - index * 1000 - 200) < 50, `beep ${index} ends at ${toMs} ms`)
  }
})

test('append goes on in the same track', async () => {
  await using fixture = await RecorderFixture.open()
  const units = interleaved(
    await pictures(fixture, 2),
    await beepUnits('pcma', { hertz: HERTZ, seconds: 2, trackId: 2 }),
  )
  let id = ''
  for (let session = 0; session < 2; session++) {
    const publisher = fixture.publish('live/cam1')
    id = (await fixture.start({ name: 'one', ifExists: 'append' })).id
    await publisher.sendSlowly(units)
    await fixture.recorder.stop(id)
    publisher.end('unpublished')
  }
  const recording = await fixture.recorder.get(id)
  await fixture.assertProved(recording)
  assert.equal(recording.parts.length, 1)
  assert.deepEqual(recording.parts[0]?.tracks.find(({ kind }) => kind === 'audio')?.source, {
    codec: 'pcma',
    accessUnits: 200,
  })
  assert.equal((await beepsOf(pathOf(fixture, recording))).length, 4)
})

test('a transcoder that is killed costs a moment of sound', async (t) => {
  await using fixture = await RecorderFixture.open()
  const sound = await beepUnits('pcma', { hertz: HERTZ, seconds: 6, trackId: 2 })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  const sending = sendInTime(publisher, interleaved(await pictures(fixture, 6), sound), 2)
  await fixture.until(id, ({ ledger }) => (ledger.tracks.find(({ trackId }) => trackId === 2)?.written ?? 0) > 50)
  killTranscoder(t, fixture)
  await sending
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  assert.equal(recording.state, 'ready')
  const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
  assert.equal(track?.received, sound.length)
  assert.ok(track.lost > 0 && track.lost < 60, `${track.lost} of 20 ms lost`)
  const gap = recording.ledger.gaps.find(({ track: trackId }) => trackId === 2)
  assert.equal(gap?.cause, 'restart')
  assert.equal(gap.accessUnits, track.lost)
  assert.ok(gap.toMs > gap.fromMs && gap.toMs - gap.fromMs < 1_500, JSON.stringify(gap))
  const beeps = await beepsOf(pathOf(fixture, recording))
  assertBeeps(beeps.slice(-1), [5])
})

function killTranscoder(t: TestContext, { transcoder }: RecorderFixture): void {
  const { pid } = transcoder
  assert.ok(pid !== undefined)
  t.diagnostic(`killing ${pid}`)
  process.kill(pid, 'SIGKILL')
}

test('sound that can not be decoded is lost, and said so', async () => {
  await using fixture = await RecorderFixture.open()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'opus', seconds: 2 })
  let index = 0
  const damaged = source.units.map((unit) => {
    const isHit = unit.format.kind === 'audio' && index++ % 10 === 5
    // A code 3 packet that announces 63 frames of 60 ms: longer than any packet may be.
    return isHit ? { ...unit, payload: Uint8Array.of(0xff, 0x3f, 0, 0) } : unit
  })
  const publisher = fixture.publish('live/cam1')
  publisher.announce(source.formats)
  const { id } = await fixture.start({ audio: { codec: 'aac' } })
  await publisher.sendSlowly(damaged)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const hit = Math.floor((index + 4) / 10)
  const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
  assert.equal(track?.lost, hit)
  assert.deepEqual(new Set(recording.ledger.gaps.map(({ cause }) => cause)), new Set(['publisher']))
  assert.equal(recording.error?.code, 'transcode/undecodable')
})

test('a container that can not hold what it is told to keep is refused', async () => {
  await using fixture = await RecorderFixture.open()
  const sound = await beepUnits('g722', { hertz: HERTZ, seconds: 2, trackId: 2 })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start({ format: 'mp4', audio: { codec: 'copy' } })
  await publisher.sendSlowly(interleaved(await pictures(fixture, 2), sound))
  const recording = await fixture.until(id, ({ state }) => state === 'failed')
  assert.equal(recording.error?.code, 'recorder/codec-not-carried')
})

test('a recording that begins in the past has its sound in its parts', async () => {
  await using fixture = await RecorderFixture.open({ settings: { preRollSeconds: 10 } })
  const units = interleaved(
    await pictures(fixture, 6),
    await beepUnits('pcma', { hertz: HERTZ, seconds: 6, trackId: 2 }),
  )
  const publisher = fixture.publish('live/cam1')
  for (const unit of units) {
    // The clock of the hub's memory: a second of media is a second.
    if (unit.format.kind === 'video') fixture.advance(40)
    publisher.send([unit])
  }
  const { id } = await fixture.start({ preRollSeconds: 5, rotate: { seconds: 1 } })
  await fixture.until(id, ({ state }) => state === 'recording')
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  assert.ok(recording.parts.length >= 5, `${recording.parts.length} parts`)
  for (const part of recording.parts.slice(0, -1)) {
    const frames = part.tracks.find(({ kind }) => kind === 'audio')?.accessUnits ?? 0
    assert.ok(frames >= 6 && frames <= 9, `part ${part.index} has ${frames} frames of 128 ms`)
  }
})
