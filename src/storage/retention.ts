import { errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { RootSpace } from './free-space.ts'
import type { RecordingDocument } from './recording-document.ts'

/** What to keep. 0: no limit of this kind. */
export interface RetentionPolicy {
  readonly days: number
  readonly bytes: number
  readonly count: number
  /** Delete the oldest on a root with less free than this, until it has. */
  readonly freeBytes: number
}

/** Why a recording went. */
export type RetentionReason = 'age' | 'bytes' | 'count' | 'free-space'

/** The situation a decision is made in. */
export interface RetentionView {
  readonly nowMs: number
  /** Of everything in the catalog, open and held recordings included. */
  readonly totals: { readonly recordings: number; readonly bytes: number }
  readonly spaces: readonly RootSpace[]
  /** Candidates, oldest first: ready and not held. */
  readonly oldest: readonly RecordingDocument[]
}

const DAY_MS = 86_400_000

/** Which recordings the policy gives up, oldest first, each with the first reason that applies. Pure. */
export function decideDeletions(
  policy: RetentionPolicy,
  view: RetentionView,
): readonly { readonly recording: RecordingDocument; readonly reason: RetentionReason }[] {
  let { recordings, bytes } = view.totals
  const missing = new Map(view.spaces.map(({ root, freeBytes }) => [root, policy.freeBytes - freeBytes]))
  const deletions: { recording: RecordingDocument; reason: RetentionReason }[] = []
  for (const recording of view.oldest) {
    if (recording.held || recording.state !== 'ready') continue
    const reason = reasonFor(recording, policy, { nowMs: view.nowMs, recordings, bytes, missing })
    if (reason === undefined) continue
    deletions.push({ recording, reason })
    recordings--
    bytes -= recording.bytes
    for (const part of recording.parts) {
      const missingBytes = missing.get(part.root)
      if (missingBytes !== undefined) missing.set(part.root, missingBytes - part.bytes)
    }
  }
  return deletions
}

function reasonFor(
  recording: RecordingDocument,
  policy: RetentionPolicy,
  now: { nowMs: number; recordings: number; bytes: number; missing: ReadonlyMap<string, number> },
): RetentionReason | undefined {
  const endedMs = Date.parse(recording.endedAt ?? recording.requestedAt)
  if (policy.days > 0 && now.nowMs - endedMs > policy.days * DAY_MS) return 'age'
  if (policy.count > 0 && now.recordings > policy.count) return 'count'
  if (policy.bytes > 0 && now.bytes > policy.bytes) return 'bytes'
  const frees = recording.parts.some(({ root }) => (now.missing.get(root) ?? 0) > 0)
  return policy.freeBytes > 0 && frees ? 'free-space' : undefined
}

/** Candidates looked at in one run; the next run goes on. */
const CANDIDATES = 200

export interface RetentionOptions {
  readonly catalog: Catalog
  readonly policy: RetentionPolicy
  readonly spaces: () => readonly RootSpace[]
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
  /** In use beyond what the catalog knows: about to be appended to, for instance. */
  readonly isBusy: (id: string) => boolean
  /** Deletes as if somebody had asked for it, with the same checks. */
  readonly remove: (recording: RecordingDocument, reason: RetentionReason) => Promise<void>
}

/** Applies the policy, one deletion after the other. */
export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  /** Runs now and every `intervalMs`. Does nothing when the policy keeps everything. */
  start(intervalMs: number): void {
    const { days, bytes, count, freeBytes } = this.#options.policy
    if (days === 0 && bytes === 0 && count === 0 && freeBytes === 0) return
    void this.run()
    this.#timer = setInterval(() => void this.run(), intervalMs)
    this.#timer.unref()
  }

  /** One run; a call during a run waits for that one. Never rejects: what can't be deleted is logged and left. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    const { catalog, policy, runtime, spaces } = this.#options
    try {
      const [totals, oldest] = await Promise.all([catalog.totals(), catalog.oldest(CANDIDATES)])
      const view = { nowMs: runtime.nowMs(), totals, spaces: spaces(), oldest }
      for (const { recording, reason } of decideDeletions(policy, view)) {
        if (this.#stopped) return
        await this.#delete(recording.id, reason)
      }
    } catch (err) {
      runtime.log.error({ event: 'retention.failed', err }, 'retention could not run')
    }
  }

  async #delete(id: string, reason: RetentionReason): Promise<void> {
    const { catalog, runtime, isBusy, remove } = this.#options
    // Held or continued since the candidates were read?
    const recording = await catalog.get(id)
    if (recording === undefined || recording.held || recording.state !== 'ready' || isBusy(id)) return
    try {
      await remove(recording, reason)
    } catch (error) {
      runtime.log.warn({ event: 'retention.delete-failed', recording: id, reason, cause: errorMessage(error) })
      return
    }
    const { stream, bytes } = recording
    runtime.log.info(
      { event: 'retention.deleted', recording: id, stream, bytes, reason },
      'recording deleted by retention',
    )
  }
}
