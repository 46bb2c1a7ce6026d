/** Chromium plays by WHEP what others publish. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { closePages, launchChromium } from '#test/support/chromium.ts'
import { ClockPage } from '#test/support/clock-page.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { LossyRelay } from '#test/support/lossy-relay.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'
import { WhepPage } from '#test/support/whep-page.ts'

let folder: TempFolder
let server: ServerProcess
let browser: Browser

before(async () => {
  folder = await TempFolder.make()
  server = await startServerProcess(folder.path, { env: { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' } })
  browser = await launchChromium()
})
afterEach(() => closePages(browser))
after(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

function address(path: string): string {
  return new URL(path, server.page).href
}

/** Until the server has it. */
async function published(path: string): Promise<void> {
  const url = address(`api/v1/streams/${path}`)
  for (const endMs = performance.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const answer = await fetch(url)
    const { tracks = [] } = (await answer.json()) as { tracks?: readonly unknown[] }
    if (tracks.length === 2) return
    assert.ok(performance.now() < endMs, `${path} is not published`)
  }
}

test('RTMP: H.264 as it is and AAC as Opus, picture and sound', { timeout: 90_000 }, async () => {
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/rtmp`)
  await published('live/rtmp')
  const player = await WhepPage.play(await browser.newPage(), address('whep/live/rtmp'))
  const seen = await player.until(
    ({ width, currentTime, audio }) => width > 0 && currentTime > 1 && (audio?.level ?? 0) > 0.01,
  )
  assert.equal(seen.width, 320)
  assert.deepEqual([seen.video?.codec, seen.audio?.codec], ['video/H264', 'audio/opus'])
  await player.until(({ currentTime, video }) => currentTime > seen.currentTime + 2 && (video?.frames ?? 0) > 75)
  assert.equal((await fetch(player.resource, { method: 'DELETE' })).status, 204)
})

test('a browser’s VP8 in another page of it', { timeout: 90_000 }, async () => {
  const page = await browser.newPage()
  await page.goto(address('healthz'))
  const exchange = async (offer: string) => {
    const headers = { 'content-type': 'application/sdp' }
    const response = await fetch(address('whip/live/vp8'), { method: 'POST', headers, body: offer })
    assert.equal(response.status, 201)
    return response.text()
  }
  await ClockPage.publish(page, exchange, { codec: 'VP8' })
  await published('live/vp8')
  const player = await WhepPage.play(await browser.newPage(), address('whep/live/vp8'))
  const seen = await player.until(
    ({ width, currentTime, audio }) => width > 0 && currentTime > 1 && (audio?.level ?? 0) > 0.001,
  )
  assert.deepEqual([seen.video?.codec, seen.audio?.codec], ['video/VP8', 'audio/opus'])
  await player.until(({ video }) => (video?.frames ?? 0) > (seen.video?.frames ?? 0) + 30)
})

for (const codec of ['h264', 'vp8', 'vp9', 'av1'] as const) {
  test(`${codec} that was published over WebRTC`, { timeout: 90_000 }, async () => {
    const encoding = codec === 'h264' ? ['-bf', '0', '-g', '25'] : ['-g', '25']
    const source = await makeSource(folder, { video: codec, audio: 'opus', seconds: 8, encoding })
    await using publisher = await WebRtcPublisher.whip(address(`whip/live/${codec}-scripted`), {
      media: [codec, 'opus'],
    })
    const ending = new AbortController()
    const played = publisher.play([...source.units, ...later(source.units, 8)], { signal: ending.signal })
    await published(`live/${codec}-scripted`)
    const player = await WhepPage.play(await browser.newPage(), address(`whep/live/${codec}-scripted`))
    const seen = await player.until(({ width, video }) => width > 0 && (video?.frames ?? 0) > 40)
    assert.equal(seen.video?.codec.toLowerCase(), `video/${codec}`)
    ending.abort()
    await played
  })
}

test('late in a long GOP: all of it is shown at once, then what comes live', { timeout: 90_000 }, async () => {
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/long`, ['-g', '1000'])
  await published('live/long')
  await new Promise((resolve) => setTimeout(resolve, 6_000))
  const player = await WhepPage.play(await browser.newPage(), address('whep/live/long'))
  // Six seconds of 25 pictures, decoded in much less.
  const seen = await player.until(({ width, video }) => width > 0 && (video?.frames ?? 0) > 125)
  assert.ok(seen.currentTime < 5, `${seen.currentTime} s of playing for six of the stream`)
  assert.equal(seen.video?.lost, 0)
  await player.until(({ currentTime, video }) => currentTime > seen.currentTime + 1 && (video?.frames ?? 0) > 175)
})

