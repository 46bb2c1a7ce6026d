import type { PullOptions } from '#base/pull-options.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { PullRequest, PullSource } from '#hub/pull-source.ts'
import { PullOptionError, PullRedirectsError } from '../pull/errors.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import { ReadPacer } from '../tcp/read-pacer.ts'
import { READ_BUFFER_BYTES } from '../tcp/transport.ts'
import { parseRtspUrl, type RtspUrl } from './client-url.ts'
import { type PlayOutcome, type RtspLimits, RtspPlayer, SWEEP_MS } from './rtsp-player.ts'
import { Ticker } from './ticker.ts'
import type { UdpPorts } from './udp-ports.ts'

const MAX_REDIRECTS = 5
/** Sources remembered to be out of reach over UDP; more than anybody pulls. */
const MAX_REMEMBERED = 1000

/** Pulls over RTSP: plain, over TLS, and through HTTP. Every pull has a connection of its own. */
export class RtspPull implements PullSource, Disposable {
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #limits: RtspLimits
  readonly #ports: UdpPorts | undefined
  readonly #readers: ReaderSlots | undefined
  readonly #pacer = new ReadPacer()
  readonly #ticker: Ticker
  readonly #players = new Set<RtspPlayer>()
  /** Addresses whose media only comes over TCP, so that not every new try waits for UDP again. */
  readonly #tcpOnly = new Set<string>()
  #readBuffer: Uint8Array | undefined
  #sweeper: NodeJS.Timeout | undefined

  /**
   * @param options.ports undefined: media comes over TCP only
   * @param options.readers undefined: transport streams are not taken
   */
  constructor(options: {
    runtime: Runtime
    hub: Hub
    limits: RtspLimits
    ports: UdpPorts | undefined
    readers?: ReaderSlots
  }) {
    this.#runtime = options.runtime
    this.#hub = options.hub
    this.#limits = options.limits
    this.#ports = options.ports
    this.#readers = options.readers
    this.#ticker = new Ticker(options.runtime.monotonicMs)
  }

  /** @throws {PullUrlError | PullOptionError} */
  check(url: string, { transport }: PullOptions): void {
    const { isTunnelled, shown } = parseRtspUrl(url)
    if (transport !== 'udp') return
    if (isTunnelled) throw new PullOptionError(shown, 'transport', 'an HTTP tunnel has no UDP')
    if (this.#ports === undefined) throw new PullOptionError(shown, 'transport', 'rtsp.udpPorts is off')
  }

  async pull(request: PullRequest): Promise<void> {
    let url = parseRtspUrl(request.url)
    let redirects = 0
    for (;;) {
      const outcome = await this.#play(url, request)
      switch (outcome.kind) {
        case 'stopped':
          return
        case 'silent':
          this.#onlyTcp(url)
          break
        case 'redirected':
          if (++redirects > MAX_REDIRECTS) throw new PullRedirectsError(url.shown, MAX_REDIRECTS)
          this.#runtime.log.info({ event: 'pull.redirected', from: url.shown, to: outcome.to.shown })
          url = outcome.to
          break
      }
    }
  }

  /** Pulls must have ended. */
  [Symbol.dispose](): void {
    this.#pacer[Symbol.dispose]()
    this.#ticker[Symbol.dispose]()
    clearInterval(this.#sweeper)
  }

  async #play(url: RtspUrl, request: PullRequest): Promise<PlayOutcome> {
    // Servers that pull nothing need no memory for it.
    this.#readBuffer ??= new Uint8Array(READ_BUFFER_BYTES)
    const ports = this.#udpPorts(url, request)
    const player = new RtspPlayer({
      runtime: this.#runtime,
      readers: this.#readers,
      hub: this.#hub,
      limits: this.#limits,
      url,
      request,
      mayFallBack: request.transport === 'auto',
      ports,
      means: { pacer: this.#pacer, readBuffer: this.#readBuffer },
    })
    this.#players.add(player)
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS)
    using _ticks = ports === undefined ? undefined : this.#ticker.add((nowMs) => player.tick(nowMs))
    try {
      return await player.run()
    } finally {
      this.#players.delete(player)
      if (this.#players.size === 0) {
        clearInterval(this.#sweeper)
        this.#sweeper = undefined
      }
    }
  }

  /** Undefined: media comes over TCP. */
  #udpPorts({ isTunnelled, isTls, address }: RtspUrl, { transport }: PullRequest): UdpPorts | undefined {
    if (transport === 'tcp' || isTunnelled) return undefined
    // Whoever asks for TLS means the media, which only the connection itself can protect.
    if (transport === 'auto' && isTls) return undefined
    return transport === 'auto' && this.#tcpOnly.has(address) ? undefined : this.#ports
  }

  #onlyTcp({ address, shown }: RtspUrl): void {
    this.#runtime.log.info({ event: 'pull.udp-silent', from: shown }, 'no packets over UDP: TCP is tried')
    const [oldest] = this.#tcpOnly
    if (this.#tcpOnly.size >= MAX_REMEMBERED && oldest !== undefined) this.#tcpOnly.delete(oldest)
    this.#tcpOnly.add(address)
  }

  #sweep(): void {
    for (const player of this.#players) player.sweep()
  }
}
