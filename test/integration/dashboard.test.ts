import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import {
  accessibilityProblems,
  closePages,
  launchChromium,
  mediaState,
  openWatched,
  waitForCount,
  waitUntilPlaying,
} from '#test/support/chromium.ts'
import { DashboardBackend } from '#test/support/dashboard/backend.ts'
import { partDocument, recordingDocument, streamDocument } from '#test/support/dashboard/documents.ts'
import { type DashboardMedia, makeDashboardMedia } from '#test/support/dashboard/media.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** The page in Chromium, in states that take a broken disk or many cameras to reach with the real server. */
let browser: Browser
let media: DashboardMedia

before(async () => {
  await buildDashboardIfStale()
  ;[browser, media] = await Promise.all([launchChromium(), makeDashboardMedia()])
})
afterEach(() => closePages(browser))
after(() => browser.close())

async function open(backend: DashboardBackend, options: BrowserContextOptions = {}, hash = '') {
  return openWatched(browser, `${await backend.listen()}${hash}`, options)
}

const IMPAIRED = recordingDocument({
  id: '01b',
  state: 'recording',
  durationMs: 75_000,
  error: { code: 'storage/disk-full', message: 'no space left: delete recordings' },
})

test('first run: says how to publish, with something to copy', async () => {
  await using backend = new DashboardBackend(media)
  const { page, assertClean } = await open(backend, { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.getByRole('button', { name: 'Copy ffmpeg command' }).click()
  await page.getByRole('button', { name: 'ffmpeg command copied' }).waitFor()
  const copied = await page.evaluate<string>('navigator.clipboard.readText()')
  assert.equal(copied, 'ffmpeg -re -i input.mp4 -c copy -f flv rtmp://127.0.0.1:1935/live/cam1')
  await page.getByText('Nothing recorded yet').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})

test('live pictures: no more connections than a browser can spare, and a click moves one', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = ['a', 'b', 'c', 'd', 'e'].map((name) => streamDocument({ path: `live/${name}` }))
  const { page, assertClean } = await open(backend, { viewport: { width: 1280, height: 1400 } })
  await waitUntilPlaying(page.getByLabel('Live picture of live/a'))
  assert.equal(await page.locator('video').count(), 3)
  await page.getByRole('button', { name: 'Show live/e' }).click()
  await waitUntilPlaying(page.getByLabel('Live picture of live/e'))
  assert.equal(await page.locator('video').count(), 3)
  assert.equal(backend.liveResponses, 3)
  backend.announceStreams([], 'stream.ended', streamDocument({ path: 'live/a' }))
  await page.getByText('Nobody publishes now').or(page.getByText('Send your first stream')).first().waitFor()
  await waitForCount(page.locator('video'), 0)
  assertClean()
})

test('a codec the browser lacks is said, not tried', async () => {
  await using backend = new DashboardBackend(media)
  const track = { trackId: 1, kind: 'video' as const, codec: 'h265', codecString: 'hvc1.9.9.L999.00' }
  backend.streams = [streamDocument({ path: 'live/a', tracks: [track] })]
  const { page, assertClean } = await open(backend)
  await page.getByText("This browser can't play HEVC").waitFor()
  assert.equal(backend.liveResponses, 0)
  assertClean()
})

test('a disk in trouble is seen and heard, and its end too', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = [streamDocument({ path: 'live/cam1' })]
  const { page, assertClean } = await open(backend)
  await page.locator('.link-live').waitFor() // events flow
  backend.announce('recording.impaired', IMPAIRED)
  const banner = page.getByRole('region', { name: 'Recordings in trouble' })
  await banner.getByText('no space left: delete recordings').waitFor()
  await page.getByText('Recording of live/cam1 can not be written to the disk.').waitFor({ state: 'attached' })
  assert.equal(await page.locator('.streams .badge').textContent(), 'impaired')
  assert.deepEqual(await accessibilityProblems(page), [])
  backend.announce('recording.resumed', { ...IMPAIRED, error: null })
  await banner.waitFor({ state: 'detached' })
  assertClean()
})

test('record, see the time run, stop', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = [streamDocument({ path: 'live/cam1' })]
  const { page, assertClean } = await open(backend)
  await page.getByLabel('Container for a new recording of live/cam1').selectOption('flv')
  await page.getByRole('button', { name: 'Record live/cam1' }).click()
  const recording = page.getByRole('list', { name: 'Recordings of live/cam1 in progress' })
  await recording.getByText('FLV').waitFor()
  await recording.getByText('0:02').waitFor()
  await page.getByRole('button', { name: 'Stop the FLV recording of live/cam1' }).click()
  await page.getByText('Recording of live/cam1 is ready: 240 kB.').waitFor()
  await recording.waitFor({ state: 'detached' })
  await page.locator('.recordings').getByText('complete').waitFor()
  assertClean()
})

