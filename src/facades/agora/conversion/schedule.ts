import { errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'

const HOUR_MS = 3600 * 1000

/** Calls back at every full hour, one call after the other. Dispose to end. */
export function everyFullHour({ nowMs, log }: Pick<Runtime, 'nowMs' | 'log'>, job: () => Promise<void>): Disposable {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const arm = () => {
    if (isOver) return
    timer = setTimeout(
      () => {
        job()
          .catch((error: unknown) => log.error({ event: 'facade.job-failed', err: error }, errorMessage(error)))
          .finally(arm)
      },
      HOUR_MS - (nowMs() % HOUR_MS),
    )
    timer.unref()
  }
  arm()
  return {
    [Symbol.dispose]() {
      isOver = true
      clearTimeout(timer)
    },
  }
}
