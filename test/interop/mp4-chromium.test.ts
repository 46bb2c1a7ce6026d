import { test } from 'node:test'
import { mp4, mp4Fragments } from '#containers/mp4/mp4.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource, toAccessUnit } from '#test/support/elementary-source.ts'
import { assertChromiumPlays } from '#test/support/played-part.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'

function liveBytes(source: ElementarySource): Uint8Array {
  const memory = new PayloadMemory()
  using stream = mp4Fragments.open(source.formats, 0)
  for (const unit of source.units) {
    const accessUnit = toAccessUnit(memory, unit)
    stream.write(accessUnit, unit)
    accessUnit.release()
  }
  stream.flush()
  return Buffer.concat(stream.take())
}

test('Chromium plays and seeks a part while it is recorded, torn, finished, appended to, and live fragments', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'opus', seconds: 4, size: '160x90' })
  const part = new SnapshotPart()
  await writePart(mp4.open(writerOptions(source)), part, source.units)
  const recorded = part.bytes
  await mp4.finish(part)
  const finished = part.bytes
  const { writer, startMs } = await mp4.openForAppend(part, writerOptions(source))
  const reopened = part.bytes
  await writePart(writer, part, source.units, startMs)
  const appended = part.bytes
  await mp4.finish(part)

  const browser = await launchChromium()
  const plays = (bytes: Uint8Array, seconds: number) =>
    assertChromiumPlays(browser, bytes, { mimeType: 'video/mp4', seconds })
  try {
    await plays(recorded, 4)
    await plays(recorded.subarray(0, recorded.length - 3000), 4)
    await plays(finished, 4)
    await plays(reopened, 4)
    await plays(appended, 8)
    await plays(part.bytes, 8)
    await plays(liveBytes(source), 4)
  } finally {
    await browser.close()
  }
})
