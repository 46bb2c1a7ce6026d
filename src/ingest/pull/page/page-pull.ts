import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_PULL_OPTIONS, type PullOptions } from '#base/pull-options.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'
import type { Hub } from '#hub/hub.ts'
import { type PullRequest, type PullSource, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { WebRtcSession } from '#hub/webrtc.ts'
import { WebRtcServer } from '../../webrtc/server.ts'
import type { SoundForPlayers } from '../../webrtc/sound-for-players.ts'
import { PullConnectionLostError, PullOptionError } from '../errors.ts'
import { CapturedPage } from './captured-page.ts'
import { TooManyPagesError } from './errors.ts'
import { findBrowser } from './find-browser.ts'
import { type PageUrl, parsePageUrl } from './page-url.ts'
import { ProfileFolders } from './profile-folders.ts'

/** How long a browser may take to say why its connection has ended. */
const REASON_WAIT_MS = 1_000

/** From the page's address to its load event. */
const LOAD_TIMEOUT_MS = 20_000
const LOOPBACK = '127.0.0.1'

export interface PagePullOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly config: Config['pages']
  readonly webrtc: Config['webrtc']
  readonly sound: SoundForPlayers
  readonly maxPages: number
}

/**
 * Records pages: each is opened by a browser of its own, where a tab beside it captures what is seen and heard, and
 * publishes it to us over WebRTC, on a port of this machine's own that nobody else is told of.
 */
export class PagePull implements PullSource, AsyncDisposable {
  readonly #options: PagePullOptions
  readonly #folders = new ProfileFolders()
  #server: Promise<WebRtcServer> | undefined
  #open = 0

  constructor(options: PagePullOptions) {
    this.#options = options
  }

  /** @throws {PullUrlError | PullOptionError} */
  check(text: string, options: PullOptions): void {
    const { shown } = parsePageUrl(text, this.#options.config)
    for (const name of ['transport', 'damaged'] as const) {
      if (options[name] === DEFAULT_PULL_OPTIONS[name]) continue
      throw new PullOptionError(shown, name, 'a page is drawn by a browser on this machine')
    }
  }

  async pull(request: PullRequest): Promise<void> {
    const { maxPages, config, runtime } = this.#options
    const { signal } = request
    const page = parsePageUrl(request.url, config)
    if (this.#open >= maxPages) throw new TooManyPagesError(maxPages)
    this.#open++
    try {
      const stopped = Promise.withResolvers<'stopped'>()
      const stop = () => stopped.resolve('stopped')
      signal.addEventListener('abort', stop, { once: true })
      using _listening = { [Symbol.dispose]: () => signal.removeEventListener('abort', stop) }
      if (signal.aborted) return
      await this.#record(page, request, {
        stopped: stopped.promise,
        log: runtime.log.child({ stream: request.path }),
      })
    } finally {
      this.#open--
    }
  }

  async #record(page: PageUrl, request: PullRequest, run: { stopped: Promise<'stopped'>; log: Logger }): Promise<void> {
    const { config } = this.#options
    const { verifyTls, signal } = request
    await using captured = await CapturedPage.start({
      executable: await findBrowser(config.browser),
      folders: this.#folders,
      verifyTls,
      page,
      bitrateBps: config.bitrate,
      loadTimeoutMs: LOAD_TIMEOUT_MS,
      captureTitle: `page ${randomUUID()}`,
      log: run.log,
    })
    const opened = await Promise.race([captured.open(), run.stopped, captured.gone])
    if (opened === 'stopped') return
    const session = await this.#publish(captured, page, request)
    const ended = Promise.withResolvers<StreamEnd>()
    using _states = session.stateChanged.listen(({ state, ended: over }) => {
      if (state === 'flowing') request.onStreaming()
      if (over !== undefined) ended.resolve(over.end)
    })
    try {
      await captured.answer(session.answer)
      const end = await Promise.race([run.stopped, ended.promise, captured.gone])
      if (end === 'stopped') {
        const { cause, message } = signal.reason as PullStop
        session.close({ cause, message })
        return
      }
      // A page that has crashed ends its connection, too, and the browser may be slower to say why.
      await Promise.race([captured.gone, run.stopped, sleep(REASON_WAIT_MS, undefined, { ref: false })])
      throw new PullConnectionLostError(page.shown, new Error(end.message))
    } catch (error) {
      session.close({ cause: 'lost', message: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }

  async #publish(captured: CapturedPage, page: PageUrl, { path }: PullRequest): Promise<WebRtcSession> {
    const { widthPixels, heightPixels } = page.view
    const server = await this.#started()
    return server.publish({
      path,
      sdp: await captured.offer(),
      protocol: pullProtocol(page.scheme),
      goodbyeIsLoss: true,
      remoteAddress: LOOPBACK,
      remotePort: 0,
      localAddress: server.address.host,
      localPort: server.address.port,
      encoder: `browser ${widthPixels}×${heightPixels}`,
      query: {},
      codecs: { video: ['h264'], audio: ['opus'] },
      maxBitrateBps: this.#options.config.bitrate,
    })
  }

  /** Only when there is a page: most servers have none. */
  #started(): Promise<WebRtcServer> {
    const { runtime, hub, webrtc, sound } = this.#options
    this.#server ??= WebRtcServer.start({
      runtime,
      hub,
      sound,
      config: { ...webrtc, udp: { host: LOOPBACK, port: 0 }, advertise: [], iceServers: [] },
    })
    return this.#server
  }

  /** Pulls must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const server = await this.#server
    await server?.close()
  }
}
