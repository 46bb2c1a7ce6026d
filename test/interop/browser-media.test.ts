import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { beepSource, beepsIn } from '#test/support/beeps.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { assertChromiumPlays, decodedByWebAudio, playedSizes } from '#test/support/played-part.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const SECONDS = 8
/** An encoder smears the edge of a tone over its frame. */
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

const ms = ({ dts, format }: SourceUnit) => (dts * 1000) / format.timescale
const isSound = ({ format }: SourceUnit) => format.kind === 'audio'

for (const { format, audio } of [
  { format: 'webm', audio: {} },
  { format: 'mp4', audio: { codec: 'copy' } },
  { format: 'mp4', audio: {} },
] as const) {
  test(`Chromium hears in ${format} ${JSON.stringify(audio)} what follows a gap of Opus at its time`, async () => {
    await using fixture = await RecorderFixture.open()
    await fixture.transcoder.check()
    const { id } = await fixture.start({ waitForStream: true, format, audio })
    const isGone = (unit: SourceUnit) => isSound(unit) && ms(unit) % 1000 > 300 && ms(unit) % 1000 < 940
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(source.units.filter((unit) => !isGone(unit)))
    const recording = await fixture.recorder.stop(id)
    const bytes = await readFile(fixture.paths(recording)[0] ?? '')
    const beeps = beepsIn(await decodedByWebAudio(browser, bytes))
    assert.equal(beeps.length, SECONDS, JSON.stringify(beeps))
    for (const [second, { toMs }] of beeps.entries()) {
      assert.ok(Math.abs(toMs - second * 1000 - 200) < TOLERANCE_MS, `${toMs} ms in second ${second}`)
    }
    await assertChromiumPlays(browser, bytes, { mimeType: `video/${format}`, seconds: SECONDS })
  })
}

test('Chromium plays MP4 of sound alone which a camera of VP8 joins, leaves and joins again', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  const isOff = (unit: SourceUnit) => !isSound(unit) && (ms(unit) < 2_000 || (ms(unit) >= 4_000 && ms(unit) < 6_000))
  const sent = source.units.filter((unit) => !isOff(unit))
  await publisher.sendSlowly(sent.filter((unit) => ms(unit) < 1_900))
  fixture.advance(1_500)
  await fixture.until(id, ({ state }) => state === 'recording')
  await publisher.sendSlowly(sent.filter((unit) => ms(unit) >= 1_900))
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.parts.length, 1)
  assert.equal(recording.format, 'mp4')
  const bytes = await readFile(fixture.paths(recording)[0] ?? '')
  assert.deepEqual(await playedSizes(browser, bytes, 'video/mp4'), ['160x90'])
  await assertChromiumPlays(browser, bytes, { mimeType: 'video/mp4', seconds: SECONDS })
})