test('G.711 as it is, and a picture that joins it', { timeout: 90_000 }, async () => {
  const sound = await makeSource(folder, { audio: 'pcmu', seconds: 12 })
  const pictures = await makeSource(folder, { video: 'vp8', seconds: 12, encoding: ['-g', '25'] })
  await using publisher = await WebRtcPublisher.whip(address('whip/live/joined'), { media: ['pcmu', 'vp8'] })
  const ending = new AbortController()
  const isLate = ({ dts, format }: SourceUnit) => format.kind === 'audio' || dts / format.timescale > 4
  const units = [...sound.units, ...pictures.units.filter(isLate)]
  const at = ({ dts, format }: SourceUnit) => dts / format.timescale
  const played = publisher.play(
    units.toSorted((a, b) => at(a) - at(b)),
    { signal: ending.signal },
  )
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const player = await WhepPage.play(await browser.newPage(), address('whep/live/joined'))
  const heard = await player.until(({ audio }) => (audio?.level ?? 0) > 0.01)
  assert.equal(heard.audio?.codec, 'audio/PCMU')
  const seen = await player.until(({ width, video }) => width > 0 && (video?.frames ?? 0) > 25)
  assert.equal(seen.video?.codec, 'video/VP8')
  ending.abort()
  await played
})

test('what a bad network loses is sent again, and is not missed', { timeout: 90_000 }, async () => {
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/bad`)
  await published('live/bad')
  await using owned = new AsyncDisposableStack()
  let relay: LossyRelay | undefined
  const rewritten = async (answer: string) => {
    const port = Number(/^a=candidate:\S+ 1 UDP \d+ \S+ (\d+) /im.exec(answer)?.[1])
    relay = owned.use(await LossyRelay.open(port, 7))
    return relay.rewritten(answer)
  }
  const player = await WhepPage.play(await browser.newPage(), address('whep/live/bad'), { rewritten })
  const seen = await player.until(({ width }) => width > 0)
  assert.ok(relay !== undefined)
  relay.conditions = { lostPercent: 3, jitterMs: 5, delayMs: 10 }
  const later = await player.until(({ video }) => (video?.frames ?? 0) > (seen.video?.frames ?? 0) + 150)
  const { lost = 0, repaired = 0, nacks = 0 } = later.video ?? {}
  assert.ok(relay.lost.down > 0 && nacks > 0, `${relay.lost.down} lost, ${nacks} asked for`)
  assert.ok(repaired > 0 && lost <= repaired / 4 + 5, `${repaired} repaired, ${lost} not`)
})

test('B-frames are refused, with what else to do', { timeout: 60_000 }, async () => {
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/b-frames`, [
    '-tune',
    'film',
    '-preset',
    'veryfast',
    '-bf',
    '2',
  ])
  await published('live/b-frames')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await assert.rejects(
    WhepPage.play(await browser.newPage(), address('whep/live/b-frames')),
    /reordered-pictures.*live\.mp4/,
  )
})

/** The same again, after so many seconds. */
function later<
  Unit extends { readonly dts: number; readonly pts: number; readonly format: { readonly timescale: number } },
>(units: readonly Unit[], seconds: number): Unit[] {
  return units.map((unit) => {
    const shift = seconds * unit.format.timescale
    return { ...unit, dts: unit.dts + shift, pts: unit.pts + shift }
  })
}
