import { access, constants, statfs } from 'node:fs/promises'
import { errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'

/** A network mount that is away blocks statfs for minutes; a health answer may not. */
const STATFS_TIMEOUT_MS = 1_000
/** Probes and scrapes come often; the disk is asked this seldom. */
const MAX_AGE_MS = 2_000

export interface DiskState {
  readonly root: string
  /** Bytes an ordinary user can still write; null when the disk could not be asked. */
  readonly freeBytes: number | null
  readonly totalBytes: number | null
  readonly isWritable: boolean
  /** Why not, for people; null when all is well. */
  readonly problem: string | null
}

/** Free space of the recording roots, remembered for a moment. */
export class DiskSpace {
  readonly #roots: readonly string[]
  readonly #minFreeBytes: number
  readonly #runtime: Pick<Runtime, 'monotonicMs'>
  #askedAtMs = Number.NEGATIVE_INFINITY
  #answer: Promise<readonly DiskState[]> = Promise.resolve([])

  constructor(runtime: Pick<Runtime, 'monotonicMs'>, roots: readonly string[], minFreeBytes: number) {
    this.#runtime = runtime
    this.#roots = roots
    this.#minFreeBytes = minFreeBytes
  }

  /** Never rejects: what can't be asked is a state with a problem. */
  states(): Promise<readonly DiskState[]> {
    const nowMs = this.#runtime.monotonicMs()
    if (nowMs - this.#askedAtMs >= MAX_AGE_MS) {
      this.#askedAtMs = nowMs
      this.#answer = Promise.all(this.#roots.map((root) => diskState(root, this.#minFreeBytes)))
    }
    return this.#answer
  }
}

async function diskState(root: string, minFreeBytes: number): Promise<DiskState> {
  try {
    const { bavail, bsize, blocks } = await withTimeout(statfs(root))
    const freeBytes = bavail * bsize
    const denied = await withTimeout(deniedBecause(root))
    if (denied !== undefined) return { root, freeBytes, totalBytes: blocks * bsize, isWritable: false, problem: denied }
    const isWritable = freeBytes > minFreeBytes
    const problem = isWritable ? null : `${freeBytes} bytes are free, recordings.keep.minFreeBytes is ${minFreeBytes}`
    return { root, freeBytes, totalBytes: blocks * bsize, isWritable, problem }
  } catch (error) {
    return { root, freeBytes: null, totalBytes: null, isWritable: false, problem: errorMessage(error) }
  }
}

/** A mount that is read-only, or a folder of another user, has room and takes nothing. */
async function deniedBecause(root: string): Promise<string | undefined> {
  try {
    await access(root, constants.W_OK)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}

/** The abandoned call ends by itself whenever the disk answers. */
async function withTimeout<Value>(answer: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`the disk did not answer within ${STATFS_TIMEOUT_MS} ms`)),
    STATFS_TIMEOUT_MS,
  )
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}