test('the library: filtered, turned, and a recording deleted by keyboard alone', async () => {
  await using backend = new DashboardBackend(media)
  for (let i = 0; i < 30; i++) {
    const id = `01a${String(i).padStart(2, '0')}`
    backend.recordings.set(id, recordingDocument({ id, stream: i % 3 === 0 ? 'event/stage' : 'live/cam1' }))
  }
  const { page, assertClean } = await open(backend)
  const cards = page.locator('.recordings > li')
  await cards.nth(23).waitFor()
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByText('Page 2').waitFor()
  await waitForCount(cards, 6)
  await page.getByLabel('Stream', { exact: true }).fill('event/stage')
  await page.keyboard.press('Enter')
  await waitForCount(cards, 10)

  const first = page.locator('[data-recording="01a27"]').getByRole('button', { name: /^Delete recording of/ })
  await first.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Delete this recording?' })
  await dialog.waitFor()
  await page.keyboard.press('Escape')
  await page.locator('dialog').waitFor({ state: 'detached' }) // by role it is gone while it still closes
  assert.equal(await first.and(page.locator(':focus')).count(), 1)
  assert.equal(backend.recordings.has('01a27'), true)

  await page.keyboard.press('Enter')
  await dialog.waitFor()
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Cancel')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.locator('[data-recording="01a27"]').waitFor({ state: 'detached' })
  assert.equal(backend.recordings.has('01a27'), false)
  assert.equal(await page.evaluate('document.activeElement.id'), 'library-title')
  assertClean()
})

test('the player goes from part to part, and the page holds the proof', async () => {
  await using backend = new DashboardBackend(media)
  const gap = {
    track: 1,
    fromMs: 1_000,
    toMs: 2_200,
    missingMs: 1_200,
    accessUnits: 12,
    packets: 0,
    cause: 'disk' as const,
    at: '',
  }
  const track = { trackId: 1, kind: 'video' as const, codec: 'h264', received: 100, written: 88, lost: 12 }
  const parts = [partDocument(1), partDocument(2)]
  backend.recordings.set('01a', recordingDocument({ id: '01a', parts, ledger: { tracks: [track], gaps: [gap] } }))
  const { page, assertClean } = await open(backend, {}, '#/recordings/01a')
  const first = page.getByLabel('Recording of live/cam1, part 1 of 2')
  await waitUntilPlaying(first)
  assert.ok(Math.abs((await mediaState(first)).duration - 4) < 0.1)
  await page.evaluate('document.querySelector("video").currentTime = 3.7')
  await waitUntilPlaying(page.getByLabel('Recording of live/cam1, part 2 of 2'))
  await page.getByText('Part 2 of 2, begins at 0:04').waitFor()
  await page.getByText('1 gap, 12 lost').waitFor()
  await page.getByRole('row', { name: '1 · H.264 video 100 88 12' }).waitFor()
  await page.getByText('the disk refused, 12 access units lost').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Copy SHA-256' }).count(), 2)
  assert.equal(await page.getByRole('link', { name: 'Download part 2' }).count(), 1)
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})

test('what browsers do not play is offered for download', async () => {
  await using backend = new DashboardBackend(media)
  backend.recordings.set('01a', recordingDocument({ id: '01a', format: 'flv' }))
  const { page, assertClean } = await open(backend, {}, '#/recordings/01a')
  await page.getByText("Browsers don't play FLV files.").waitFor()
  const address = await page.getByRole('link', { name: 'Download FLV' }).getAttribute('href')
  assert.match(address ?? '', /\/api\/v1\/recordings\/01a\/parts\/1\?download=1$/)
  assert.equal(await page.locator('video').count(), 0)
  assertClean()
})

test('a server that asks for a token gets one, also for media', async () => {
  await using backend = new DashboardBackend(media)
  backend.token = 'open sesame'
  backend.recordings.set('01a', recordingDocument({ id: '01a' }))
  const { page } = await open(backend)
  const field = page.getByLabel('Token')
  await field.fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('The server did not accept this token.').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await field.fill('open sesame')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: /^Open recording of live\/cam1/ }).click()
  const video = page.getByLabel('Recording of live/cam1, part 1 of 1')
  await waitUntilPlaying(video)
  assert.match((await video.getAttribute('src')) ?? '', /token=open\+sesame/)
  await page.reload()
  await waitUntilPlaying(page.getByLabel('Recording of live/cam1, part 1 of 1'))
  await page.getByRole('button', { name: 'Forget token' }).click()
  await field.waitFor()
})

