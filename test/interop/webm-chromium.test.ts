import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import type { Container } from '#containers/container.ts'
import { mkv, webm } from '#containers/webm/webm.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource, type SourceOptions } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { assertChromiumPlays, bufferedByMediaSource } from '#test/support/played-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'

let browser: Browser
before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

async function recorded(container: Container, options: SourceOptions) {
  await using folder = await TempFolder.make()
  const source: ElementarySource = describedSource(await makeSource(folder, { seconds: 4, size: '160x90', ...options }))
  const part = new MemoryPart()
  await writePart(container.open(writerOptions(source)), part, source.units)
  return { source, part }
}

for (const { container, video, audio } of [
  { container: webm, video: 'vp9', audio: 'opus' },
  { container: webm, video: 'av1', audio: 'opus' },
  // Chromium looks at the bytes, not at the type, and plays Matroska of codecs it knows.
  { container: mkv, video: 'h264', audio: 'opus' },
] as const) {
  test(`Chromium plays ${container.name} of ${video} and ${audio}`, async () => {
    const { part } = await recorded(container, { video, audio })
    await container.finish(part)
    await assertChromiumPlays(browser, part.bytes, { mimeType: container.mimeType, seconds: 4 })
  })
}

test('Chromium plays WebM of VP8 and Opus while it is recorded, torn, finished and appended to', async () => {
  const { part, source } = await recorded(webm, { video: 'vp8', audio: 'opus' })
  const plays = (bytes: Uint8Array, seconds: number, isWithoutIndex = false) =>
    assertChromiumPlays(browser, bytes, { mimeType: webm.mimeType, seconds, isWithoutIndex })
  await plays(part.bytes, 4, true)
  await plays(part.bytes.subarray(0, part.sizeBytes - 3000), 4, true)
  await webm.finish(part)
  await plays(part.bytes, 4)
  const { writer, startMs } = await webm.openForAppend(part, writerOptions(source))
  await plays(part.bytes, 4)
  await writePart(writer, part, source.units, startMs)
  await plays(part.bytes, 8, true)
  await webm.finish(part)
  await plays(part.bytes, 8)
})

test("Chromium's MediaSource takes WebM as it is recorded, and finished", async () => {
  const { part } = await recorded(webm, { video: 'vp8', audio: 'opus' })
  for (const finish of [false, true]) {
    if (finish) await webm.finish(part)
    const ranges = await bufferedByMediaSource(browser, part.bytes, 'video/webm; codecs="vp8,opus"')
    assert.equal(ranges.length, 1, JSON.stringify(ranges))
    assert.ok(Math.abs((ranges[0]?.[1] ?? 0) - 4) < 0.1, JSON.stringify(ranges))
  }
})
