import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { accessibilityProblems, closePages, launchChromium, openWatched, waitForCount } from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { buildDashboardIfStale } from '../../scripts/build-dashboard.ts'

/** Hooks on the page, with the real server, a real encoder, a real program and a real receiver. */
let browser: Browser
before(async () => {
  await buildDashboardIfStale()
  browser = await launchChromium()
})
afterEach(() => closePages(browser))
after(() => browser.close())

/** Somebody who takes webhooks, or does not. */
class Receiver implements AsyncDisposable {
  status = 200
  /** Ids of what was taken. */
  readonly #taken: string[] = []
  readonly #server = createServer((request, response) => {
    request.resume()
    if (this.status === 200) this.#taken.push(String(request.headers['tapedeck-delivery']))
    response.writeHead(this.status).end()
  })

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  /** @throws when it was not taken exactly so often within ten seconds */
  async untilTaken(id: string, times: number): Promise<void> {
    const count = () => this.#taken.filter((each) => each === id).length
    for (let waitedMs = 0; count() < times && waitedMs < 10_000; waitedMs += 50) await sleep(50)
    assert.equal(count(), times)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

test('hooks: what is configured, what was sent, why not, and again', { timeout: 120_000 }, async () => {
  await using receiver = new Receiver()
  const address = await receiver.listen()
  await using folder = await TempFolder.make()
  const config = `hooks:
  exec:
    - { command: /bin/false, events: [recording.ready] }
  webhooks:
    - { url: "${address}?key=s3cret", secret: whsec-0123456789abcdef0123456789abcdef, events: [recording.started, recording.ready] }
`
  await writeFile(folder.at('tapedeck.yaml'), config)
  await using server = await startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_RECONNECT_SECONDS: '0' } })
  const { page, assertClean } = await openWatched(browser, server.page)
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Hooks' }).click()
  const webhook = page.getByRole('listitem').filter({ hasText: address })
  await webhook.getByText('signed').waitFor()
  await webhook.getByText('recording.started, recording.ready').waitFor()
  await page.getByText('Nothing sent yet.').waitFor()
  assert.doesNotMatch(String(await page.locator('main').textContent()), /s3cret|whsec/)
  assert.deepEqual(await accessibilityProblems(page), [])

  receiver.status = 503
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  const started = page.getByRole('listitem').filter({ hasText: 'recording.started' }).last()
  await started.getByText('tried again').waitFor()
  await started.getByText(/503/).waitFor()
  await webhook.getByText('failing, tried again').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])

  // The one that waits is sent at once.
  receiver.status = 200
  await started.getByRole('button', { name: 'Replay recording.started of live/cam1' }).click()
  await started.getByText('delivered', { exact: true }).waitFor()
  await publisher.stop()
  const deliveries = page.locator('.deliveries > li')
  await deliveries.filter({ hasText: 'recording.ready' }).getByText('delivered', { exact: true }).waitFor()
  const program = page.getByRole('listitem').filter({ hasText: '/bin/false' })
  await program.getByText('failed', { exact: true }).waitFor()

  await page.getByRole('link', { name: /^Delivery of recording\.ready of live\/cam1/ }).click()
  await page.getByRole('heading', { name: 'Delivery of recording.ready' }).and(page.locator(':focus')).waitFor()
  await page.getByText('status 200').waitFor()
  const body = JSON.parse((await page.locator('.document').textContent()) ?? '') as {
    type: string
    data: { recording: { id: string; stream: string } }
  }
  assert.deepEqual([body.type, body.data.recording.stream], ['recording.ready', 'live/cam1'])
  assert.deepEqual(await accessibilityProblems(page), [])
  const id = decodeURIComponent(new URL(page.url()).hash.split('/').at(-1) ?? '')
  await receiver.untilTaken(id, 1)
  await page.getByRole('button', { name: 'Replay recording.ready of live/cam1' }).click()
  await page.getByText('recording.ready is sent again.').waitFor()
  await receiver.untilTaken(id, 2)

  // Filters live in the address: they are linked to, survive a reload, and are gone back from.
  await page.getByRole('link', { name: 'its deliveries' }).click()
  await waitForCount(deliveries, 2)
  assert.equal(await page.getByLabel('Recording', { exact: true }).inputValue(), body.data.recording.id)
  await page.getByLabel('State').selectOption('given up')
  await page.getByText('No delivery matches.').waitFor()
  await page.reload()
  await page.getByText('No delivery matches.').waitFor()
  await page.goBack()
  await waitForCount(deliveries, 2)
  assertClean()
})

test('a phone in the dark: no new page scrolls sideways', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const long = 'conference/a-rather-long-name-of-an-application/with-a-stream-name-that-does-not-want-to-end'
  const config = `rules:
  - { match: "${long}", request: { name: "{app}/{date}/{stream}-{time}-{startTimeMillis}-{id}" } }
pulls:
  - { path: "${long}", url: "rtmp://127.0.0.1:1/${long}" }
hooks:
  webhooks:
    - { url: "http://127.0.0.1:1/${long}" }
`
  await writeFile(folder.at('tapedeck.yaml'), config)
  await using server = await startServerProcess(folder.path)
  const phone = { colorScheme: 'dark', viewport: { width: 320, height: 640 }, reducedMotion: 'reduce' } as const
  const { page, assertClean } = await openWatched(browser, `${server.page}#/rules`, phone)
  const visit = async (hash: string, shown: string) => {
    await page.goto(`${server.page}#/${hash}`)
    await page.getByText(shown).first().waitFor()
    assert.deepEqual(await accessibilityProblems(page), [], hash)
  }
  await visit('rules', 'From the configuration file')
  await visit('rules/new', 'Elements of a name')
  await page.getByText('Elements of a name').click()
  await page.getByLabel('Streams', { exact: true }).fill(long)
  await page.getByText('Matches no stream that is live now.').waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  await visit('sources', 'pull/connect-failed')
  await visit('hooks', 'Webhook deliveries')
  await page.locator('.deliveries > li').first().getByRole('link').click()
  await page.getByRole('heading', { name: 'What is sent' }).waitFor()
  assert.deepEqual(await accessibilityProblems(page), [])
  assertClean()
})
