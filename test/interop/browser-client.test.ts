import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { closePages, launchWithCamera, waitUntilPlaying } from '#test/support/chromium.ts'
import { LossyRelay } from '#test/support/lossy-relay.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** The browser client in Chromium, on pages that are not ours. */
const GUIDE = join(import.meta.dirname, '../../docs/guide/12-browser-client.md')
const WEBRTC = { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' }

let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchWithCamera()
})
afterEach(() => closePages(browser))
after(() => browser.close())

/** A web server with one page, on an origin of its own. */
async function host(): Promise<{ origin: string; html: string } & AsyncDisposable> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page.html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const page = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    html: '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return page
}

async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  return { page, complaints }
}

test('the page of the guide, as it is pasted, on another origin', { timeout: 120_000 }, async () => {
  await using site = await host()
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  const env = { ...WEBRTC, TAPEDECK_API_ALLOWED_ORIGINS: JSON.stringify([site.origin]) }
  await using server = await startServerProcess(folder.path, { env })
  const [, pasted = ''] = /```html\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8')) ?? []
  site.html = pasted.replaceAll('http://127.0.0.1:8000/', server.page)
  assert.ok(site.html.includes(server.page))

  const { page, complaints } = await open(site.origin)
  await page.getByRole('button', { name: 'Record' }).click()
  await waitUntilPlaying(page.locator('#preview'))
  assert.equal(await page.locator('#state').textContent(), 'publishing')
  await sleep(2_500)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.locator('#recorded').evaluate((video) => (video as unknown as { play(): Promise<void> }).play())
  await waitUntilPlaying(page.locator('#recorded'))
  assert.equal(await page.locator('#state').textContent(), 'unpublished')
  assert.deepEqual(complaints, [])
})

test('as a module: published with an own MediaStream, played in the same page, errors with codes', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, { env: WEBRTC })
  const { page } = await open(server.page)
  await page.evaluate(`(async () => {
    const { createSession, openMedia, TapedeckError } = await import('/client/tapedeck.mjs')
    const session = createSession()
    const mediaStream = await openMedia()
    const stream = session.createStream({ name: 'live/one', mediaStream, maxBitrate: 400000 })
    const video = document.createElement('video')
    video.id = 'played'
    video.muted = true
    document.body.append(video)
    Object.assign(window, { session, stream, mediaStream, TapedeckError, video })
    await stream.publish()
  })()`)
  await untilLive(server.page, 'live/one')
  await page.evaluate(`session.play('live/one', video).then((player) => { window.player = player })`)
  await waitUntilPlaying(page.locator('#played'))
  const second = await page.evaluate(
    `session.createStream({ name: 'live/one', mediaStream }).publish().catch((error) => [error instanceof TapedeckError, error.code, error.status])`,
  )
  assert.deepEqual(second, [true, 'stream/path-in-use', 409])
  const nobody = await page.evaluate(
    `session.play('live/nobody', document.createElement('video')).catch((error) => [error.code, error.status])`,
  )
  assert.deepEqual(nobody, ['webrtc/stream-not-found', 404])
  await page.evaluate('player.stop()')
  assert.equal(await page.evaluate('video.srcObject'), null)
  // Nobody asked for a recording, and so none is waited for; what was given stays open.
  assert.equal(await page.evaluate('stream.stop()'), undefined)
  assert.equal(await page.evaluate('mediaStream.active'), true)
})

test('the network goes away for longer than ICE bears: the same recording goes on', { timeout: 180_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  await using server = await startServerProcess(folder.path, { env: WEBRTC })
  await using relay = await LossyRelay.open(udpPortOf(server.log), 1)
  const { page } = await open(server.page)
  // The way through the relay: the answer leads there, and what REST asks goes on as it is.
  await page.context().route('**/whip/**', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: relay.rewritten(await response.text()) })
  })
  await page.evaluate(`(async () => {
    const { createSession } = await import('/client/tapedeck.mjs')
    window.stream = createSession().createStream({ name: 'live/train', record: true })
    window.states = []
    stream.on('state', (state) => states.push(state))
    await stream.publish()
  })()`)
  await sleep(3_000)
  const perfect = relay.conditions
  relay.conditions = { ...perfect, lostPercent: 100 }
  await waitForState(page, 'reconnecting')
  relay.conditions = perfect
  await waitForState(page, 'publishing')
  await sleep(3_000)
  const recording = (await page.evaluate('stream.stop()')) as RecordingDocument
  assert.deepEqual(await page.evaluate('states'), [
    'pending',
    'publishing',
    'reconnecting',
    'publishing',
    'unpublished',
  ])
  assert.equal(recording.state, 'ready')
  assert.ok(recording.durationMs > 5_000, `${recording.durationMs} ms`)
  const answer = await fetch(new URL('api/v1/recordings?stream=live/train', server.page))
  assert.equal(((await answer.json()) as { recordings: unknown[] }).recordings.length, 1)
})

test('who closes the page has ended: the recording is final at once', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, { env: WEBRTC })
  const { page } = await open(server.page)
  await page.evaluate(`(async () => {
    const { createSession } = await import('/client/tapedeck.mjs')
    window.stream = createSession().createStream({ name: 'live/gone', record: true })
    await stream.publish()
  })()`)
  await sleep(1_500)
  await page.goto('about:blank')
  const deadlineMs = performance.now() + 15_000
  for (;;) {
    const answer = await fetch(new URL('api/v1/recordings?stream=live/gone', server.page))
    const [recording] = ((await answer.json()) as { recordings: RecordingDocument[] }).recordings
    if (recording?.state === 'ready') break
    assert.ok(performance.now() < deadlineMs, `it is ${recording?.state}`)
    await sleep(100)
  }
})

/** Our connection is up a moment before the server has seen the first packet. */
async function untilLive(server: string, path: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!(await fetch(new URL(`api/v1/streams/${path}`, server))).ok) {
    assert.ok(performance.now() < deadlineMs, `${path} is not live`)
    await sleep(50)
  }
}

async function waitForState(page: Page, state: string): Promise<void> {
  const deadlineMs = performance.now() + 40_000
  for (;;) {
    const now = await page.evaluate('stream.state')
    if (now === state) return
    assert.ok(performance.now() < deadlineMs && now !== 'failed', `it is ${now}, not ${state}`)
    await sleep(50)
  }
}

/** Of `server.started`. */
function udpPortOf(log: readonly string[]): number {
  for (const line of log) {
    const { event, addresses } = JSON.parse(line) as { event: string; addresses?: { webrtc?: { port: number } } }
    if (event === 'server.started' && addresses?.webrtc !== undefined) return addresses.webrtc.port
  }
  throw new Error('the server did not say where WebRTC is')
}
