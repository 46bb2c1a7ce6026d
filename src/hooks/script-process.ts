import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '#base/error.ts'
import type { ScriptJob, ScriptOutcome } from '#control/scripts.ts'

/** Between asking a script to end and ending it. */
const GRACE_MS = 2_000
/** A child of the script's that kept the output open is not waited for longer than this after the script has ended. */
const OUTPUT_PATIENCE_MS = 500
const MAX_OUTPUT_CHARACTERS = 16_384

/** What every script gets of the server's environment. */
const PASSED_ON = ['PATH', 'HOME', 'LANG'] as const

export interface ScriptProcessOptions {
  readonly timeoutMs: number
  /** Ends the script as its timeout would. */
  readonly signal: AbortSignal
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * Runs one script in a process group of its own, so that what it starts can be ended with it, and so that Ctrl-C in the
 * server's terminal does not reach it.
 */
export async function runScript(job: ScriptJob, options: ScriptProcessOptions): Promise<ScriptOutcome> {
  const startedMs = performance.now()
  const end = (outcome: Partial<ScriptOutcome>): ScriptOutcome => ({
    result: 'not-run',
    exitCode: null,
    signal: null,
    timedOut: false,
    missing: false,
    isPassing: false,
    problem: null,
    output: '',
    durationMs: Math.round(performance.now() - startedMs),
    ...outcome,
  })
  let child: ChildProcess
  try {
    child = spawn(job.command, [...job.args], {
      cwd: job.workingDirectory ?? '/',
      env: { ...passedOn(options.environment), ...job.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    })
  } catch (error) {
    // A NUL in an argument, or more arguments than the system takes.
    return end({ problem: errorMessage(error) })
  }
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const failed = new Promise<Error>((resolve) => child.on('error', resolve))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const output = collectOutput(child)
  // A script that does not read what it is told closes the pipe: its right.
  child.stdin?.on('error', () => {})
  child.stdin?.end(job.input === undefined ? '' : JSON.stringify(job.input))

  const watch = new AbortController()
  let timedOut = false
  const ending = endInTime(child, options, watch.signal, () => {
    timedOut = true
  })
  const first = await Promise.race([exited, failed])
  if (first instanceof Error) {
    watch.abort()
    await ending
    const code = 'code' in first ? String(first.code) : ''
    // The system says the same of a folder that is not there (a root that is unmounted) as of the executable.
    const folder = job.workingDirectory
    if (folder !== undefined && !existsSync(folder))
      return end({ isPassing: true, problem: `the working directory ${folder} is gone` })
    const missing = ['ENOENT', 'EACCES', 'ENOEXEC', 'ENOTDIR'].includes(code)
    return end({ result: missing ? 'missing' : 'not-run', missing, problem: first.message })
  }
  // Its timeout goes for the group: what is left of it after a timeout is ended too.
  if (!timedOut && !options.signal.aborted) watch.abort()
  await ending
  await Promise.race([closed, sleep(OUTPUT_PATIENCE_MS, undefined, { ref: false })])
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  const { code, signal } = first
  const interrupted = options.signal.aborted && !timedOut
  return end({
    result: timedOut ? 'timed-out' : interrupted ? 'not-run' : code === 0 ? 'ok' : 'failed',
    exitCode: code,
    signal,
    timedOut,
    isPassing: interrupted,
    problem: interrupted ? 'the server was stopped meanwhile' : null,
    output: output(),
  })
}

function passedOn(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of PASSED_ON) {
    const value = environment[name]
    if (value !== undefined) passed[name] = value
  }
  return passed
}

/** Keeps the end of both outputs, in the order they came. */
function collectOutput(child: ChildProcess): () => string {
  let text = ''
  const collect = (piece: string): void => {
    text = (text + piece).slice(-MAX_OUTPUT_CHARACTERS)
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', collect)
    stream?.on('error', () => {})
  }
  return () => text.trimEnd()
}

/** Once the time is up, or the server ends: SIGTERM to the group, then SIGKILL. Returns early when `over` is aborted. */
async function endInTime(
  child: ChildProcess,
  { timeoutMs, signal }: ScriptProcessOptions,
  over: AbortSignal,
  onTimeout: () => void,
): Promise<void> {
  const isOver = await elapses(timeoutMs, AbortSignal.any([over, signal]))
  if (over.aborted) return
  if (isOver) onTimeout()
  signalGroup(child, 'SIGTERM')
  const graceEnds = performance.now() + GRACE_MS
  while (performance.now() < graceEnds && isGroupAlive(child)) await sleep(20)
  signalGroup(child, 'SIGKILL')
}

async function elapses(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}

/** A negative id is the group's. It may have ended already. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

function isGroupAlive(child: ChildProcess): boolean {
  return signalGroup(child, 0)
}
