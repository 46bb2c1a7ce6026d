import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { vendorPackage } from './vendor-package.ts'

const SCRIPT = join(import.meta.dirname, 'openvidu.in-page.js')

/** Lets tests cut what the library has connected. */
const REMEMBER_SOCKETS = `
  window.sockets = []
  window.WebSocket = class extends WebSocket {
    constructor(...options) {
      super(...options)
      sockets.push(this)
    }
  }`

/** Something the library told its page. */
export interface ClientEvent {
  readonly type: string
  readonly [fact: string]: unknown
}

/** A picture of somebody else's in the page. */
export interface ShownVideo {
  readonly videoWidth: number
  readonly currentTime: number
  readonly tracks: readonly string[]
}

/** A page of an application, with the vendor's library of one version as it was published. */
export class OpenViduPage implements AsyncDisposable {
  readonly page: Page
  readonly version: string
  /** What went wrong in the page. */
  readonly complaints: string[]

  private constructor(page: Page, version: string, complaints: string[]) {
    this.page = page
    this.version = version
    this.complaints = complaints
  }

  /** @param door `host:port` of the facade */
  static async open(browser: Browser, door: string, version: string): Promise<OpenViduPage> {
    const folder = await vendorPackage('openvidu-browser', version)
    const library = await readFile(join(folder, 'static/js', `openvidu-browser-${version}.min.js`), 'utf8')
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
    // Whatever the door says of it: what counts is where the page is from. Chromium wants that to be a real address.
    await page.goto(`https://${door}/application.html`)
    await page.setContent('<!doctype html><div id="publisher"></div><div id="subscribers"></div>')
    await page.evaluate(REMEMBER_SOCKETS)
    await page.addScriptTag({ content: library })
    await page.addScriptTag({ content: await readFile(SCRIPT, 'utf8') })
    return new OpenViduPage(page, version, complaints)
  }

  /** Runs in the page, where `client` is what openvidu.in-page.js made. */
  run<Result>(expression: string): Promise<Result> {
    return this.page.evaluate<Result>(expression)
  }

  /** Resolves with the id of the connection. */
  connect(token: string, data = ''): Promise<string> {
    return this.run(`client.connect(${JSON.stringify(token)}, ${JSON.stringify(data)})`)
  }

  /** Publishes the fake camera; resolves with the id of the stream. */
  publish(properties: object = {}): Promise<string> {
    const all = {
      publishAudio: true,
      publishVideo: true,
      resolution: '320x240',
      frameRate: 30,
      mirror: false,
      ...properties,
    }
    return this.run(`client.publish(${JSON.stringify(all)})`)
  }

  events(): Promise<ClientEvent[]> {
    return this.run('client.events()')
  }

  /** Resolves with the first event that has all these facts. @throws when none comes */
  async event(wanted: ClientEvent, timeoutMs = 60_000): Promise<ClientEvent> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const events = await this.events()
      const found = events.find((event) => Object.entries(wanted).every(([fact, value]) => event[fact] === value))
      if (found !== undefined) return found
      if (performance.now() > deadlineMs) {
        throw new Error(
          `${this.version}: no ${JSON.stringify(wanted)} among ${JSON.stringify(events)}; ${this.complaints}`,
        )
      }
      await this.page.waitForTimeout(50)
    }
  }

  /** Resolves when so many pictures of others move. @throws when they don't */
  async sees(videos: number, timeoutMs = 60_000): Promise<readonly ShownVideo[]> {
    const deadlineMs = performance.now() + timeoutMs
    for (let before: readonly ShownVideo[] = []; ; ) {
      const shown = await this.run<readonly ShownVideo[]>('client.videos()')
      const moves = ({ videoWidth, currentTime }: ShownVideo, index: number) =>
        videoWidth > 0 && currentTime > (before[index]?.currentTime ?? Number.POSITIVE_INFINITY)
      if (shown.length === videos && shown.every(moves)) return shown
      if (performance.now() > deadlineMs) {
        const events = JSON.stringify(await this.events())
        throw new Error(`${this.version}: ${JSON.stringify(shown)} instead of ${videos}; ${events}; ${this.complaints}`)
      }
      before = shown.length === before.length ? before : shown
      await this.page.waitForTimeout(200)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }
}
