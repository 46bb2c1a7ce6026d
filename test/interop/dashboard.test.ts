import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import type { RecordingDocument } from '#storage/recording-document.ts'
import {
  accessibilityProblems,
  closePages,
  launchChromium,
  mediaState,
  openWatched,
  waitForCount,
  waitUntilPlaying,
} from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** The real server, a real encoder and a real browser: what a person does on the page, from first sight to deletion. */
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchChromium()
})
afterEach(() => closePages(browser))
after(() => browser.close())

test('the page: watch, record, stop, play, delete', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n') // nothing records by itself: the button does
  await using server = await startServerProcess(folder.path)
  const { page, assertClean } = await openWatched(browser, server.page)
  await page.getByRole('heading', { name: 'Send your first stream' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  await waitUntilPlaying(page.getByLabel('Live picture of live/cam1'))
  await page.getByText('H.264 320×180 25 fps').waitFor()
  await page.getByText(/AAC 44\.1 kHz/).waitFor()
  await page.getByText(/\d [kM]bit\/s/).waitFor()

  await page.getByRole('button', { name: 'Record live/cam1' }).click()
  const inProgress = page.getByRole('list', { name: 'Recordings of live/cam1 in progress' })
  await inProgress.getByText('recording', { exact: true }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await sleep(3_000)
  await page.getByRole('button', { name: 'Stop the MP4 recording of live/cam1' }).click()
  await page.getByText(/^Recording of live\/cam1 is ready: /).waitFor()
  await inProgress.waitFor({ state: 'detached' })

  const card = page.locator('.recordings > li')
  await card.getByText('complete').waitFor()
  const id = (await card.getAttribute('data-recording')) ?? ''
  const answer = await fetch(new URL(`api/v1/recordings/${id}`, server.page))
  const recording = (await answer.json()) as RecordingDocument
  const [part] = recording.parts
  assert.ok(part !== undefined && recording.state === 'ready')
  const file = folder.at('recordings', part.path)
  assert.ok(existsSync(file))
  await page.locator('img.poster').waitFor()
  assert.ok(
    (await page
      .locator('img.poster')
      .evaluate((image) =>
        (image as unknown as { decode(): Promise<void>; naturalWidth: number })
          .decode()
          .then(() => (image as unknown as { naturalWidth: number }).naturalWidth),
      )) > 0,
  )

  await page.getByRole('link', { name: /^Open recording of live\/cam1/ }).click()
  const video = page.getByLabel('Recording of live/cam1, part 1 of 1')
  await waitUntilPlaying(video)
  const { duration } = await mediaState(video)
  assert.ok(duration > 2.5, `only ${duration} s`)
  assert.ok(Math.abs(duration - recording.durationMs / 1_000) < 0.1, `${duration} s against ${recording.durationMs} ms`)
  assert.deepEqual(await accessibilityProblems(page), [])

  await page.getByRole('button', { name: 'Delete' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Delete this recording?' })
  await dialog.waitFor()
  await page.keyboard.press('Escape')
  await page.locator('dialog').waitFor({ state: 'detached' }) // by role it is gone while it still closes
  assert.ok(existsSync(file))
  await page.keyboard.press('Enter')
  await dialog.waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Nothing recorded yet.').waitFor()
  assert.equal(existsSync(file), false)

  await waitUntilPlaying(page.getByLabel('Live picture of live/cam1'))
  await publisher.stop()
  await page.getByRole('heading', { name: 'Send your first stream' }).waitFor()
  assert.equal(publisher.errors, '')
  assertClean()
})

test('a stream that comes again is shown again, and recorded by the default rule', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_RECONNECT_SECONDS: '0' } })
  const { page, assertClean } = await openWatched(browser, server.page)
  for (const expected of [1, 2]) {
    await using publisher = new FfmpegPublisher(`${server.rtmp}/live/again`)
    await waitUntilPlaying(page.getByLabel('Live picture of live/again'))
    await page.locator('.streams .badge-recording').waitFor()
    await sleep(1_000)
    await publisher.stop()
    await waitForCount(page.locator('.recordings .badge-complete'), expected)
  }
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})
