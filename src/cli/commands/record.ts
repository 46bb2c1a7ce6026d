import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { PULL_TRANSPORTS, type PullTransport } from '#base/pull-options.ts'
import type { Config } from '#config/config.ts'
import { loadConfig } from '#config/load.ts'
import { formatListenAddress } from '#config/values/listen-address.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { RecordingFailedError, UsageError } from '../errors.ts'
import { followRecording } from '../follow-recording.ts'
import { startServerPull } from '../pull/server-pull.ts'
import { pulledSource } from '../pull/source-url.ts'
import { type RecordTarget, recordTarget, streamPathOf } from '../record-target.ts'
import { recordingText } from '../recording-text.ts'
import { type RequestOptions, requestFromOptions, withRequestOptions } from '../request-options.ts'

/** How long the file may take to become final after its source has ended. */
const SETTLE_MS = 10_000

interface RecordOptions extends RequestOptions {
  readonly listen?: true
  readonly transport?: PullTransport
  /** False with --no-verify-tls. */
  readonly verifyTls: boolean
  readonly json?: true
}

/**
 * `tapedeck record <url> [file]`: a private server on a free port records one source to one file, with everything the
 * recorder does for any other. It is pulled as other servers pull it, or with --listen awaited from an encoder.
 */
export function addRecord(program: Command, context: CommandContext): void {
  const command = program
    .command('record <url> [file]')
    .description('record one source (rtsp, rtmp, srt, udp, http, HLS, a file) to one file, until it ends or Ctrl-C')
    .option('--listen', 'the URL is an rtmp:// address of this machine: wait there for an encoder')
    .addOption(new Option('--transport <way>', 'how media of rtsp:// travels (auto)').choices(PULL_TRANSPORTS))
    .option('--no-verify-tls', 'the source may have any certificate')
    .option('--json', 'print the finished recording as JSON')
  withRequestOptions(command).action((url: string, file: string | undefined, options: RecordOptions) =>
    record(url, recordTarget(file, context.cwd), options, context),
  )
}

async function record(
  url: string,
  target: RecordTarget,
  options: RecordOptions,
  context: CommandContext,
): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const interrupted = Promise.withResolvers<void>()
  opened.use(context.onInterrupt(() => interrupted.resolve()))
  await mkdir(target.root, { recursive: true })
  const data = await mkdtemp(join(tmpdir(), 'tapedeck-record-'))
  opened.defer(() => rm(data, { recursive: true, force: true }))
  const stream = streamPathOf(url)
  const request = { ...requestFromOptions(options), name: target.name }
  const rule = { match: stream, request: { format: target.format ?? 'auto', ...request } }
  const source = options.listen ? { url, folders: [] } : await pulledSource(url, context.cwd)
  const rtmpListen = options.listen ? rtmpAddress(url) : ''
  const config = await privateConfig({ data, root: target.root, rtmp: rtmpListen, rule, folders: source.folders })
  const server = await context.startServer(config, { isThrowaway: true })
  opened.defer(() => server.close())
  const { rtmp, api } = server.addresses
  if (rtmp === undefined) throw new UsageError('the private server has no RTMP listener')
  const address = `rtmp://${formatListenAddress(rtmp)}/${stream}`
  if (options.listen) context.note(`Waiting for an encoder at ${address} …`)
  const client = new ApiClient({ server: `http://${formatListenAddress(api)}` }, {})
  const { transport = 'auto', verifyTls } = options
  const spec = { url: source.url, path: stream, transport, verifyTls }
  const pull = options.listen ? undefined : await startServerPull(client, spec)
  opened.defer(() => pull?.stop())
  const following = followRecording(client, stream, context.progress)
  // A source that ends ends its recording too; one that brought nothing leaves nothing to wait for.
  const sourceOver = pull?.ended.then(() => sleep(SETTLE_MS, undefined, { ref: false }))
  const first = await Promise.race([
    following.ended,
    interrupted.promise,
    ...(sourceOver === undefined ? [] : [sourceOver]),
  ])
  const finished = first ?? (await following.stop())
  if (finished === undefined) throw new RecordingFailedError('nothing was recorded: no media arrived')
  report(finished, options, context)
}

function report(recording: RecordingDocument, options: RecordOptions, context: CommandContext): void {
  if (options.json) context.print(JSON.stringify(recording, null, 2))
  else for (const line of recordingText(recording)) context.print(line)
  if (recording.state === 'ready') return
  throw new RecordingFailedError(recording.error?.message ?? `the recording ended in the state ${recording.state}`)
}

function rtmpAddress(url: string): string {
  if (!URL.canParse(url) || new URL(url).protocol !== 'rtmp:') {
    throw new UsageError('--listen takes an address such as rtmp://127.0.0.1:1935/live/cam1')
  }
  const { hostname, port } = new URL(url)
  return `${hostname}:${port === '' ? 1935 : port}`
}

async function privateConfig(wanted: {
  data: string
  root: string
  rtmp: string
  rule: object
  folders: readonly string[]
}): Promise<Config> {
  const flags = {
    data: wanted.data,
    'recordings.root': JSON.stringify([wanted.root]),
    rules: JSON.stringify([wanted.rule]),
    'api.listen': '127.0.0.1:0',
    'rtmp.listen': wanted.rtmp === '' ? '127.0.0.1:0' : wanted.rtmp,
    'rtsp.listen': '',
    'webrtc.udp': '',
    pullFolders: JSON.stringify(wanted.folders),
    // What matters is in the progress line and the result.
    'log.level': 'error',
  }
  // The working directory is the private data folder, so that no tapedeck.yaml of another server has a say.
  const { config } = await loadConfig({ file: undefined, env: {}, flags, cwd: wanted.data })
  return config
}
