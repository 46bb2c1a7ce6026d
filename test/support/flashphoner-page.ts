import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { Installation } from './flashphoner.ts'

const EXAMPLES = '/client2/examples/demo/streaming'
const HELPERS = join(import.meta.dirname, 'flashphoner.in-page.js')

/** A status of a stream as the page sees it. */
export type ToldStatus = readonly [status: string, info: string | null, recordName: string | null]

/** Lets tests get at the connections that the vendor's code makes. */
const REMEMBER_CONNECTIONS = `
  window.peerConnections = []
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options)
      peerConnections.push(this)
    }
  }`

/** One of the vendor's own example pages, as it is, where the installation serves it. */
export async function openExample(
  browser: Browser,
  wcs: Installation,
  path = 'stream_recording/recording.html',
  scheme: 'http' | 'https' = 'http',
): Promise<Page> {
  // The certificate is the server's own: somebody with a browser accepts it once.
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const doors = wcs.server.facades['flashphoner'] ?? {}
  const port = (door: string) => Number(doors[door]?.split(':').at(-1))
  // The way the vendor documents for servers on ports of their own.
  await page.addInitScript(`window.SERVER_PORTS = { ws: ${port('ws')}, wss: ${port('wss')} }`)
  await page.goto(`${scheme}://${doors[scheme]}${EXAMPLES}/${path}`)
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
    await page.evaluate(REMEMBER_CONNECTIONS)
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

  /** An offer that nobody will ever follow with a connection. */
  offer(): Promise<string> {
    return this.#call('offer')
  }

  /** The connections stay, and nothing is sent any more. */
  fallSilent(): Promise<void> {
    return this.#call('fallSilent')
  }

  /** Width of the picture that a stream is shown as, and its time in seconds. */
  shown(key: string): Promise<readonly [widthPixels: number, seconds: number]> {
    return this.#call('shown', key)
  }

  /** Publishes for so many seconds; the last status. */
  published(name: string, seconds: number, options: object = {}): Promise<ToldStatus> {
    return this.#published('publish', name, seconds, options)
  }

  /** The same with pictures that turn white when the sound beeps. */
  publishedFlashes(name: string, seconds: number, options: object = {}): Promise<ToldStatus> {
    return this.#published('publishFlashes', name, seconds, options)
  }

  async #published(how: string, name: string, seconds: number, options: object): Promise<ToldStatus> {
    await this.#call(how, name, options)
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
