import { errorMessage } from '#base/error.ts'
import type { ExecHookConfig } from '#config/config.ts'
import { callAboutPart } from '#control/call-about-part.ts'
import type { ScriptJob, Scripts } from '#control/scripts.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { AttemptOutcome } from './delivery.ts'
import { type EventDocument, execArguments, partOf, readEvent, withPlace } from './exec-arguments.ts'
import type { DueDelivery } from './outbox/stored.ts'

/** Where scripts of hooks run, and find what they are about. */
export interface ExecSurroundings {
  readonly scripts: Scripts
  /** Knows how a part's file is called by now. */
  readonly parts: Pick<RecorderApi, 'lendPart'>
  /** Working directory where an event has no file. */
  readonly root: string
}

/**
 * Runs the executable for one event. It is run once: what it makes of the event is its own affair, and a second run might
 * do harm. Only one that the server's end has cut off, or that found no turn, is run again.
 */
export async function runExecHook(
  { command, args, timeoutMs }: ExecHookConfig,
  delivery: DueDelivery,
  { scripts, parts, root }: ExecSurroundings,
): Promise<AttemptOutcome> {
  const startedMs = performance.now()
  try {
    const event = readEvent(delivery)
    const callFor = (document: EventDocument) => execArguments(args, delivery, document, root)
    // The stream is the key: scripts of one stream follow each other, those of different hooks too.
    const job: ScriptJob = { key: delivery.stream, command, timeoutMs, ...callFor(event) }
    const { recording } = delivery
    const part = partOf(event)
    // Of what is deleted the name is all there is left.
    const hasFile = recording !== null && part !== undefined && event.type !== 'recording.deleted'
    const latest = hasFile && {
      latest: () => callAboutPart(parts, recording, part.index, (now) => callFor(withPlace(event, now))),
    }
    const outcome = await scripts.run({ ...job, ...latest })
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
