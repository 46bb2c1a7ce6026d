import type { Runtime } from '#base/runtime.ts'
import type { Channels, User } from '../channels.ts'
import type { ListedFile, RecordedFiles } from './recorded-files.ts'
import type { Resource } from './resources.ts'
import type { CloudSource } from './source.ts'
import type { Subscription } from './subscription.ts'

/** Why it ended. `idle`: nobody was in the channel; `expired`: its time was over; `lost`: what it records was. */
export type CloudEnd = 'stop' | 'idle' | 'expired' | 'lost' | 'shutdown'

/** What the vendor's numbers for it say: first files are being made, files are there, it is being stopped. */
export type CloudStatus = 4 | 5 | 6

export interface CloudRecordingOptions {
  readonly runtime: Runtime
  readonly channels: Channels
  readonly resource: Resource
  readonly sid: string
  /** Undefined: it is of no channel, and nobody has to be there. */
  readonly maxIdleMs: number | undefined
  /** Milliseconds since 1970 UTC. */
  readonly endsAtMs: number
  readonly files: RecordedFiles
  readonly source: CloudSource
  /** Called once, when its files are final. */
  readonly ended: (recording: CloudRecording, end: CloudEnd) => void
}

/** Timers can't be longer. */
const MAX_TIMER_MS = 0x7fff_ffff

/** One recording of a channel, from its start to its stop, or until nobody is left. */
export class CloudRecording {
  readonly sid: string
  readonly resource: Resource
  readonly #options: CloudRecordingOptions
  readonly #following = new DisposableStack()
  #idleTimer: NodeJS.Timeout | undefined
  #expiryTimer: NodeJS.Timeout | undefined
  #stopped: Promise<void> | undefined

  constructor(options: CloudRecordingOptions) {
    const { channels, resource } = options
    this.sid = options.sid
    this.resource = resource
    this.#options = options
    this.#awaitExpiry()
    if (options.maxIdleMs === undefined) return
    this.#following.use(channels.joined.listen((user) => this.#joined(user)))
    this.#following.use(channels.left.listen((user) => this.#left(user)))
    for (const user of this.users) options.source.joined(user)
    if (this.users.length === 0) this.#awaitUsers()
  }

  get users(): readonly User[] {
    return this.#options.channels.users(this.resource.caller.cname)
  }

  get source(): CloudSource {
    return this.#options.source
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined
  }

  update(subscription: Subscription): void {
    this.#options.source.update(subscription, this.users)
  }

  /** Resolves when its files are final. Idempotent; the first reason counts. */
  stop(end: CloudEnd): Promise<void> {
    this.#stopped ??= this.#stop(end)
    return this.#stopped
  }

  /** What there is so far. */
  async files(): Promise<{
    readonly status: CloudStatus
    readonly files: readonly ListedFile[]
    readonly hasFailed: boolean
  }> {
    const { files, hasFailed } = await this.#options.files.list()
    return { status: this.isStopping ? 6 : files.length === 0 ? 4 : 5, files, hasFailed }
  }

  async #stop(end: CloudEnd): Promise<void> {
    const { source, files, ended } = this.#options
    this.#following.dispose()
    clearTimeout(this.#idleTimer)
    clearTimeout(this.#expiryTimer)
    try {
      await source.end()
    } finally {
      await files.end()
      ended(this, end)
    }
  }

  #joined(user: User): void {
    if (user.channel !== this.resource.caller.cname) return
    clearTimeout(this.#idleTimer)
    this.#options.source.joined(user)
  }

  #left(user: User): void {
    if (user.channel !== this.resource.caller.cname) return
    this.#options.source.left(user)
    if (this.users.length === 0) this.#awaitUsers()
  }

  /** Its time may be longer than that of a timer. */
  #awaitExpiry(): void {
    const { endsAtMs, runtime } = this.#options
    const leftMs = endsAtMs - runtime.nowMs()
    if (leftMs <= 0) {
      this.#stopInBackground('expired')
      return
    }
    this.#expiryTimer = setTimeout(() => this.#awaitExpiry(), Math.min(leftMs, MAX_TIMER_MS))
    this.#expiryTimer.unref()
  }

  #awaitUsers(): void {
    clearTimeout(this.#idleTimer)
    const { maxIdleMs = 0 } = this.#options
    this.#idleTimer = setTimeout(() => this.#stopInBackground('idle'), Math.min(maxIdleMs, MAX_TIMER_MS))
    this.#idleTimer.unref()
  }

  #stopInBackground(end: CloudEnd): void {
    const { runtime } = this.#options
    this.stop(end).catch((err: unknown) => {
      runtime.log.error({ event: 'facade.cloud-not-stopped', sid: this.sid, err })
    })
  }
}
