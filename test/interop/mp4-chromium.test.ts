import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { Browser } from 'playwright-core'
import { mp4, mp4Fragments } from '#containers/mp4/mp4.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import { launchChromium, mediaState, waitUntilPlaying } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource, toAccessUnit } from '#test/support/elementary-source.ts'
import { SnapshotPart } from '#test/support/snapshot-part.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'

/** Serves one file with ranges, as recordings are. */
async function serve(bytes: Uint8Array) {
  const server = createServer((request, response) => {
    if (request.url !== '/part.mp4') {
      response.setHeader('content-type', 'text/html').end('<video src="/part.mp4" autoplay muted></video>')
      return
    }
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const end = to === '' ? bytes.length - 1 : Number(to)
    const status = request.headers.range === undefined ? 200 : 206
    const piece = bytes.subarray(Number(from), end + 1)
    const range = status === 206 ? { 'content-range': `bytes ${from}-${end}/${bytes.length}` } : {}
    const headers = { 'content-type': 'video/mp4', 'accept-ranges': 'bytes', 'content-length': piece.length, ...range }
    response.writeHead(status, headers).end(piece)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Plays for half a second, then seeks to within the second half of what should be there. */
async function plays(browser: Browser, bytes: Uint8Array, seconds: number): Promise<void> {
  await using server = await serve(bytes)
  const page = await browser.newPage()
  try {
    await page.goto(server.url)
    const video = page.locator('video')
    await waitUntilPlaying(video)
    const { duration } = await mediaState(video)
    assert.ok(Math.abs(duration - seconds) < 0.3, `${duration} s instead of ${seconds}`)
    await video.evaluate((element, to) => {
      const media = element as unknown as { currentTime: number; play(): Promise<void> }
      media.currentTime = to
      return media.play()
    }, seconds - 1.5)
    await waitUntilPlaying(video)
    assert.ok((await mediaState(video)).currentTime > seconds - 1.5)
  } finally {
    await page.close()
  }
}

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
  try {
    await plays(browser, recorded, 4)
    await plays(browser, recorded.subarray(0, recorded.length - 3000), 4)
    await plays(browser, finished, 4)
    await plays(browser, reopened, 4)
    await plays(browser, appended, 8)
    await plays(browser, part.bytes, 8)
    await plays(browser, liveBytes(source), 4)
  } finally {
    await browser.close()
  }
})
