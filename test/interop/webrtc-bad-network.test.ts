import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { closePages, launchWholeChromium } from '#test/support/chromium.ts'
import { type OwnSyncPoint, type SyncPoint, syncOf } from '#test/support/clock-page.ts'
import { program } from '#test/support/programs.ts'
import { WebRtcRecorder } from '#test/support/webrtc-recorder.ts'

/** FUZZ_SEED repeats a failure, as far as a browser repeats anything. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const BAD = { lostPercent: 5, jitterMs: 50, delayMs: 10 }
const GOOD = { lostPercent: 0, jitterMs: 0, delayMs: 0 }
const MAX_APART_MS = 40

let browser: Browser
before(async () => {
  browser = await launchWholeChromium()
})
afterEach(() => closePages(browser))
after(() => browser.close())

/**
 * Around each beep, from the first second on: by how much sound became late after it left the page, whose own sound and
 * pictures part when processors are busy. One that a loss fell into tells little by itself.
 */
function assertTogether(points: readonly SyncPoint[], own: readonly OwnSyncPoint[]): void {
  const told = JSON.stringify({ points, own })
  assert.ok((points[0]?.atMs ?? Number.POSITIVE_INFINITY) < 2_000, `nothing is known of the beginning: ${told}`)
  const byShown = new Map(own.map(({ shownMs, soundLateMs }) => [shownMs, soundLateMs]))
  const apart = points.flatMap(({ shownMs, soundLateMs }) => {
    const before = byShown.get(shownMs)
    return before === undefined ? [] : [soundLateMs - before]
  })
  assert.ok(apart.length * 2 > points.length, told)
  for (let index = 0; index + 3 <= apart.length; index++) {
    const [, middle = Number.NaN] = apart.slice(index, index + 3).toSorted((a, b) => a - b)
    assert.ok(Math.abs(middle) <= MAX_APART_MS, `${middle} ms apart: ${told}`)
  }
}

test(`5 % lost and 50 ms of jitter: pictures are repaired, and beside their sound from the beginning to the end (FUZZ_SEED=${SEED})`, {
  timeout: 120_000,
}, async () => {
  await using scene = await WebRtcRecorder.open({ seed: SEED })
  const clock = await scene.publish(browser, 'live/cam1')
  scene.relay.conditions = BAD
  await sleep(18_000)
  const state = await clock.state()
  scene.relay.conditions = GOOD
  await sleep(1_000)
  const own = await clock.own()
  await clock.stop()
  const recording = await scene.fixture.ready()
  const [part, ...others] = recording.parts
  assert.deepEqual(others, [])

  const lost = scene.relay.lost.up
  assert.ok(lost > 30 && state.retransmittedPackets > 10, `${lost} lost, ${state.retransmittedPackets} sent again`)
  const { tracks, gaps } = recording.ledger
  const video = tracks.find(({ kind }) => kind === 'video') ?? assert.fail('no video')
  // As many as the browser had the processor for.
  const { picturesSent } = state
  assert.ok(picturesSent > 100 && video.written > 0.9 * picturesSent, `${video.written} of ${picturesSent} pictures`)
  const missing = gaps.filter(({ track }) => track === video.trackId).reduce((sum, { packets }) => sum + packets, 0)
  assert.ok(missing * 20 <= lost, `${missing} of ${lost} lost packets are missing`)
  const sound = gaps.filter(({ track }) => track !== video.trackId).reduce((sum, { packets }) => sum + packets, 0)
  assert.ok(sound * 5 <= lost, `${sound} packets of sound are missing`)

  const path = scene.fixture.path(part)
  await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-map', '0:v', '-f', 'null', '-'])
  const points = await syncOf(path)
  assert.ok(points.length >= 12, `${points.length} beeps`)
  assertTogether(points, own)
})

