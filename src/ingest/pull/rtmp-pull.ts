import { DEFAULT_PULL_OPTIONS, type PullOptions } from '#base/pull-options.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { PullRequest, PullSource } from '#hub/pull-source.ts'
import { ReadPacer } from '../tcp/read-pacer.ts'
import { READ_BUFFER_BYTES } from '../tcp/transport.ts'
import { PullOptionError, PullRefusedError } from './errors.ts'
import { type PullLimits, type PullOutcome, RtmpPlayer } from './rtmp-player.ts'
import { parseRtmpUrl, type RtmpUrl } from './rtmp-url.ts'

/** A login takes two refusals: one asks who we are, the next gives the challenge. */
const MAX_CHALLENGES = 2

/** Pulls over RTMP and RTMPS. Every pull has a connection of its own. */
export class RtmpPull implements PullSource, Disposable {
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #limits: PullLimits
  readonly #pacer = new ReadPacer()
  #readBuffer: Uint8Array | undefined

  constructor(options: { runtime: Runtime; hub: Hub; limits: PullLimits }) {
    this.#runtime = options.runtime
    this.#hub = options.hub
    this.#limits = options.limits
  }

  /** @throws {PullUrlError | PullOptionError} */
  check(url: string, options: PullOptions): void {
    const { shown } = parseRtmpUrl(url)
    for (const name of ['transport', 'damaged'] as const) {
      if (options[name] === DEFAULT_PULL_OPTIONS[name]) continue
      throw new PullOptionError(shown, name, 'RTMP knows only TCP, which loses nothing')
    }
  }

  async pull(request: PullRequest): Promise<void> {
    const url = parseRtmpUrl(request.url)
    let loginQuery = ''
    for (let challenges = 0; challenges <= MAX_CHALLENGES; challenges++) {
      const outcome = await this.#play(url, request, loginQuery)
      if (outcome.kind === 'stopped') return
      if (outcome.kind === 'failed') throw outcome.error
      loginQuery = outcome.loginQuery
    }
    throw new PullRefusedError(url.shown, 'NetConnection.Connect.Rejected', 'it asks for the login again and again')
  }

  #play(url: RtmpUrl, request: PullRequest, loginQuery: string): Promise<PullOutcome> {
    // Servers that pull nothing need no memory for it.
    this.#readBuffer ??= new Uint8Array(READ_BUFFER_BYTES)
    const { promise, resolve } = Promise.withResolvers<PullOutcome>()
    new RtmpPlayer({
      runtime: this.#runtime,
      hub: this.#hub,
      limits: this.#limits,
      url,
      request,
      loginQuery,
      pacer: this.#pacer,
      readBuffer: this.#readBuffer,
      onOver: resolve,
    })
    return promise
  }

  /** Pulls must have ended. */
  [Symbol.dispose](): void {
    this.#pacer[Symbol.dispose]()
  }
}
