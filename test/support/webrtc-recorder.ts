import type { Browser, Page } from 'playwright-core'
import type { Config } from '#config/config.ts'
import { WEBRTC_KEYS } from '#config/sections/webrtc.ts'
import { WebRtcServer } from '#ingest/webrtc/server.ts'
import { SoundForPlayers } from '#ingest/webrtc/sound-for-players.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import { ClockPage, type ClockPageOptions } from './clock-page.ts'
import { LossyRelay } from './lossy-relay.ts'
import { RecorderFixture, testRule } from './recorder-fixture.ts'

const LOOPBACK = '127.0.0.1'

/** Records what browsers publish over WebRTC through a network that is as bad as a test wants it. */
export class WebRtcRecorder implements AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly server: WebRtcServer
  readonly relay: LossyRelay
  readonly #owned: AsyncDisposableStack

  private constructor(fixture: RecorderFixture, server: WebRtcServer, relay: LossyRelay, owned: AsyncDisposableStack) {
    this.fixture = fixture
    this.server = server
    this.relay = relay
    this.#owned = owned
  }

  static async open(
    options: {
      readonly config?: Partial<Config['webrtc']>
      readonly request?: Partial<RecordingRequest>
      readonly seed?: number
    } = {},
  ): Promise<WebRtcRecorder> {
    await using owned = new AsyncDisposableStack()
    const { request = {}, seed = 1 } = options
    const fixture = owned.use(await RecorderFixture.open({ rules: [testRule('**', request)] }))
    const { runtime, hub, transcoder } = fixture
    const udp = { host: LOOPBACK, port: 0 }
    const config = { ...DEFAULTS, ...options.config, udp }
    const sound = new SoundForPlayers({ runtime, transcoder })
    const server = owned.use(await WebRtcServer.start({ runtime, hub, config, sound }))
    const relay = owned.use(await LossyRelay.open(server.address.port, seed))
    return new WebRtcRecorder(fixture, server, relay, owned.move())
  }

  /** A page that publishes through the relay. */
  async publish(
    browser: Browser,
    path: string,
    options: ClockPageOptions & {
      /** Changes the offer before the server sees it. */
      readonly rewriteOffer?: (sdp: string) => string
    } = {},
  ): Promise<ClockPage> {
    const page: Page = await browser.newPage()
    const encoder = await page.evaluate<string>('navigator.userAgent')
    return ClockPage.publish(
      page,
      async (offer) => {
        const sdp = options.rewriteOffer?.(offer) ?? offer
        const facts = { remoteAddress: LOOPBACK, remotePort: 1, localAddress: LOOPBACK, localPort: 1 }
        const session = await this.server.publish({ path, sdp, ...facts, encoder, query: {} })
        return this.relay.rewritten(session.answer)
      },
      options,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]()
  }
}

/** What the configuration has where it says nothing. */
const DEFAULTS = Object.fromEntries(
  Object.entries(WEBRTC_KEYS).map(([name, key]) => [name, key.default]),
) as Config['webrtc']
