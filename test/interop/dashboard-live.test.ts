import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, afterEach, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import {
  accessibilityProblems,
  closePages,
  launchWithCamera,
  openWatched,
  waitForCount,
  waitUntilPlaying,
} from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** Live pictures on the page: by WebRTC where that works, as MP4 where it does not. */
const WEBRTC = { env: { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' } }
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchWithCamera()
})
afterEach(() => closePages(browser))
after(() => browser.close())

test('an encoder’s stream comes by WebRTC; with B-frames as MP4, and the page says why', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path, WEBRTC)
  await using plain = new FfmpegPublisher(`${server.rtmp}/live/plain`)
  await using reordered = new FfmpegPublisher(`${server.rtmp}/live/reordered`, ['-bf', '2'])
  const { page, assertClean } = await openWatched(browser, server.page)
  const card = (path: string) => page.locator(`[data-stream="${path}"]`)
  await waitUntilPlaying(page.getByLabel('Live picture of live/plain'))
  await waitUntilPlaying(page.getByLabel('Live picture of live/reordered'))
  await card('live/plain').getByText('Live WebRTC').waitFor()
  const badge = card('live/reordered').getByText('Live MP4')
  await badge.waitFor()
  assert.match((await badge.getAttribute('title')) ?? '', /B-frames/)
  assert.deepEqual(await accessibilityProblems(page), [])

  // Sessions of pictures that are not on screen any more end.
  const players = async () => {
    const metrics = await (await fetch(new URL('api/v1/streams', server.page))).json()
    return (metrics as { streams: { path: string; isWatched: boolean }[] }).streams
      .filter(({ isWatched }) => isWatched)
      .map(({ path }) => path)
  }
  assert.deepEqual((await players()).sort(), ['live/plain', 'live/reordered'])
  await page.getByRole('link', { name: 'Sources' }).click()
  await waitForCount(page.locator('video'), 0)
  const deadlineMs = performance.now() + 10_000
  while ((await players()).length > 0) assert.ok(performance.now() < deadlineMs, 'still watched')

  // Remembered: it is not tried, and refused, again.
  const asked: string[] = []
  page.on('request', (request) => request.url().includes('/whep/') && asked.push(new URL(request.url()).pathname))
  await page.getByRole('link', { name: /^Live/ }).click()
  await waitUntilPlaying(page.getByLabel('Live picture of live/reordered'))
  await waitUntilPlaying(page.getByLabel('Live picture of live/plain'))
  assert.deepEqual(asked, ['/whep/live/plain'])
  await plain.stop()
  await reordered.stop()
  assertClean(422)
})

test('a stream that comes again comes by WebRTC again', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path, WEBRTC)
  const { page, assertClean } = await openWatched(browser, server.page)
  for (let times = 0; times < 2; times++) {
    await using publisher = new FfmpegPublisher(`${server.rtmp}/live/again`)
    await waitUntilPlaying(page.getByLabel('Live picture of live/again'))
    await page.getByText('Live WebRTC').waitFor()
    await publisher.stop()
    await page.getByText('Nobody publishes now').or(page.getByText('Send your first stream')).first().waitFor()
  }
  assertClean(404)
})

test('no datagram gets through: every picture comes as MP4, and only the first has tried', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path, WEBRTC)
  await using one = new FfmpegPublisher(`${server.rtmp}/live/one`)
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(60_000)
  // An answer that leads nowhere, as behind a firewall.
  await page.context().route('**/whep/**', async (route) => {
    const response = await route.fetch()
    const sdp = await response.text()
    await route.fulfill({ response, body: sdp.replace(/^(a=candidate:\S+ \d \S+ \d+) (\S+) \d+/gm, '$1 192.0.2.1 9') })
  })
  const asked: string[] = []
  page.on('request', (request) => request.url().includes('/whep/') && asked.push(new URL(request.url()).pathname))
  await page.goto(server.page)
  await waitUntilPlaying(page.getByLabel('Live picture of live/one'), 30_000)
  await page.getByText('Live MP4').waitFor()
  await using two = new FfmpegPublisher(`${server.rtmp}/live/two`)
  await waitUntilPlaying(page.getByLabel('Live picture of live/two'))
  assert.deepEqual(asked, ['/whep/live/one'])
  await one.stop()
  await two.stop()
})
