import { Cron } from 'croner'
import { errorMessage } from '#base/error.ts'
import { RequestInvalidError } from './errors.ts'

/** Seconds first in six. Nicknames and single dates, which the library takes too, are not ours. */
const FIVE_OR_SIX_FIELDS = /^\s*(\S+\s+){4,5}\S+\s*$/

/** Any moment will do: an expression that has no next one never has. */
const SOME_MS = 0

/**
 * The moments a cron expression names, by a wall clock that is handed in and may be set. Where local time jumps ahead,
 * what lay in the hour that is missing happens right after it; what lies in the hour that comes twice happens once, and
 * what happens every hour happens in both.
 */
export class Schedule {
  readonly #cron: Cron
  #sinceMs = 0
  #nextMs = Number.POSITIVE_INFINITY

  /** @throws {RequestInvalidError} @param timeZone IANA name, such as Europe/Berlin */
  constructor(expression: string, timeZone: string, nowMs: number) {
    this.#cron = parse(expression, timeZone)
    this.restart(nowMs)
  }

  /** What was due has been done: the next moment is the first after now. */
  restart(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#nextMs = this.#cron.nextRun(new Date(nowMs))?.getTime() ?? Number.POSITIVE_INFINITY
  }

  /** Milliseconds until the next moment; 0 or less: it is due. */
  dueInMs(nowMs: number): number {
    // The clock was set back: what would have been next may lie a long way ahead.
    if (nowMs < this.#sinceMs) this.restart(nowMs)
    return this.#nextMs - nowMs
  }
}

/** @throws {RequestInvalidError} it names no moment that ever comes */
export function checkSchedule(expression: string): void {
  const never = parse(expression, 'UTC').nextRun(new Date(SOME_MS)) === null
  if (never) throw invalid(expression, 'it never comes')
}

function parse(expression: string, timezone: string): Cron {
  if (!FIVE_OR_SIX_FIELDS.test(expression)) throw invalid(expression, 'it has not that many')
  try {
    return new Cron(expression, { timezone, mode: '5-or-6-parts' })
  } catch (error) {
    throw invalid(expression, errorMessage(error))
  }
}

function invalid(expression: string, reason: string): RequestInvalidError {
  const expected = `a cron expression of five fields, or six with seconds first, such as "0 * * * *" (${reason})`
  return new RequestInvalidError('rotate.at', expression.slice(0, 200), expected)
}
