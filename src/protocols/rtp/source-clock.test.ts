import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceClock } from './source-clock.ts'

const VIDEO_HZ = 90_000
const AUDIO_HZ = 48_000

/** Pictures that come all the time, unless the network stands still; and sound. */
function source() {
  const clock = new SourceClock()
  const video = clock.track(VIDEO_HZ, 'video')
  const audio = clock.track(AUDIO_HZ)
  return {
    picture: (ms: number, arrivalMs = ms) => video.ticks((ms * VIDEO_HZ) / 1000, arrivalMs) / 90,
    sound: (ms: number, arrivalMs = ms) => audio.ticks((ms * AUDIO_HZ) / 1000, arrivalMs) / 48,
  }
}

test('a microphone whose clock stood still while it was away goes on at its time', () => {
  const { picture, sound } = source()
  for (let ms = 0; ms < 2_000; ms += 20) {
    picture(ms)
    sound(ms)
  }
  for (let ms = 2_000; ms < 6_000; ms += 40) picture(ms)
  for (let ms = 0; ms < 1_000; ms += 20) {
    picture(6_000 + ms)
    assert.ok(Math.abs(sound(2_000 + ms, 6_000 + ms) - 6_000 - ms) < 1)
  }
})

test('one whose clock went on is left alone; so is what a network has held back', () => {
  const { picture, sound } = source()
  for (let ms = 0; ms < 2_000; ms += 20) {
    picture(ms)
    sound(ms)
  }
  for (let ms = 2_000; ms < 4_000; ms += 40) picture(ms)
  for (let ms = 4_000; ms < 5_000; ms += 20) {
    picture(ms)
    assert.equal(sound(ms), ms)
  }
  // Everything waits for three seconds, and comes at once.
  for (let ms = 5_000; ms < 8_000; ms += 20) {
    picture(ms, 8_000)
    assert.equal(sound(ms, 8_000), ms)
  }
})

test('tracks that report before they begin are in place from the first access unit, however late they come', () => {
  const clock = new SourceClock()
  const video = clock.track(VIDEO_HZ, 'video')
  const audio = clock.track(AUDIO_HZ)
  for (const track of [video, audio]) {
    const counts = { ssrc: 1, compactNtp: 0, packets: 0, payloadBytes: 0, reports: [] }
    track.senderReport({ kind: 'senderReport', rtpTimestamp: 0, wallClockMs: 1_000_000, ...counts })
  }
  const placed: number[] = []
  for (let ms = 0; ms < 2_000; ms += 20) {
    placed.push(video.ticks((ms * VIDEO_HZ) / 1000, ms) / 90 - ms)
    placed.push(audio.ticks((ms * AUDIO_HZ) / 1000, ms + 120) / 48 - ms)
  }
  assert.deepEqual(new Set(placed), new Set([0]))
})