test('a credential that may only watch sees no buttons it can not use', async () => {
  await using backend = new DashboardBackend(media)
  backend.permissions = ['view']
  backend.streams = [streamDocument({ path: 'live/cam1' })]
  backend.recordings.set('01b', recordingDocument({ id: '01b', state: 'recording' }))
  backend.recordings.set('01a', recordingDocument({ id: '01a' }))
  const { page, assertClean } = await open(backend)
  await page.locator('.recordings > li').nth(1).waitFor()
  await page.locator('.active').waitFor()
  assert.equal(await page.getByRole('button', { name: /^(Record|Stop|Delete)/ }).count(), 0)
  assertClean()
})

test('a refused command says why; the server going away is said and gets over', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = [streamDocument({ path: 'live/cam1' })]
  backend.refuseWith = 'storage/disk-full'
  const { page } = await open(backend)
  await page.getByRole('button', { name: 'Record live/cam1' }).click()
  await page.getByRole('alert').getByText('the disk has 12 MB left').waitFor()
  await page.getByRole('button', { name: 'Dismiss message' }).click()
  await page.getByText('the disk has 12 MB left').waitFor({ state: 'detached' })

  const port = Number(new URL(page.url()).port)
  await backend.close()
  await page.getByText('Reconnecting…', { exact: true }).waitFor()
  await page.getByRole('alert').getByText('The server does not answer.').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await using successor = new DashboardBackend(media)
  successor.recordings.set('01c', recordingDocument({ id: '01c', stream: 'after/restart' }))
  await successor.listen(port)
  await page.getByText('Connected').waitFor()
  await page.locator('[data-recording="01c"]').waitFor()
})

test('a phone in the dark: nothing scrolls sideways', async () => {
  await using backend = new DashboardBackend(media)
  const path = 'event/interview-with-a-rather-long-name-of-a-stream'
  backend.streams = [streamDocument({ path })]
  backend.announce('recording.impaired', { ...IMPAIRED, stream: path })
  backend.recordings.set('01a', recordingDocument({ id: '01a', stream: path }))
  const phone = { colorScheme: 'dark', viewport: { width: 320, height: 640 }, reducedMotion: 'reduce' } as const
  const { page, assertClean } = await open(backend, phone)
  await page.locator('.recordings > li').first().waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await page
    .getByRole('link', { name: /^Open recording of/ })
    .last()
    .click()
  await page.getByRole('heading', { name: 'Ledger' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})

test('two tabs share the connections, and both go on working', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = ['a', 'b', 'c', 'd'].map((name) => streamDocument({ path: `live/${name}` }))
  const { page, assertClean } = await open(backend, { viewport: { width: 1280, height: 1400 } })
  await waitForCount(page.locator('video'), 3)
  const second = await page.context().newPage()
  await second.goto(page.url())
  await second.getByRole('button', { name: 'Show live/d' }).waitFor()
  await second.getByRole('button', { name: 'Record live/d' }).click()
  await second.getByRole('list', { name: 'Recordings of live/d in progress' }).waitFor()
  const pictures = (await page.locator('video').count()) + (await second.locator('video').count())
  assert.equal(pictures, 3)
  await page.close()
  await waitForCount(second.locator('video'), 3)
  assertClean()
})

test('every control is reached with the Tab key, in the order of the page, and shows it', async () => {
  await using backend = new DashboardBackend(media)
  backend.streams = [streamDocument({ path: 'live/cam1' })]
  backend.recordings.set('01b', IMPAIRED)
  backend.recordings.set('01a', recordingDocument({ id: '01a' }))
  const { page, assertClean } = await open(backend, { viewport: { width: 1280, height: 1400 } })
  await page.getByRole('button', { name: 'Hear live/cam1' }).waitFor()
  await page.locator('.recordings > li').nth(1).waitFor()
  const expected = await page.evaluate<string[]>(
    `[...document.querySelectorAll('a, button, input, select')].filter((e) => !e.disabled).map((e) => e.outerHTML)`,
  )
  const reached: string[] = []
  for (const _ of expected) {
    await page.keyboard.press('Tab')
    const [html, outline] = await page.evaluate<string[]>(
      `(() => { const e = document.activeElement; const at = e.matches('.covers-card') ? '::after' : undefined
        return [e.outerHTML, getComputedStyle(e, at).outlineStyle] })()`,
    )
    assert.equal(outline, 'solid', `no visible focus: ${html}`)
    reached.push(html ?? '')
  }
  assert.deepEqual(reached, expected)
  assertClean()
})
