import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
/** Most servers of tests live for seconds: without this, collecting garbage is a fifth of what their start costs. */
const SHORT_LIVED = ['--min-semi-space-size=16']
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000

/** What `serve --json` prints. */
type ReadyDocument = Pick<ServerProcess, 'page' | 'rtmp' | 'rtsp' | 'facades'>

/** A whole server in a process of its own, on free ports, with its files in a folder of the test's. */
export class ServerProcess implements AsyncDisposable {
  /** Address of the page, with a slash at the end. */
  readonly page: string
  /** `rtmp://host:port`. */
  readonly rtmp: string
  /** `rtsp://host:port`. */
  readonly rtsp: string
  /** Address (`host:port`) of every door of every enabled facade. */
  readonly facades: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly child: ChildProcess
  /** Everything it logged, newest last. */
  readonly log: readonly string[]
  #killed = false

  constructor(child: ChildProcess, log: readonly string[], ready: ReadyDocument) {
    this.child = child
    this.log = log
    this.page = ready.page
    this.rtmp = ready.rtmp
    this.rtsp = ready.rtsp
    this.facades = ready.facades
  }

  /** Ends it as Ctrl-C does, with its recordings finished. Idempotent. @throws when it does not end or ends badly */
  async stop(): Promise<void> {
    if (this.#killed) return
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
      this.child.kill('SIGTERM')
      await exited
    }
    if (this.child.exitCode !== 0) throw new Error(`the server ended badly:\n${this.log.join('\n')}`)
  }

  /** Ends it as a crash does, in the middle of whatever it does. The signal is on its way when this returns. */
  kill(): Promise<unknown> {
    this.#killed = true
    const exited = once(this.child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
    this.child.kill('SIGKILL')
    return exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().finally(() => this.child.kill('SIGKILL'))
  }
}

/** Starts a server in `folder`; arguments and environment come on top of what makes it private to the test. */
export async function startServerProcess(
  folder: string,
  options: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...SHORT_LIVED, MAIN, 'serve', '--json', ...(options.args ?? [])], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TAPEDECK_DATA: join(folder, 'data'),
      TAPEDECK_RECORDINGS_ROOT: join(folder, 'recordings'),
      TAPEDECK_API_LISTEN: '127.0.0.1:0',
      TAPEDECK_RTMP_LISTEN: '127.0.0.1:0',
      TAPEDECK_RTSP_LISTEN: '127.0.0.1:0',
      TAPEDECK_WEBRTC_UDP: '',
      TAPEDECK_LOG_FORMAT: 'json',
      ...options.env,
    },
  })
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  const lines = createInterface({ input: child.stdout })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  for await (const line of lines) {
    clearTimeout(timer)
    const ready = JSON.parse(line) as ReadyDocument
    child.stdout.resume() // whatever else it says must not fill the pipe
    return new ServerProcess(child, log, ready)
  }
  clearTimeout(timer)
  throw new Error(`the server did not start:\n${log.join('\n')}`)
}
