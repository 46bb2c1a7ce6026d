import { resolve } from 'node:path'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { FacadeCommandContext } from '#config/facade.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { runJob } from '../conversion/job.ts'
import { fileJobLog } from '../conversion/job-log.ts'
import { type CommandOptions, rootOption, textOption } from './options.ts'

/** Where the vendor's job writes its log. */
const VENDOR_LOG = '/var/log/agora_hourly.log'

/** `tapedeck agora transcode`: one job, now. @throws {JobRunningError} @throws {StorageError} */
export async function transcodeCommand(options: CommandOptions, context: FacadeCommandContext): Promise<void> {
  const nowMs = () => Date.now()
  const logFile = resolve(context.cwd, textOption(options, 'log') ?? VENDOR_LOG)
  const log = { ...SILENT_LOGGER, error: (fields: object) => context.note(`${logFile}: ${describe(fields)}`) }
  const { converted, failed } = await runJob({
    root: rootOption(options, context),
    container: mp4,
    isUtc: options['utc'] === true,
    nowMs,
    log: fileJobLog(logFile, { nowMs, log }),
    // What a server records it has open, and that is looked at.
    isRecorded: () => false,
    signal: new AbortController().signal,
  })
  context.print(`${converted} converted, ${failed} failed`)
  if (failed > 0) context.fail()
}

function describe(fields: object): string {
  return 'err' in fields && fields.err instanceof Error ? fields.err.message : JSON.stringify(fields)
}
