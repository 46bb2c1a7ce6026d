import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { Installation } from './flashphoner.ts'

const EXAMPLE = '/client2/examples/demo/streaming/stream_recording/recording.html'
const HELPERS = join(import.meta.dirname, 'flashphoner.in-page.js')

/** A status of a stream as the page sees it. */
export type ToldStatus = readonly [status: string, info: string | null, recordName: string | null]

/** The vendor's own example page, as it is, where the installation serves it. */
export async function openExample(browser: Browser, wcs: Installation): Promise<Page> {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const { port } = new URL(wcs.signalling)
  // The way the vendor documents for servers on ports of their own.
  await page.addInitScript(`window.SERVER_PORTS = { ws: ${port} }`)
  await page.goto(wcs.web + EXAMPLE)
  return page
}

/** A page of an own making that uses the vendor's SDK, with a session. */
export class SdkPage implements AsyncDisposable {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  static async open(browser: Browser, wcs: Installation, session: object = {}): Promise<SdkPage> {
    const page = await openExample(browser, wcs)
    await page.addScriptTag({ content: await readFile(HELPERS, 'utf8') })
    const self = new SdkPage(page)
    await self.#call('connect', `${wcs.signalling}/any/path`, session)
    return self
  }

  publish(name: string, options: object = {}): Promise<void> {
    return this.#call('publish', name, options)
  }

  play(key: string, name: string): Promise<void> {
    return this.#call('play', key, name)
  }

  stop(key: string): Promise<void> {
    return this.#call('stop', key)
  }

  /** The first of these statuses that the stream gets. */
  until(key: string, ...statuses: string[]): Promise<ToldStatus> {
    return this.#call('until', key, ...statuses)
  }

  /** Publishes for so many seconds; the last status. */
  async published(name: string, seconds: number, options: object = {}): Promise<ToldStatus> {
    await this.publish(name, options)
    const [status, info] = await this.until(name, 'PUBLISHING', 'FAILED')
    if (status === 'FAILED') throw new Error(`publishing failed: ${info}`)
    await this.page.waitForTimeout(seconds * 1_000)
    await this.stop(name)
    return this.until(name, 'UNPUBLISHED', 'FAILED')
  }

  #call<Result>(method: string, ...values: unknown[]): Promise<Result> {
    return this.page.evaluate<Result>(`wcs.${method}(${values.map((value) => JSON.stringify(value)).join(', ')})`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}
