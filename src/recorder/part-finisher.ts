import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/runtime.ts'
import { StorageError, StorageVanishedError } from '#storage/errors.ts'
import type { Part } from './part.ts'

/** Pause between attempts to finish a part on a disk that refuses. */
const RETRY_MS = 2_000

export interface FinishOptions {
  /** Sync (and take the final name) before the part counts as final, instead of right after. */
  readonly syncFirst: boolean
  readonly log: Logger
  /** The disk refused; it is tried again until it takes the index. */
  readonly onRefused: (error: unknown) => void
}

/**
 * Makes a drained part final, as often as the disk needs: `ready`, `damaged` (the bytes are kept, no more can be done)
 * or `nothing` (no byte ever reached it, so there is no file). Never rejects.
 */
export async function finishPart(part: Part, options: FinishOptions): Promise<'ready' | 'damaged' | 'nothing'> {
  const { file } = part
  if (file === undefined) return 'nothing'
  const { log } = options
  if (!part.hasBytes) {
    await file
      .discard()
      .catch((error: unknown) => log.warn({ event: 'part.discard-failed', path: file.path, err: error }))
    return 'nothing'
  }
  for (;;) {
    try {
      await file.checkInPlace()
      await part.finish(file)
      if (options.syncFirst) await file.sync()
      await file.commit()
      break
    } catch (error) {
      const passes =
        error instanceof StorageError && !(error instanceof StorageVanishedError) && error.origin === 'storage'
      if (!passes) {
        log.error({ event: 'part.damaged', path: file.path, err: error })
        part.markDamaged()
        await file.close().catch(() => {})
        return 'damaged'
      }
      options.onRefused(error)
      // Unreferenced: a server that goes down leaves the part to the recovery at its next start.
      await sleep(RETRY_MS, undefined, { ref: false })
    }
  }
  // The part is final for every reader now; the device gets it when it can, without anybody waiting.
  void file
    .sync()
    .then(() => file.close())
    .catch((error: unknown) => log.error({ event: 'part.sync-failed', path: file.path, err: error }))
  return 'ready'
}
