import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { beepsIn, beepsOf, countedSoundOf } from '#test/support/beeps.ts'
import { launchWholeChromium } from '#test/support/chromium.ts'
import { decodedSizes } from '#test/support/outside-judges.ts'
import { playedSizes } from '#test/support/played-part.ts'
import { WebRtcRecorder } from '#test/support/webrtc-recorder.ts'

/**
 * What is put out of order by a browser: the size of its pictures, and a microphone that is taken away for a while.
 *
 * The RTP clock of the microphone stands still meanwhile, so its first packet says nothing of how long it was away: it is
 * placed by when it arrives. In Chromium's headless shell, whose fake microphone waits for processors that are busy, that
 * was up to 170 ms late. All that follows is as much later, pictures too, which are moved to the sound: both stay
 * together, but beeps before and after it are not whole seconds apart. So whole Chromium is the judge here.
 */
const SIZES = ['320x180', '160x90', '320x180'] as const
const MUTED_MS = 4_000
/** The first sound after a pause is faded in by the browser. */
const TOLERANCE_MS = 60

/** Text, because the server's types know no DOM. */
const MUTE = `(() => {
  globalThis.microphone = clockPage.peer.getSenders()[1]
  globalThis.sound = microphone.track
  return microphone.replaceTrack(null)
})()`

/** Busy processors are no reason for a size that the test did not choose. */
const KEEP_SIZE = `clockPage.sender.setParameters({
  ...clockPage.sender.getParameters(),
  degradationPreference: 'maintain-resolution',
})`

for (const { codec, format, mimeType } of [
  { codec: 'H264', format: 'mp4', mimeType: 'video/mp4' },
  { codec: 'VP8', format: 'webm', mimeType: 'video/webm' },
] as const) {
  test(`${codec} of Chromium, resized twice and muted for ${MUTED_MS} ms, is one file that plays in sync`, {
    timeout: 120_000,
  }, async () => {
    await using scene = await WebRtcRecorder.open()
    await using browser = await launchWholeChromium()
    const clock = await scene.publish(browser, 'live/cam1', { codec })
    await clock.page.evaluate(KEEP_SIZE)
    await sleep(3_000)
    await clock.resize(160, 90)
    await sleep(2_000)
    await clock.page.evaluate(MUTE)
    await sleep(MUTED_MS)
    await clock.page.evaluate('microphone.replaceTrack(sound)')
    await clock.resize(320, 180)
    await sleep(4_000)
    await clock.stop()
    const recording = await scene.fixture.ready()
    await scene.fixture.assertProved(recording)
    assert.equal(recording.format, format)
    assert.equal(recording.parts.length, 1, JSON.stringify(recording.parts))
    const path = scene.fixture.path(recording.parts[0])
    assert.deepEqual(await decodedSizes(path), SIZES)
    assert.deepEqual((await playedSizes(browser, await readFile(path), mimeType)).slice(-SIZES.length), SIZES)
    const byTime = await beepsOf(path)
    const counted = beepsIn(await countedSoundOf(path))
    assert.ok(byTime.length >= 6, JSON.stringify(byTime))
    assert.equal(counted.length, byTime.length)
    for (const [index, { toMs }] of counted.entries()) {
      const apartMs = toMs - (byTime[index]?.toMs ?? 0)
      assert.ok(Math.abs(apartMs) < TOLERANCE_MS, `beep ${index} is ${apartMs} ms apart: ${JSON.stringify(byTime)}`)
    }
    // They come once a second, before the pause and after it.
    const phases = byTime.map(({ toMs }) => (toMs - (byTime[0]?.toMs ?? 0) + 500) % 1000)
    for (const phase of phases) assert.ok(Math.abs(phase - 500) < TOLERANCE_MS, JSON.stringify(byTime))
  })
}
