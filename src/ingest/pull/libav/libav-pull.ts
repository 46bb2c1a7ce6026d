import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { DEFAULT_PULL_OPTIONS, type PullOptions } from '#base/pull-options.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { PullRequest, PullSource } from '#hub/pull-source.ts'
import { PullOptionError, PullStreamNotFoundError } from '../errors.ts'
import { PullFileForbiddenError } from './errors.ts'
import { LibavPlayer } from './libav-player.ts'
import { type LibavUrl, parseLibavUrl } from './libav-url.ts'
import type { ReaderSlots } from './reader-slots.ts'
import { readingTask } from './reading-task.ts'

export interface LibavPullOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  /** Without media for longer a source is given up. */
  readonly idleTimeoutMs: number
  /** Folders whose files may be pulled, absolute. */
  readonly folders: readonly string[]
  readonly readers: ReaderSlots
}

/** Pulls what libavformat reads: HLS and media over HTTP, SRT, MPEG-TS over UDP, files. Every pull is a process. */
export class LibavPull implements PullSource {
  readonly #options: LibavPullOptions

  constructor(options: LibavPullOptions) {
    this.#options = options
  }

  /** @throws {PullUrlError | PullOptionError | PullFileForbiddenError} */
  check(text: string, { transport }: PullOptions): void {
    const url = parseLibavUrl(text)
    if (transport !== DEFAULT_PULL_OPTIONS.transport) {
      throw new PullOptionError(url.shown, 'transport', 'the address itself says how media travels')
    }
    if (url.scheme === 'file') this.#checkFolder(url.path)
  }

  async pull(request: PullRequest): Promise<void> {
    const { runtime, hub, idleTimeoutMs, readers } = this.#options
    using _slot = readers.take()
    const url = await this.#resolved(parseLibavUrl(request.url))
    const task = readingTask(url, { idleTimeoutMs, verifyTls: request.verifyTls })
    await new LibavPlayer({ runtime, hub, idleTimeoutMs, url, task, request }).run()
  }

  /** A file where it really is: a link may lead out of its folder. */
  async #resolved(url: LibavUrl): Promise<LibavUrl> {
    if (url.scheme !== 'file') return url
    const path = await realpath(url.path).catch(() => {
      throw new PullStreamNotFoundError(url.shown)
    })
    const folders = await Promise.all(this.#options.folders.map((folder) => realpath(folder).catch(() => folder)))
    if (!folders.some((folder) => isBelow(path, folder))) throw new PullFileForbiddenError(url.path, folders.length > 0)
    // libavformat takes what follows `file:` as it stands.
    return { ...url, url: `file:${path}` }
  }

  #checkFolder(path: string): void {
    const { folders } = this.#options
    if (!folders.some((folder) => isBelow(path, folder))) throw new PullFileForbiddenError(path, folders.length > 0)
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
