import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { RecordingFailedError, ServerRefusedError, UsageError } from '../errors.ts'
import { formatDuration } from '../format.ts'
import { recordingText } from '../recording-text.ts'
import { positive } from '../request-options.ts'

const LAYOUTS = ['best-fit', 'picture-in-picture', 'vertical-presentation', 'horizontal-presentation']
const LOOK_EVERY_MS = 500

interface ComposeOptions extends ServerOptions {
  readonly layout?: string
  readonly size?: string
  readonly frameRate?: number
  readonly format?: string
  readonly stream?: string
  readonly name?: string
  /** False with --no-video, --no-audio. */
  readonly video: boolean
  readonly audio: boolean
  readonly json?: true
}

/** What of the API's job the command needs. */
interface Job {
  readonly id: string
  readonly state: 'waiting' | 'composing' | 'ready' | 'failed' | 'cancelled'
  readonly progress: number
  readonly durationMs: number
  readonly recording: string | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** `tapedeck compose <id> [others…]`: composes kept tracks again and returns when the recording is ready. */
export function addCompose(program: Command, context: CommandContext): void {
  const command = program
    .command('compose <id> [others...]')
    .description('compose what was recorded of a room again, from its kept tracks, or these recordings together')
    .addOption(new Option('--layout <layout>', 'how tiles are arranged (best-fit)').choices(LAYOUTS))
    .option('--size <size>', 'of the picture, e.g. 1920x1080 (as it was composed before, else 1280x720)')
    .option('--frame-rate <rate>', 'pictures a second (25)', positive)
    .addOption(new Option('--format <format>', 'of the file (mp4)').choices(['mp4', 'mkv', 'flv', 'ts']))
    .option('--stream <path>', 'what it is filed under')
    .option('--name <name>', 'of the file, in the folder of its stream')
    .option('--no-video', 'the sound alone')
    .option('--no-audio', 'the picture alone')
    .option('--json', 'print the finished recording as JSON')
  withServerOptions(command).action(compose.bind(undefined, context))
}

async function compose(
  context: CommandContext,
  id: string,
  others: readonly string[],
  options: ComposeOptions,
): Promise<void> {
  const client = new ApiClient(options, context.env)
  const { layout, frameRate, format, stream, name, video, audio } = options
  const fields = { layout, frameRate, format, stream, name, ...sizeOf(options.size) }
  const request = {
    ...(others.length > 0 && { with: others }),
    ...(!video && { video }),
    ...(!audio && { audio }),
    // What is undefined is not sent.
    ...fields,
  }
  const begun = (await client.post(`/recordings/${encodeURIComponent(id)}/compose`, request)) as Job
  const job = await follow(client, begun, context)
  if (job.state === 'cancelled') throw new RecordingFailedError('cancelled: nothing of it is kept')
  if (job.recording === null) {
    throw new RecordingFailedError(
      job.error === null ? `it is ${job.state}` : `[${job.error.code}] ${job.error.message}`,
    )
  }
  const recording = (await client.get(`/recordings/${job.recording}`)) as RecordingDocument
  if (options.json === true) return context.print(JSON.stringify(recording, null, 2))
  for (const line of recordingText(recording)) context.print(line)
}

/** Until it is over; Ctrl-C cancels it. */
async function follow(client: ApiClient, begun: Job, context: CommandContext): Promise<Job> {
  const interrupted = new AbortController()
  using _ = context.onInterrupt(() => interrupted.abort())
  const path = `/compose-jobs/${begun.id}`
  let job = begun
  while (job.state === 'waiting' || job.state === 'composing') {
    context.progress?.(progressLine(job))
    await sleep(LOOK_EVERY_MS, undefined, { signal: interrupted.signal }).catch(() => {})
    if (interrupted.signal.aborted) await cancel(client, path)
    job = (await client.get(path)) as Job
  }
  return job
}

async function cancel(client: ApiClient, path: string): Promise<void> {
  try {
    await client.delete(path)
  } catch (error) {
    // It was done in this moment: then that is the answer.
    if (!(error instanceof ServerRefusedError) || error.code !== 'recompose/not-running') throw error
  }
}

function progressLine({ state, progress, durationMs }: Job): string {
  const done = formatDuration(progress * durationMs)
  return `${state}  ${(100 * progress).toFixed(0)} %  ${done} of ${formatDuration(durationMs)}`
}

function sizeOf(size: string | undefined): { widthPixels?: number; heightPixels?: number } {
  if (size === undefined) return {}
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(size) ?? []
  if (width === undefined) throw new UsageError('--size takes width and height in pixels, such as 1280x720')
  return { widthPixels: Number(width), heightPixels: Number(height) }
}
