import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const HOST = join(import.meta.dirname, 'server-host.process.ts')
/** Most servers of tests live for seconds: without this, collecting garbage is a fifth of what their start costs. */
const SHORT_LIVED = ['--min-semi-space-size=16']
const END_TIMEOUT_MS = 60_000

/** What Node looks at once, when it starts. */
const READ_AT_START = /^(?:NODE_.*|TZ)$/

/** Begins the line that says that a command line has ended, and how. */
export const ENDED = 'ended with exit code '

/** A command line to run. */
export interface ServerTask {
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * A process that runs one server at a time, and another when that has ended. Most of what a start costs is loading what a
 * server is made of, and the tests of a file start up to two dozen.
 */
export class ServerHost {
  readonly child: ChildProcess
  readonly #atStart: string
  #log: string[] = []
  #ready = Promise.withResolvers<string | undefined>()
  #ended = Promise.withResolvers<number | undefined>()

  private constructor(atStart: string) {
    this.#atStart = atStart
    const env = { ...process.env, ...(JSON.parse(atStart) as Readonly<Record<string, string>>) }
    this.child = spawn(process.execPath, [...SHORT_LIVED, HOST], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const { stdout, stderr } = this.child
    if (stdout === null || stderr === null) throw new Error('its output was asked for')
    createInterface({ input: stdout }).on('line', (line) => this.#ready.resolve(line))
    createInterface({ input: stderr }).on('line', (line) => this.#hear(line))
    // Not before all that it has written was read.
    this.child.once('close', () => this.#end(undefined))
  }

  /**
   * One that has nothing to do, else a new one.
   * @param env what is to be different from this process's environment
   */
  static take(env: Readonly<Record<string, string>>): ServerHost {
    const atStart = JSON.stringify(Object.fromEntries(Object.entries(env).filter(([name]) => READ_AT_START.test(name))))
    const like = idle.findIndex((host) => host.#atStart === atStart)
    const [host = new ServerHost(atStart)] = like < 0 ? [] : idle.splice(like, 1)
    for (const handle of host.#handles()) handle.ref()
    return host
  }

  /** What the server wrote to its log, newest last. */
  get log(): readonly string[] {
    return this.#log
  }

  /** What the server printed first; undefined when it ended before. */
  get ready(): Promise<string | undefined> {
    return this.#ready.promise
  }

  /** The exit code; undefined when the process died. */
  get ended(): Promise<number | undefined> {
    return this.#ended.promise
  }

  run(task: ServerTask): void {
    this.#log = []
    this.#ready = Promise.withResolvers()
    this.#ended = Promise.withResolvers()
    this.child.send(task)
  }

  /** The server has ended well: there may be another. */
  giveBack(): void {
    for (const handle of this.#handles()) handle.unref()
    idle.push(this)
  }

  /** Ends it, with nothing left that would keep a process alive. @throws when something is */
  async end(): Promise<void> {
    for (const handle of this.#handles()) handle.ref()
    const closed = once(this.child, 'close', { signal: AbortSignal.timeout(END_TIMEOUT_MS) })
    this.child.disconnect()
    try {
      await closed
    } catch {
      throw new Error('a server left something behind that keeps its process alive')
    } finally {
      this.child.kill('SIGKILL')
    }
    if (this.child.exitCode !== 0) throw new Error(`the servers' process ended badly: ${this.child.exitCode}`)
  }

  #handles(): readonly { ref(): unknown; unref(): unknown }[] {
    const { stdout, stderr, channel } = this.child
    return [this.child, stdout as Socket, stderr as Socket, ...(channel ? [channel] : [])]
  }

  #hear(line: string): void {
    if (line.startsWith(ENDED)) this.#end(Number(line.slice(ENDED.length)))
    else this.#log.push(line)
  }

  #end(exitCode: number | undefined): void {
    this.#ready.resolve(undefined)
    this.#ended.resolve(exitCode)
  }
}

/** Of this test file. */
const idle: ServerHost[] = []

// Those that have nothing to do keep no test file from ending.
process.on('beforeExit', () => {
  for (const host of idle.splice(0)) {
    host.end().catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
  }
})
