import type { Logger } from '#base/runtime.ts'
import { mayPass } from '#storage/errors.ts'
import type { Part } from './part.ts'

/** Pause between attempts to finish a part on a disk that refuses. */
const RETRY_MS = 2_000

export interface FinishOptions {
  /** Sync (and take the final name) before the part counts as final, instead of right after. */
  readonly syncFirst: boolean
  readonly log: Logger
  /** The disk refused; it is tried again until it takes the index. */
  readonly onRefused: (error: unknown) => void
  readonly pause: (ms: number) => Promise<void>
  /** Gives the file its last name. */
  readonly settleName: () => Promise<void>
}

/** What became of a part: final; kept as it is, because no more can be done; or without a byte, so without a file. */
export type FinishOutcome =
  | { readonly kind: 'ready' | 'nothing' }
  | { readonly kind: 'damaged'; readonly error: unknown }

/** Makes a drained part final, as often as the disk needs. Never rejects. */
export async function finishPart(part: Part, options: FinishOptions): Promise<FinishOutcome> {
  const { file } = part
  if (file === undefined) return { kind: 'nothing' }
  const { log } = options
  if (!part.hasBytes) {
    await file
      .discard()
      .catch((error: unknown) => log.warn({ event: 'part.discard-failed', path: file.path, err: error }))
    return { kind: 'nothing' }
  }
  for (;;) {
    try {
      await file.checkInPlace()
      await part.finish(file)
      if (options.syncFirst) await file.sync()
      if (part.rename !== undefined) await options.settleName()
      await file.commit()
      break
    } catch (error) {
      if (!mayPass(error)) {
        log.error({ event: 'part.damaged', path: file.path, err: error })
        part.markDamaged(error)
        await file.close().catch(() => {})
        return { kind: 'damaged', error }
      }
      options.onRefused(error)
      await options.pause(RETRY_MS)
    }
  }
  // The part is final for every reader now; the device gets it when it can, without anybody waiting.
  void file
    .sync()
    .then(() => file.close())
    .catch((error: unknown) => log.error({ event: 'part.sync-failed', path: file.path, err: error }))
  if (part.flaw !== undefined) log.error({ event: 'part.altered', path: file.path, err: part.flaw })
  return { kind: 'ready' }
}
