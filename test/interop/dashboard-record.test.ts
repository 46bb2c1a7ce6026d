import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { RecordingDocument } from '#storage/recording-document.ts'
import {
  accessibilityProblems,
  closePages,
  launchChromium,
  launchWholeChromium,
  launchWithCamera,
  mediaState,
  openWatched,
  waitUntilPlaying,
} from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** "Record this browser": the real server, and Chromium with its fake camera and microphone. */
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchWithCamera()
})
afterEach(() => closePages(browser))
after(() => browser.close())

const WEBRTC = { env: { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' } }

async function recordings(server: ServerProcess): Promise<readonly RecordingDocument[]> {
  const answer = await fetch(new URL('api/v1/recordings', server.page))
  return ((await answer.json()) as { recordings: RecordingDocument[] }).recordings
}

/** The fake microphone beeps; the page's policy forbids playwright's own way to wait for it. */
async function waitForSound(page: Page): Promise<void> {
  const deadlineMs = performance.now() + 60_000
  const level = () => page.locator('meter').evaluate((meter) => (meter as unknown as { value: number }).value)
  while ((await level()) < 0.3) {
    assert.ok(performance.now() < deadlineMs, 'the level meter shows no sound')
    await sleep(20)
  }
}

const recordButton = (page: Page) => page.getByRole('button', { name: 'Record', exact: true })

test('on the server: preview, record, stop; the file plays there', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n') // the page asks for the recording by itself
  await using server = await startServerProcess(folder.path, WEBRTC)
  const { page, assertClean } = await openWatched(browser, server.page)
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Record' }).click()
  await page.getByRole('heading', { name: 'Record this browser' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('button', { name: 'Turn on the camera' }).click()
  await waitUntilPlaying(page.getByLabel('Preview'))
  await waitForSound(page)
  await page.getByLabel('Camera', { exact: true }).and(page.locator('select')).selectOption({ index: 1 })
  await waitUntilPlaying(page.getByLabel('Preview'))
  assert.deepEqual(await accessibilityProblems(page), [])

  // By keyboard: from the name to the button.
  await page.getByLabel('Name').fill('studio/me')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await sleep(3_000)
  // A recording goes on while its owner looks around, and is marked where the way back is.
  const navigation = page.getByRole('navigation', { name: 'Sections' })
  await navigation.getByRole('link', { name: 'Live' }).click()
  await waitUntilPlaying(page.getByLabel('Live picture of studio/me'))
  await page.getByText('Live WebRTC').waitFor()
  await navigation.getByRole('link', { name: 'Sources' }).click()
  const publishers = page.getByRole('list', { name: 'Published here' })
  await publishers.getByText('WebRTC').waitFor()
  await publishers.getByText('Chrome, headless').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await navigation.getByRole('img', { name: 'in progress' }).waitFor()
  await navigation.getByRole('link', { name: 'Record' }).click()
  await page.getByRole('button', { name: 'Stop' }).click()

  await page.getByRole('heading', { name: 'Recorded: studio/me' }).and(page.locator(':focus')).waitFor()
  const video = page.getByLabel('Recording of studio/me, part 1 of 1')
  await waitUntilPlaying(video)
  const [recording, ...others] = await recordings(server)
  assert.ok(recording !== undefined && others.length === 0)
  assert.equal(recording.state, 'ready')
  assert.equal(recording.format, 'mp4')
  assert.deepEqual(recording.parts[0]?.tracks.map(({ codec }) => codec).sort(), ['aac', 'h264'])
  const { duration } = await mediaState(video)
  assert.ok(duration > 3 && Math.abs(duration - recording.durationMs / 1_000) < 0.2, `${duration} s`)
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})

test('in the browser: record, pause, play, put into the library', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, WEBRTC)
  const { page, assertClean } = await openWatched(browser, `${server.page}#/record`)
  await page.getByRole('radio', { name: 'In this browser' }).check()
  await page.getByLabel('Name').fill('studio/copy')
  await recordButton(page).click()
  await sleep(2_500)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused').waitFor()
  const before = await page.locator('.take-controls time').textContent()
  await sleep(1_200)
  assert.equal(await page.locator('.take-controls time').textContent(), before)
  await page.getByRole('button', { name: 'Pause' }).click()
  await sleep(1_000)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('heading', { name: 'Kept in this browser: studio/copy' }).waitFor()
  assert.deepEqual(await recordings(server), [], 'nothing was sent')
  const copy = page.getByLabel('Local copy of studio/copy')
  await copy.evaluate((element) => (element as unknown as { play(): Promise<void> }).play())
  await waitUntilPlaying(copy)
  assert.deepEqual(await accessibilityProblems(page), [])

  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download' }).click()
  assert.match((await downloading).suggestedFilename(), /^studio-copy-\d{4}-.*\.(mp4|webm)$/)

  await page.getByRole('button', { name: 'Put into the library' }).click()
  await page.getByText('In the library:').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  const [recording] = await recordings(server)
  assert.equal(recording?.stream, 'studio/copy')
  assert.equal(recording?.state, 'ready')
  assert.ok(recording.durationMs > 2_500 && recording.durationMs < 5_500, `${recording.durationMs} ms`)
  await page.getByRole('link', { name: 'studio/copy' }).click()
  await waitUntilPlaying(page.getByLabel('Recording of studio/copy, part 1 of 1'))
  assertClean()
})

test('sound only is recorded, too', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, WEBRTC)
  const { page, assertClean } = await openWatched(browser, `${server.page}#/record`)
  await page.getByRole('radio', { name: 'Sound' }).check()
  await page.getByLabel('Name').fill('studio/voice')
  await recordButton(page).click()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await page.getByText('Sound only').waitFor()
  await sleep(2_000)
  await page.getByRole('button', { name: 'Stop' }).click()
  await waitUntilPlaying(page.getByLabel('Recording of studio/voice, part 1 of 1'))
  assert.deepEqual(
    (await recordings(server))[0]?.parts[0]?.tracks.map(({ codec }) => codec),
    ['aac'],
  )
  assertClean()
})

