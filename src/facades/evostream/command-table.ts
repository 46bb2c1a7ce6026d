import { errorMessage, TapedeckError } from '#base/error.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import { type Answer, answerValue, type Outcome } from './answer.ts'
import type { CommandLine } from './command-line.ts'
import { EvoCommandError } from './errors.ts'
import { Parameters } from './parameters.ts'
import type { Value } from './values.ts'

/** One parameter as `help` lists it. */
export interface ParameterHelp {
  readonly name: string
  readonly mandatory?: true
  readonly defaultValue?: string
  readonly description: string
}

/** One command. */
export interface Command {
  readonly name: string
  /** Older names. */
  readonly aliases?: readonly string[]
  readonly description: string
  readonly parameters: readonly ParameterHelp[]
  run(parameters: Parameters): Outcome | Promise<Outcome>
}

/** Told of every command and its answer, for the events. */
export interface CommandWatcher {
  request(value: { readonly [name: string]: Value }): void
  response(value: { readonly [name: string]: Value }): void
}

/** All commands by name, in any case. */
export class Commands {
  readonly #runtime: Runtime
  readonly #byName = new Map<string, Command>()
  readonly #watcher: CommandWatcher
  readonly #failed: LogLimit<{ readonly command: string; readonly error: unknown }>

  constructor(runtime: Runtime, commands: readonly Command[], watcher: CommandWatcher) {
    this.#runtime = runtime
    this.#watcher = watcher
    this.#failed = new LogLimit(runtime.monotonicMs, ({ command, error }, occurrences) =>
      runtime.log.error({ event: 'evostream.command-failed', command, occurrences, err: error }),
    )
    for (const command of [...commands, this.#help(commands)]) {
      for (const name of [command.name, ...(command.aliases ?? [])]) this.#byName.set(name.toLowerCase(), command)
    }
  }

  /** Never throws: whatever goes wrong is an answer. */
  async execute(line: CommandLine, door: string): Promise<Answer> {
    const parameters = new Parameters(line.parameters)
    this.#watcher.request({ command: line.name, parameters: parameters.toValue() })
    const answer = await this.#answer(line, parameters, door)
    this.#watcher.response(answerValue(answer))
    return answer
  }

  async #answer(line: CommandLine, parameters: Parameters, door: string): Promise<Answer> {
    const id = commandId(line)
    const responseId = id === undefined ? {} : { responseId: id }
    try {
      const command = this.#byName.get(line.name.toLowerCase())
      if (command === undefined) {
        throw new EvoCommandError(`command ${line.name.slice(0, 100)} not known. Type help for list of commands`)
      }
      this.#runtime.log.debug({ event: 'evostream.command', command: command.name, door })
      return { status: 'SUCCESS', ...(await command.run(parameters)), ...responseId }
    } catch (error) {
      return { status: 'FAIL', description: this.#description(line.name, error), data: null, ...responseId }
    }
  }

  #description(command: string, error: unknown): string {
    const { log } = this.#runtime
    if (error instanceof EvoCommandError) {
      const reason = error.cause === undefined ? {} : { reason: errorMessage(error.cause) }
      log.info({ event: 'evostream.command-refused', command: command.slice(0, 100), ...reason }, error.message)
      return error.message
    }
    if (error instanceof TapedeckError && error.origin === 'client') return error.message
    // What is wrong on this side, and where, is for the log.
    this.#failed.occurred({ command: command.slice(0, 100), error })
    return `Unable to execute command ${command.slice(0, 100)}`
  }

  #help(commands: readonly Command[]): Command {
    return {
      name: 'help',
      description: 'Lists all commands and their parameters',
      parameters: [],
      run: () => ({ description: 'Available commands', data: commands.map(helpValue) }),
    }
  }
}

function helpValue({ name, description, parameters }: Command): Value {
  return {
    command: name,
    deprecated: false,
    description,
    parameters: parameters.map((parameter) => ({
      name: parameter.name,
      mandatory: parameter.mandatory ?? false,
      defaultValue: parameter.defaultValue ?? '',
      description: parameter.description,
    })),
  }
}

/** Of every command, even of one that nobody knows. */
function commandId({ parameters }: CommandLine): string | undefined {
  for (const [name, value] of parameters) {
    if (name.toLowerCase() === 'commandid') return typeof value === 'string' ? value : value.join(',')
  }
  return undefined
}
