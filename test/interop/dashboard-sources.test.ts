import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { accessibilityProblems, launchChromium, openWatched, waitUntilPlaying } from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** Pulls on the page: one real server fetches from another, to which a real encoder publishes. */
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchChromium()
})
after(() => browser.close())

test('a source: added, seen to come, to fail and to come back, removed', { timeout: 120_000 }, async () => {
  await using originFolder = await TempFolder.make()
  await writeFile(originFolder.at('tapedeck.yaml'), 'rules: []\n')
  await using origin = await startServerProcess(originFolder.path)
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path)
  const { page, assertClean } = await openWatched(browser, server.page, { viewport: { width: 1280, height: 1000 } })
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Sources' }).click()
  await page.getByText('Nothing is fetched').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  const address = page.getByLabel('Address')
  const path = page.getByLabel('Path here')
  await address.fill('gopher://camera/1')
  await page.getByRole('button', { name: 'Add source' }).click()
  await path.and(page.locator(':focus')).waitFor()
  await page.getByText('say how it is to be called here').waitFor()
  await path.fill('live/gate')
  await page.keyboard.press('Enter')
  await address.and(page.locator(':focus')).waitFor()
  assert.match((await page.locator('#pull-url-problem').textContent()) ?? '', /rtmp:\/\//)
  assert.deepEqual(await accessibilityProblems(page), [])
  // What only cameras are asked: how their media travels.
  await address.fill('rtsp://camera/1')
  await page.getByLabel('Media comes over').selectOption('tcp')
  assert.deepEqual(await accessibilityProblems(page), [])
  await address.fill(`${origin.rtmp.replace('rtmp://', 'rtmp://viewer:s3cret@')}/live/cam1`)
  await page.keyboard.press('Enter')
  await page.getByText('live/gate is fetched from now on.').waitFor()

  const source = page.getByRole('listitem').filter({ hasText: 'live/gate' })
  await source.getByText('waiting', { exact: true }).waitFor()
  await source.getByText('pull/stream-not-found').waitFor()
  assert.doesNotMatch(String(await page.locator('main').textContent()), /s3cret/)

  await using publisher = new FfmpegPublisher(`${origin.rtmp}/live/cam1`)
  await source.getByText('streaming', { exact: true }).waitFor()
  await source.getByText('pull/stream-not-found').waitFor({ state: 'detached' })
  assert.deepEqual(await accessibilityProblems(page), [])
  await source.getByRole('link', { name: 'Look at live/gate' }).click()
  await waitUntilPlaying(page.getByLabel('Live picture of live/gate'))
  await page.getByRole('list', { name: 'Recordings of live/gate in progress' }).waitFor() // by the default rule
  await page.goBack()
  await page.getByRole('heading', { name: 'Sources' }).waitFor()

  await publisher.stop()
  await source.getByText('waiting', { exact: true }).waitFor()
  await source.getByRole('button', { name: 'Remove source live/gate' }).click()
  const dialog = page.getByRole('dialog', { name: 'Remove this source?' })
  await dialog.waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Source live/gate removed.').waitFor()
  await page.getByText('Nothing is fetched').waitFor()
  const answer = await fetch(new URL('api/v1/pulls', server.page))
  assert.deepEqual(await answer.json(), { pulls: [] })
  assertClean(400)
})
