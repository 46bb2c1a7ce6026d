import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { ManifestStore } from '#storage/manifests.ts'
import { openPartForReading } from '#storage/part-files.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { diskInspector, verifyRecording } from '#storage/verify.ts'
import { configFromOptions } from '../config-options.ts'
import type { CommandContext } from '../context.ts'
import { FileNotFoundError, RecordingNotKnownError } from '../errors.ts'
import { ExitCode } from '../exit-code.ts'
import { locatePart } from '../part-access.ts'
import { describeLedger } from '../recording-text.ts'

interface VerifyOptions {
  readonly config?: string
  readonly data?: string
  readonly json?: true
}

/** What was looked at, and what was wrong with it. */
interface Report {
  readonly recording: RecordingDocument | undefined
  readonly findings: readonly { readonly kind: string; readonly message: string }[]
}

/**
 * `tapedeck verify <file|id>`: whether a recording's own account is true (promise 2). A file that no manifest of the data
 * folder knows is checked for being final and whole. Exit code 4 when something is wrong.
 */
export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify <file|id>')
    .description('check that a recording is final and that nothing of it is missing')
    .option('-c, --config <file>', 'configuration file; says where the data folder is')
    .option('--data <folder>', 'the data folder, with the manifests of recordings')
    .option('--json', 'as one JSON object')
    .action(async (subject: string, options: VerifyOptions) => {
      const { recording, findings } = await verify(subject, options, context)
      const lost = recording?.ledger.tracks.reduce((sum, track) => sum + track.lost, 0) ?? 0
      const about = recording === undefined ? 'the file' : `recording ${recording.id}`
      if (options.json) context.print(JSON.stringify({ recording: recording?.id ?? null, lost, findings }, null, 2))
      else if (findings.length === 0) context.print(`${about} ${soundness(recording)}`)
      else for (const { message } of findings) context.print(`${about}: ${message}`)
      if (findings.length > 0) context.setExitCode(ExitCode.findings)
    })
}

/** A loss that is accounted for is no finding, but nobody should read that nothing is missing. */
function soundness(recording: RecordingDocument | undefined): string {
  if (recording === undefined || recording.ledger.gaps.length === 0) return 'is complete: nothing is missing'
  return `is as its ledger says: ${describeLedger(recording)}; "tapedeck show" lists the gaps`
}

async function verify(subject: string, options: VerifyOptions, context: CommandContext): Promise<Report> {
  const { config } = await configFromOptions({ ...options }, context, 'look')
  const manifests = new ManifestStore(join(config.data, 'manifests'), config.recordings.durability)
  const file = await realpath(resolve(context.cwd, subject)).catch(() => undefined)
  const recording = file === undefined ? await manifests.find(subject) : await recordingOf(file, manifests)
  if (recording === undefined) {
    if (file !== undefined) return { recording, findings: await verifyFile(file, context) }
    if (/[./]/.test(subject)) throw new FileNotFoundError(resolve(context.cwd, subject))
    throw new RecordingNotKnownError(subject, config.data)
  }
  using interrupted = new DisposableStack()
  const stop = new AbortController()
  interrupted.use(context.onInterrupt(() => stop.abort()))
  const findings = await verifyRecording(recording, diskInspector(await context.containers(), stop.signal))
  return { recording, findings }
}

/** The recording that has this file as a part. */
async function recordingOf(file: string, manifests: ManifestStore): Promise<RecordingDocument | undefined> {
  for await (const recording of manifests.readAll()) {
    if (recording instanceof Error) continue
    for (const part of recording.parts) {
      const path = join(part.root, part.path)
      if (path === file || (await realpath(path).catch(() => undefined)) === file) return recording
    }
  }
  return undefined
}

async function verifyFile(file: string, context: CommandContext): Promise<Report['findings']> {
  const { path, container } = await locatePart(file, context)
  await using part = await openPartForReading(path)
  const { finished, tornBytes } = await container.inspect(part)
  const findings: { kind: string; message: string }[] = []
  if (!finished) findings.push({ kind: 'part-unfinished', message: 'it has no final index: run "tapedeck repair"' })
  if (tornBytes > 0) {
    findings.push({ kind: 'torn-bytes', message: `${tornBytes} bytes at the end belong to nothing whole` })
  }
  return findings
}
