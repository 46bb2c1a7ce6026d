import { errorMessage } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import { Slots } from '#base/slots.ts'
import type { LatestCall, ScriptJob, ScriptOutcome, ScriptRefusal, Scripts } from '#control/scripts.ts'
import { runScript } from './script-process.ts'

const DEFAULT_TIMEOUT_MS = 60_000
/** Scripts asked for and not yet run, all keys: beyond it something is wrong with the scripts, not with the recordings. */
const MAX_WAITING = 10_000
/** Executables whose absence was told; a configuration has a handful. */
const MAX_REMEMBERED_COMMANDS = 1_000

export interface ScriptRunnerOptions {
  /** Scripts that run at a time. */
  readonly concurrency: number
  readonly log: Logger
  /** Of which PATH, HOME and LANG are passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Told of every outcome, for metrics. */
  readonly onOutcome?: (outcome: ScriptOutcome) => void
}

/** Runs executables beside everything else: a bounded number at a time, those of one key in order. */
export class ScriptRunner implements Scripts, AsyncDisposable {
  readonly #options: ScriptRunnerOptions
  readonly #slots: Slots
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #missing = new Set<string>()
  readonly #closing = new AbortController()
  #waiting = 0

  constructor(options: ScriptRunnerOptions) {
    this.#options = options
    this.#slots = new Slots(options.concurrency)
  }

  /** No script runs or waits. */
  get isIdle(): boolean {
    return this.#running.size === 0
  }

  async run(job: ScriptJob): Promise<ScriptOutcome> {
    if (this.#waiting >= MAX_WAITING)
      return this.#report(job, notRun(`${this.#waiting} scripts wait already`), job.args)
    this.#waiting++
    const before = this.#last.get(job.key) ?? Promise.resolve()
    // The turn comes before the slot: a key that waits for itself must not keep a slot from others.
    const turn = before.then(() => this.#slots.run(() => this.#run(job)))
    this.#last.set(job.key, turn)
    this.#running.add(turn)
    try {
      return await turn
    } finally {
      this.#running.delete(turn)
      if (this.#last.get(job.key) === turn) this.#last.delete(job.key)
    }
  }

  /** Ends the scripts that run, with all they started; those that wait don't begin. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running)
  }

  async #run(job: ScriptJob): Promise<ScriptOutcome> {
    this.#waiting--
    let latest: LatestCall | ScriptRefusal | undefined
    try {
      if (!this.#closing.signal.aborted) latest = await job.latest?.()
    } catch (error) {
      return this.#report(job, notRun(errorMessage(error)), job.args)
    }
    if (latest !== undefined && 'refusal' in latest)
      return this.#report(job, { ...notRun(latest.refusal), isPassing: false }, job.args)
    using call = latest
    return this.#report(job, await this.#call({ ...job, ...call }), (call ?? job).args)
  }

  async #call(job: ScriptJob): Promise<ScriptOutcome> {
    if (this.#closing.signal.aborted) return notRun('the server is being stopped')
    try {
      return await runScript(job, {
        timeoutMs: job.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        signal: this.#closing.signal,
        environment: this.#options.environment,
      })
    } catch (error) {
      return { ...notRun(errorMessage(error)), isPassing: false }
    }
  }

  /** @param args what it was called with */
  #report({ command, key }: ScriptJob, outcome: ScriptOutcome, args: readonly string[]): ScriptOutcome {
    this.#options.onOutcome?.(outcome)
    const { log } = this.#options
    const { result, exitCode, signal, durationMs, output, problem } = outcome
    const facts = { command, args, key, result, exitCode, signal, durationMs, output }
    if (result === 'ok') {
      this.#missing.delete(command)
      log.info({ event: 'script.finished', ...facts })
      return outcome
    }
    if (!outcome.missing) {
      log.warn({ event: 'script.failed', ...facts, problem }, MESSAGES[result])
      return outcome
    }
    // Once for each: every recording would repeat it.
    if (this.#missing.has(command)) return outcome
    if (this.#missing.size < MAX_REMEMBERED_COMMANDS) this.#missing.add(command)
    log.error(
      { event: 'script.missing', ...facts, problem },
      `${command} can't be run: check that the file is there, is executable and begins with a "#!" line that exists`,
    )
    return outcome
  }
}

const MESSAGES = {
  failed: 'a script ended with a failure',
  'timed-out': 'a script took too long and was ended',
  missing: "a script can't be run",
  'not-run': 'a script did not run to its end',
} as const

function notRun(problem: string): ScriptOutcome {
  return {
    result: 'not-run',
    exitCode: null,
    signal: null,
    timedOut: false,
    missing: false,
    isPassing: true,
    problem,
    output: '',
    durationMs: 0,
  }
}
