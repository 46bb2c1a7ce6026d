import { statfs } from 'node:fs/promises'
import { Signal } from '#base/events.ts'
import type { Logger } from '#base/runtime.ts'
import { BelowFloorError, storageErrorFrom } from './errors.ts'

/** Writing goes on once this much more than the floor is free, so that a disk at the floor doesn't flap. */
const RESUME_FACTOR = 1.1

/** What a root's file system has left. */
export interface RootSpace {
  readonly root: string
  readonly freeBytes: number
  readonly totalBytes: number
  /** Too little is free: nothing should be written until it says otherwise. */
  readonly isBelowFloor: boolean
}

export interface FreeSpaceOptions {
  readonly roots: readonly string[]
  /** 0: no floor, only measuring. */
  readonly floorBytes: number
  readonly pollMs: number
  readonly log: Logger
  /** Bytes an unprivileged writer may still use, and all there are. Default: statfs. */
  readonly measure?: (root: string) => Promise<{ freeBytes: number; totalBytes: number }>
}

/** Watches how much the recording roots have left, and says when a root falls below the floor and when it is back. */
export class FreeSpace implements Disposable {
  /** A root fell below the floor, or came back above it. */
  readonly changed: Signal<RootSpace>
  readonly #options: FreeSpaceOptions
  readonly #spaces = new Map<string, RootSpace>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: FreeSpaceOptions) {
    this.#options = options
    this.changed = new Signal((err) => options.log.error({ event: 'free-space.listener-failed', err }))
  }

  /** Free bytes at which writing goes on after it stopped: what retention should make room for. */
  get resumeBytes(): number {
    return Math.ceil(this.#options.floorBytes * RESUME_FACTOR)
  }

  /** Measures once, then again and again. A measurement that hangs (a dead network mount) delays only the next. */
  async start(): Promise<void> {
    await this.poll()
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.start(), this.#options.pollMs)
    this.#timer.unref()
  }

  /** The last measurement; undefined before the first, or while a root can't be measured. */
  of(root: string): RootSpace | undefined {
    return this.#spaces.get(root)
  }

  /** All roots that could be measured. */
  all(): readonly RootSpace[] {
    return [...this.#spaces.values()]
  }

  /** Why nothing should be written to a root now; undefined when it may. */
  refusal(root: string): BelowFloorError | undefined {
    const space = this.#spaces.get(root)
    if (space === undefined || !space.isBelowFloor) return undefined
    return new BelowFloorError(root, space.freeBytes, this.#options.floorBytes)
  }

  /** Measures all roots now. Never rejects. */
  async poll(): Promise<void> {
    await Promise.all(this.#options.roots.map((root) => this.#poll(root)))
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #poll(root: string): Promise<void> {
    const { log, floorBytes, measure = measureFileSystem } = this.#options
    const before = this.#spaces.get(root)
    try {
      const { freeBytes, totalBytes } = await measure(root)
      const limitBytes = before?.isBelowFloor ? this.resumeBytes : floorBytes
      const space = { root, freeBytes, totalBytes, isBelowFloor: freeBytes < limitBytes }
      this.#spaces.set(root, space)
      if (space.isBelowFloor === (before?.isBelowFloor ?? false)) return
      if (space.isBelowFloor)
        log.warn({ event: 'free-space.below-floor', root, freeBytes, floorBytes }, 'too little space is free')
      else log.info({ event: 'free-space.above-floor', root, freeBytes, floorBytes }, 'enough space is free again')
      this.changed.emit(space)
    } catch (error) {
      // Whether it can be written will show when it is: a root that can't be measured is not held back.
      if (before !== undefined) log.warn({ event: 'free-space.unmeasurable', root, err: storageErrorFrom(error, root) })
      this.#spaces.delete(root)
      if (before?.isBelowFloor) this.changed.emit({ ...before, isBelowFloor: false })
    }
  }
}

async function measureFileSystem(root: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(root)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}