test(`a camera that is switched off and on goes on in the same stream, in sync (FUZZ_SEED=${SEED})`, {
  timeout: 120_000,
}, async () => {
  await using scene = await WebRtcRecorder.open({ seed: SEED })
  const clock = await scene.publish(browser, 'live/cam1', { codec: 'H264' })
  await sleep(5_000)
  await clock.show(false)
  await sleep(3_000)
  await clock.show(true)
  await sleep(6_000)
  const own = await clock.own()
  await clock.stop()
  const recording = await scene.fixture.ready()
  assert.equal(recording.parts.length, 1)
  const points = await syncOf(scene.fixture.path(recording.parts[0]))
  assertTogether(points, own)
  assert.ok((points.at(-1)?.atMs ?? 0) > 11_000, JSON.stringify(points))
})

test('an outage is in the ledger, and the picture comes back on its own', { timeout: 120_000 }, async () => {
  await using scene = await WebRtcRecorder.open({ seed: SEED })
  const clock = await scene.publish(browser, 'live/cam1', { codec: 'H264' })
  await sleep(4_000)
  scene.relay.conditions = { lostPercent: 100, jitterMs: 0, delayMs: 0 }
  await sleep(2_500)
  scene.relay.conditions = GOOD
  await sleep(5_000)
  const own = await clock.own()
  await clock.stop()
  const { ledger, parts } = await scene.fixture.ready()
  assert.equal(parts.length, 1)
  // Sound is repeated only by the packet that follows. Of the pictures, the browser still has most, and sends fewer when nobody answers.
  assert.deepEqual([...new Set(ledger.gaps.map(({ cause }) => cause))], ['network'])
  const sound = ledger.tracks.find(({ kind }) => kind === 'audio') ?? assert.fail('no sound')
  const missingMs = ledger.gaps
    .filter(({ track }) => track === sound.trackId)
    .reduce((sum, gap) => sum + gap.missingMs, 0)
  assert.ok(missingMs > 2_000 && missingMs < 3_500, `${missingMs} ms of sound are missing`)
  const points = await syncOf(scene.fixture.path(parts[0]))
  assertTogether(points, own)
  assert.ok((points.at(-1)?.atMs ?? 0) > 9_500, JSON.stringify(points))
})

test('a browser comes to send as much as it may: within seconds, where its processor has time', {
  skip: process.env['LONG_TESTS'] === undefined ? 'only with LONG_TESTS=1' : false,
  timeout: 300_000,
}, async () => {
  const maxBitrate = 2_500_000
  for (const [codec, feedback] of [
    ['VP8', 'transport-cc'],
    ['H264', 'transport-cc'],
    ['VP8', 'goog-remb'],
  ] as const) {
    // Estimates are only for those who don't want to know of every arrival.
    const rewriteOffer = (sdp: string) =>
      feedback === 'goog-remb' ? sdp.replace(/^a=rtcp-fb:\d+ transport-cc\r\n/gm, '') : sdp
    await using scene = await WebRtcRecorder.open({ config: { maxBitrate } })
    const clock = await scene.publish(browser, 'live/cam1', { codec, noise: true, rewriteOffer })
    for (let seconds = 0, { availableBps } = await clock.state(); availableBps < 0.9 * maxBitrate; seconds++) {
      assert.ok(seconds < 60, `${codec}, ${feedback}: ${availableBps} bit/s after a minute`)
      await sleep(1_000)
      availableBps = (await clock.state()).availableBps
    }
    // It uses it, and stays below what it was told.
    const { bytesSent } = await clock.state()
    await sleep(8_000)
    const bps = (((await clock.state()).bytesSent - bytesSent) * 8) / 8
    assert.ok(bps > 0.5 * maxBitrate && bps < 1.15 * maxBitrate, `${codec}, ${feedback}: ${bps} bit/s`)
    await clock.stop()
    const { ledger } = await scene.fixture.ready()
    // Chromium breaks off a picture that it can't be done with in time; nothing else is missing.
    assert.deepEqual(
      ledger.gaps.filter(({ packets }) => packets > 0),
      [],
    )
  }
})
