import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { RecordingRequest } from '#recorder/request.ts'
import { beepSource, beepsIn, beepsOf, countedSoundOf } from '#test/support/beeps.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { assertChromiumPlays, playedSizes } from '#test/support/played-part.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const SECONDS = 4
/** Two encoders that smear the edge of a tone, one after the other. */
const TOLERANCE_MS = 25

let browser: Browser
let folder: TempFolder
let source: ElementarySource
before(async () => {
  browser = await launchChromium()
  folder = await TempFolder.make()
  const sound = beepSource(400, SECONDS, 48_000)
  const options = { video: 'vp8', audio: 'opus', seconds: SECONDS, size: '160x90', sound } as const
  source = describedSource(await makeSource(folder, options))
})
after(async () => {
  await browser.close()
  await folder[Symbol.asyncDispose]()
})

const FILES: readonly (Partial<RecordingRequest> & { rate: string; codecs: string[] })[] = [
  { rate: '48000', codecs: ['vorbis', 'vp8'] },
  { format: 'mkv', rate: '48000', codecs: ['vorbis', 'vp8'] },
  { audio: { codec: 'vorbis', sampleRate: 16_000 }, rate: '16000', codecs: ['vorbis', 'vp8'] },
  { tracks: { video: false }, format: 'webm', rate: '48000', codecs: ['vorbis'] },
  { rotate: { seconds: 2 }, rate: '48000', codecs: ['vorbis', 'vp8'] },
]

/** Every day what is asked for plainly, and with a rate of its own in parts. */
const WRITTEN = process.env['LONG_TESTS'] === undefined ? [FILES[0], FILES.at(-1)] : FILES

for (const { rate, codecs, ...request } of WRITTEN.filter((file) => file !== undefined)) {
  test(`Vorbis, asked for as ${JSON.stringify(request)}, sounds when it did`, async () => {
    await using fixture = await RecorderFixture.open()
    await fixture.transcoder.check()
    const { id } = await fixture.start({ waitForStream: true, audio: { codec: 'vorbis' }, ...request })
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(source.units)
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    assert.equal(recording.format, request.format ?? 'webm')
    await fixture.assertProved(recording)
    const account = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
    assert.equal(account?.transcoded, 'vorbis')
    assert.equal(account.written, account.received)
    for (const [index, path] of fixture.paths(recording).entries()) {
      const { streams } = await ffprobe(path)
      assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), codecs)
      assert.equal(streams.find(({ codec_type }) => codec_type === 'audio')?.sample_rate, rate)
      const isWhole = recording.parts.length === 1
      const sounds = [await beepsOf(path)]
      // The first packet of a part that was cut off gives no sound, as with every Vorbis that is cut: samples lack it.
      if (index === 0) sounds.push(beepsIn(await countedSoundOf(path)))
      for (const found of sounds) {
        // The packet across a cut belongs to the part before, with the beginning of the next beep.
        const beeps = isWhole ? found : found.filter(({ fromMs }) => fromMs < 1_900)
        assert.equal(beeps.length, SECONDS / recording.parts.length, JSON.stringify(beeps))
        for (const [second, { toMs }] of beeps.entries()) {
          assert.ok(Math.abs(toMs - second * 1000 - 200) < TOLERANCE_MS, `part ${index}: ${JSON.stringify(beeps)}`)
        }
      }
      const seconds = isWhole ? SECONDS : SECONDS / 2
      const bytes = await readFile(path)
      await assertChromiumPlays(browser, bytes, { mimeType: 'video/webm', seconds })
      assert.deepEqual(await playedSizes(browser, bytes, 'video/webm'), [codecs.length > 1 ? '160x90' : '0x0'])
    }
  })
}

test('H.264 with Vorbis is Matroska; MP4 is refused', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const h264 = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90' })
  const publisher = fixture.publish('live/cam1')
  const any = await fixture.start({ audio: { codec: 'vorbis' } })
  const mp4 = await fixture.start({ audio: { codec: 'vorbis' }, format: 'mp4' })
  await publisher.sendSlowly(h264.units)
  assert.equal((await fixture.recorder.stop(any.id)).format, 'mkv')
  const refused = await fixture.until(mp4.id, ({ state }) => state === 'failed')
  assert.equal(refused.error?.code, 'recorder/codec-not-carried')
})
