import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { cachedMedia } from './cached-media.ts'

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium'
/** The same without windows and their menus, which nobody sees: a quarter of the work for a page. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell'

const ACCESSIBILITY_SCRIPT = join(import.meta.dirname, 'accessibility-problems.in-page.js')

/** Quiet on the network, so that a request that leaves the origin is ours, and playing without a click. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
]

/**
 * Starts a headless Chromium with a profile of its own: the one that the environment names, else the lightest there is.
 * Close it when done.
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? (existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : CHROMIUM)
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] })
}

/** The same with all that belongs to it: only so can it show a page to another, and has sound a clock that never stops. */
export async function launchWholeChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? CHROMIUM, args: [...FLAGS, ...flags] })
}

/** Closes what tests have left open, which would go on playing behind the tests that follow. */
export async function closePages(browser: Browser): Promise<void> {
  await Promise.all(browser.contexts().map((context) => context.close()))
}

const CAMERA_PICTURES = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15:duration=4', '-pix_fmt', 'yuv420p']

/**
 * The same with a camera and a microphone that need nobody: a moving picture of 320×240, fifteen a second, which
 * processors of testing machines can encode several of, and beeps.
 */
export async function launchWithCamera(): Promise<Browser> {
  const pictures = await cachedMedia(CAMERA_PICTURES, 'y4m')
  return launchChromium([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${pictures}`,
  ])
}

/** A page that remembers what it must not do. */
export interface WatchedPage {
  readonly page: Page
  /**
   * Fails the test when the page logged errors, threw, or asked anybody but its own origin. Chromium logs every refused
   * request: give the statuses the case provokes.
   */
  assertClean(...provokedStatuses: number[]): void
}

/** Opens an address in a fresh context (no cookies, no storage shared with others). */
export async function openWatched(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  const { origin } = new URL(url)
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack ?? error.message}`))
  page.on('request', (request) => {
    const target = new URL(request.url())
    if (target.origin !== origin && target.protocol !== 'blob:' && target.protocol !== 'data:') {
      complaints.push(`request left the origin: ${request.url()}`)
    }
  })
  await page.goto(url)
  const isProvoked = (complaint: string, statuses: readonly number[]) =>
    statuses.some((status) => complaint.includes(`responded with a status of ${status} `))
  return {
    page,
    assertClean: (...statuses) =>
      assert.deepEqual(
        complaints.filter((complaint) => !isProvoked(complaint, statuses)),
        [],
      ),
  }
}

/** What a person without a mouse or without sight would stumble over. Empty when all is well. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(await readFile(ACCESSIBILITY_SCRIPT, 'utf8'))
}

/** Numbers of a media element, as the page sees them now. */
export async function mediaState(video: Locator): Promise<{ currentTime: number; duration: number; error: string }> {
  return video.evaluate((element) => {
    const media = element as unknown as { currentTime: number; duration: number; error: { message: string } | null }
    return { currentTime: media.currentTime, duration: media.duration, error: media.error?.message ?? '' }
  })
}

/** Resolves once so many elements match. @throws when they don't within the time limit */
export async function waitForCount(elements: Locator, expected: number, timeoutMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const found = await elements.count()
    if (found === expected) return
    if (performance.now() > deadlineMs) throw new Error(`${found} instead of ${expected} match ${elements}`)
    await sleep(50)
  }
}

/** Resolves once the element's time moves on by half a second. @throws when it does not within the time limit */
export async function waitUntilPlaying(video: Locator, timeoutMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  let { currentTime: before } = await mediaState(video)
  for (;;) {
    await sleep(100)
    const { currentTime, error } = await mediaState(video)
    if (currentTime >= before + 0.5) return
    before = Math.min(before, currentTime) // a reconnect begins anew
    if (performance.now() > deadlineMs)
      throw new Error(`the picture stands at ${currentTime} s: ${error || 'no error'}`)
  }
}
