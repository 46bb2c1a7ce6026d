import { appendFile } from 'node:fs/promises'
import { errorCode, errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'

/** What a job did, for the log that operators search for `error`. spec section 4. */
export interface JobLog {
  converted(path: string, durationMs: number): Promise<void>
  failed(path: string, error: unknown): Promise<void>
}

/** A line per file, appended to `file`; a log that can't be written is told to our own. */
export function fileJobLog(file: string, { nowMs, log }: Pick<Runtime, 'nowMs' | 'log'>): JobLog {
  const append = async (text: string) => {
    try {
      await appendFile(file, `${new Date(nowMs()).toISOString()} ${text.replaceAll(/[\r\n]+/g, ' ')}\n`)
    } catch (err) {
      log.error({ event: 'facade.job-log-failed', file, err })
    }
  }
  return {
    converted: (path, durationMs) => append(`converted ${withoutError(path)} (${(durationMs / 1000).toFixed(3)} s)`),
    failed: (path, error) => append(`error ${path}: [${errorCode(error)}] ${errorMessage(error)}`),
  }
}

/** A channel may be called `errors`; its successes must not be found by who looks for failures. */
function withoutError(path: string): string {
  return path.replaceAll(/error/gi, (word) => `%${word.charCodeAt(0).toString(16)}${word.slice(1)}`)
}
