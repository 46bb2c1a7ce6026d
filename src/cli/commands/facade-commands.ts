import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'

/** Commands that facades bring along. */
export function addFacadeCommands(program: Command, context: CommandContext): void {
  const { env, cwd, print, note } = context
  const fail = () => context.setExitCode(ExitCode.failed)
  for (const { words, groupAbout, about, options, run } of context.facades.flatMap(({ commands = [] }) => commands)) {
    const [first, second] = words
    const group = second === undefined ? program : groupOf(program, first, groupAbout ?? '')
    const command = group
      .command(second ?? first)
      .description(about)
      .exitOverride()
    command.configureOutput(program.configureOutput())
    for (const { flags, about: text, isRequired } of options) {
      if (isRequired === true) command.requiredOption(flags, text)
      else command.option(flags, text)
    }
    command.action((given: Readonly<Record<string, string | true | undefined>>) =>
      run(given, { env, cwd, print, note, fail }),
    )
  }
}

function groupOf(program: Command, name: string, about: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(about)
}
