import { Command, CommanderError } from 'commander'
import { errorCode, errorMessage } from '#base/error.ts'
import { VERSION } from '#base/version.ts'
import { addCompose } from './commands/compose.ts'
import { addConfig } from './commands/config.ts'
import { addFacadeCommands } from './commands/facade-commands.ts'
import { addInspect } from './commands/inspect.ts'
import { addList } from './commands/list.ts'
import { addRecord } from './commands/record.ts'
import { addRepair } from './commands/repair.ts'
import { addRm } from './commands/rm.ts'
import { addServe } from './commands/serve.ts'
import { addShow } from './commands/show.ts'
import { addStart } from './commands/start.ts'
import { addStop } from './commands/stop.ts'
import { addVerify } from './commands/verify.ts'
import type { CommandContext } from './context.ts'
import { ExitCode, exitCodeFor } from './exit-code.ts'

const COMMANDS = [
  addServe,
  addRecord,
  addList,
  addShow,
  addStart,
  addStop,
  addRm,
  addCompose,
  addVerify,
  addRepair,
  addInspect,
  addConfig,
  addFacadeCommands,
]

/**
 * Runs one command line.
 * @param args without the names of Node and the script
 * @returns the exit code; see exit-code.ts
 */
export async function runCommandLine(
  args: readonly string[],
  context: Omit<CommandContext, 'setExitCode'>,
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok
  const program = commandLine({
    ...context,
    setExitCode: (code) => {
      exitCode = code
    },
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) reportError(error, args, context)
    return exitCodeFor(error)
  }
}

/** The whole command line, for running and for the reference page's test. */
export function commandLine(context: CommandContext): Command {
  const program = new Command('tapedeck')
    .description('the record button for live video')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--debug', 'print stack traces')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.note(text.trimEnd()),
    })
    .showHelpAfterError('(tapedeck --help lists the commands)')
  for (const add of COMMANDS) add(program, context)
  // Options shared by all; commander hands neither setting down by itself.
  for (const command of program.commands) {
    command.exitOverride().option('--debug', 'print stack traces')
    command.configureOutput(program.configureOutput())
  }
  return program
}

function reportError(error: unknown, args: readonly string[], context: Pick<CommandContext, 'note'>): void {
  if (args.includes('--json')) {
    context.note(JSON.stringify({ error: { code: errorCode(error), message: errorMessage(error) } }))
  } else context.note(`tapedeck: [${errorCode(error)}] ${errorMessage(error)}`)
  if (args.includes('--debug') && error instanceof Error && error.stack !== undefined) context.note(error.stack)
}
