import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for the work, but no longer than so many milliseconds; it goes on all the same. @throws what the work throws in time */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const patience = new AbortController()
  const timeout = sleep(ms, undefined, { ref: false, signal: patience.signal }).catch(() => {})
  try {
    await Promise.race([work, timeout])
  } finally {
    patience.abort()
  }
}