test('the screen, with a token that the page was given', { timeout: 120_000 }, async (t) => {
  await using folder = await TempFolder.make()
  const token = 'a-token-of-an-admin'
  const auth = { TAPEDECK_AUTH_TOKENS: JSON.stringify([{ name: 'me', role: 'admin', token }]) }
  await using server = await startServerProcess(folder.path, { env: { ...WEBRTC.env, ...auth } })
  const sharing = await launchWholeChromium(['--auto-select-tab-capture-source-by-title=Shown'])
  t.after(() => sharing.close())
  const shown = await (await sharing.newContext()).newPage()
  await shown.setContent('<title>Shown</title><h1></h1>')
  await shown.evaluate('setInterval(() => { document.querySelector("h1").textContent = performance.now() }, 40)')
  const { page, assertClean } = await openWatched(sharing, `${server.page}#/record`)
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('radio', { name: 'Screen' }).check()
  await page.getByLabel('Microphone').selectOption('none')
  await page.getByRole('button', { name: 'Choose a screen' }).click()
  await waitUntilPlaying(page.getByLabel('Preview'))
  await page.getByLabel('Name').fill('studio/screen')
  await recordButton(page).click()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await sleep(2_500)
  await page.getByRole('button', { name: 'Stop' }).click()
  await waitUntilPlaying(page.getByLabel('Recording of studio/screen, part 1 of 1'))
  assertClean(401)
})

test('a taken name: said, with the server’s reason, and another can be tried', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, WEBRTC)
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/taken`)
  const { page, assertClean } = await openWatched(browser, server.page)
  await waitUntilPlaying(page.getByLabel('Live picture of live/taken'))
  await page.goto(`${server.page}#/record`)
  await page.getByLabel('Name').fill('live/taken')
  await recordButton(page).click()
  await page.getByRole('heading', { name: 'The recording failed' }).waitFor()
  await page.getByText('stream/path-in-use').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.getByLabel('Name').fill('live/free')
  await recordButton(page).click()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('heading', { name: 'Recorded: live/free' }).waitFor()
  await publisher.stop()
  assertClean(409)
})

test('no camera, no permission, no secure address: each is said in its own words', { timeout: 120_000 }, async (t) => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, WEBRTC)
  const bare = await launchChromium()
  t.after(() => bare.close())
  const { page: without } = await openWatched(bare, `${server.page}#/record`, { permissions: ['camera', 'microphone'] })
  await without.getByRole('button', { name: 'Turn on the camera' }).click()
  await without.getByRole('heading', { name: 'Nothing found' }).waitFor()
  assert.deepEqual(await accessibilityProblems(without), [])

  const { page: refused } = await openWatched(bare, server.page)
  await refused.addInitScript(
    'navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"))',
  )
  await refused.goto(`${server.page}#/record`)
  await refused.reload()
  await refused.getByRole('button', { name: 'Turn on the camera' }).click()
  await refused.getByRole('heading', { name: 'Not allowed' }).waitFor()
  assert.deepEqual(await accessibilityProblems(refused), [])

  const { page: insecure } = await openWatched(bare, server.page)
  await insecure.addInitScript('Object.defineProperty(globalThis, "isSecureContext", { value: false })')
  await insecure.goto(`${server.page}#/record`)
  await insecure.reload()
  await insecure.getByRole('heading', { name: /^No camera for http:/ }).waitFor()
  await insecure.getByText('http://localhost:').waitFor()
  assert.deepEqual(await accessibilityProblems(insecure), [])
})
