import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ServerHost } from './server-host.ts'

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000

/** What `serve --json` prints. */
type ReadyDocument = Pick<ServerProcess, 'page' | 'rtmp' | 'rtsp' | 'facades'>

/**
 * A whole server that has a process to itself, on free ports, with its files in a folder of the test's. When it has
 * ended well, the process may be another server's.
 */
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
  readonly #host: ServerHost
  #ending: Promise<void> | undefined

  constructor(host: ServerHost, ready: ReadyDocument) {
    this.#host = host
    this.child = host.child
    this.log = host.log
    this.page = ready.page
    this.rtmp = ready.rtmp
    this.rtsp = ready.rtsp
    this.facades = ready.facades
  }

  /** Ends it as Ctrl-C does, with its recordings finished. Idempotent. @throws when it does not end or ends badly */
  stop(): Promise<void> {
    this.#ending ??= this.#stop()
    return this.#ending
  }

  /** Ends it as a crash does, in the middle of whatever it does. The signal is on its way when this returns. */
  kill(): Promise<unknown> {
    this.#ending = Promise.resolve()
    const exited = once(this.child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) })
    this.child.kill('SIGKILL')
    return exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    const late = AbortSignal.timeout(STOP_TIMEOUT_MS)
    const isLate = once(late, 'abort').then(() => undefined)
    this.child.kill('SIGTERM')
    const exitCode = await Promise.race([this.#host.ended, isLate])
    if (exitCode === 0) return this.#host.giveBack()
    this.child.kill('SIGKILL')
    throw new Error(`the server ended badly:\n${this.log.join('\n')}`)
  }
}

/** Starts a server in `folder`; arguments and environment come on top of what makes it private to the test. */
export async function startServerProcess(
  folder: string,
  options: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const host = ServerHost.take(options.env ?? {})
  const env = {
    ...process.env,
    TAPEDECK_DATA: join(folder, 'data'),
    TAPEDECK_RECORDINGS_ROOT: join(folder, 'recordings'),
    TAPEDECK_API_LISTEN: '127.0.0.1:0',
    TAPEDECK_RTMP_LISTEN: '127.0.0.1:0',
    TAPEDECK_RTSP_LISTEN: '127.0.0.1:0',
    TAPEDECK_WEBRTC_UDP: '',
    TAPEDECK_LOG_FORMAT: 'json',
    ...options.env,
  }
  host.run({ args: ['serve', '--json', ...(options.args ?? [])], cwd: folder, env })
  const timer = setTimeout(() => host.child.kill('SIGKILL'), START_TIMEOUT_MS)
  const line = await host.ready
  clearTimeout(timer)
  if (line !== undefined) return new ServerProcess(host, JSON.parse(line) as ReadyDocument)
  host.child.kill('SIGKILL')
  throw new Error(`the server did not start:\n${host.log.join('\n')}`)
}
