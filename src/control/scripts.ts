/** What an executable is called with. */
export interface ScriptCall {
  /** Handed over one by one: nothing in them is interpreted. */
  readonly args: readonly string[]
  /** Written to its standard input as one JSON document; undefined: standard input is empty. */
  readonly input?: unknown
  /** On top of PATH, HOME and LANG; nothing else of the server's environment is passed on. */
  readonly environment?: Readonly<Record<string, string>>
  /** Default: the root folder of the file system. */
  readonly workingDirectory?: string
}

/** One run of an executable of the operator's. */
export interface ScriptJob extends ScriptCall {
  /** Runs of one key follow each other in the order they were asked for, e.g. the stream's path. */
  readonly key: string
  /** Absolute path of an executable, or a name that PATH has. Run as it is, without a shell. */
  readonly command: string
  /** After this long the script and all it started are ended. Default 60,000. */
  readonly timeoutMs?: number
  /**
   * Asked when its turn has come, for what is to take the place of the fields of the same name: a file may be called
   * otherwise by then, or be gone. Disposed when the run is over. When it rejects, a later run may do better.
   */
  readonly latest?: () => Promise<LatestCall | ScriptRefusal>
}

/** What a script is called with as its turn has come, lent to it until it has ended. */
export type LatestCall = ScriptCall & Disposable

/** Why a script is not to run at all. */
export interface ScriptRefusal {
  readonly refusal: string
}

/** How a run ended. Nothing of it is an exception: a script is allowed to be wrong. */
export interface ScriptOutcome {
  /** `ok`: ended with 0. `failed`: ended with another code or by a signal. `not-run`: see `problem`. */
  readonly result: 'ok' | 'failed' | 'timed-out' | 'missing' | 'not-run'
  /** Null when it was ended by a signal, or never ran. */
  readonly exitCode: number | null
  readonly signal: string | null
  readonly timedOut: boolean
  /** There is no such executable, or it may not be executed. */
  readonly missing: boolean
  /** It did not run, or not to its end, for a reason that passes: the server was being stopped, too many waited. */
  readonly isPassing: boolean
  /** Why it did not run, in words; null when it did. */
  readonly problem: string | null
  /** The end of what it printed, both outputs as they came; at most 16,384 characters. */
  readonly output: string
  readonly durationMs: number
}

/** Runs executables for hooks, the core's and those of front ends. Implemented by hooks/script-runner.ts. */
export interface Scripts {
  /** Waits its turn, runs, and tells how it went; never rejects. */
  run(job: ScriptJob): Promise<ScriptOutcome>
}
