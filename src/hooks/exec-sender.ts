import { errorMessage } from '#base/error.ts'
import type { ExecHookConfig } from '#config/config.ts'
import type { Scripts } from '#control/scripts.ts'
import type { AttemptOutcome } from './delivery.ts'
import { execArguments } from './exec-arguments.ts'
import type { DueDelivery } from './outbox/stored.ts'

/**
 * Runs the executable for one event. It is run once: what it makes of the event is its own affair, and a second run might
 * do harm. Only one that the server's end has cut off, or that found no turn, is run again.
 */
export async function runExecHook(
  { command, args, timeoutMs }: ExecHookConfig,
  delivery: DueDelivery,
  scripts: Scripts,
  root: string,
): Promise<AttemptOutcome> {
  const startedMs = performance.now()
  try {
    const given = execArguments(args, delivery, root)
    // The stream is the key: scripts of one stream follow each other, those of different hooks too.
    const outcome = await scripts.run({ key: delivery.stream, command, timeoutMs, ...given })
    const { result, exitCode, problem, output, durationMs } = outcome
    return {
      verdict: result === 'ok' ? 'delivered' : outcome.isPassing ? 'retry' : 'dead',
      status: exitCode,
      error: result === 'ok' ? null : (problem ?? `${result}: ${output.slice(-300)}`),
      durationMs,
      isUnreachable: false,
    }
  } catch (error) {
    const durationMs = Math.round(performance.now() - startedMs)
    return { verdict: 'dead', status: null, error: errorMessage(error), durationMs, isUnreachable: false }
  }
}
