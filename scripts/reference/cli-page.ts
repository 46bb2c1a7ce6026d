import type { Command } from 'commander'
import { commandLine } from '../../src/cli/run.ts'
import { keysOf } from '../../src/config/key.ts'
import { CONFIG_KEYS } from '../../src/config/sections/all.ts'
import { FACADES } from '../../src/facades/declarations.ts'

const PAGE_HEAD = `# Command line

\`bin/tapedeck.mjs\` runs under any Node from 20 on; \`npm link\` puts it on the path as \`tapedeck\`. \`npm start -- …\` is
\`tapedeck serve …\`. Every command takes \`--json\` for programs and \`--debug\` for stack traces. Results go to standard
output, everything else to standard error.

\`list\`, \`show\`, \`start\`, \`stop\` and \`rm\` talk to a running server: \`--server\` or \`TAPEDECK_SERVER\`
(\`http://127.0.0.1:8000\`), \`--token\` or \`TAPEDECK_TOKEN\`. The others work on this machine alone.

| exit code | meaning |
|---|---|
| 0 | done; for \`serve\` and \`record\` also: ended by Ctrl-C, with everything finished |
| 1 | failed, for a reason that no other number names |
| 2 | the command line or the configuration can't be used |
| 3 | no such recording, stream or file |
| 4 | \`verify\` found something wrong |
| 5 | no server answers |
| 6 | the server wants a credential, or another one |

This page is written by \`npm run reference\` from \`src/cli/\`; a test keeps it current.
`

/** docs/reference/cli.md. */
export function cliPage(): string {
  const refuse = () => {
    throw new Error('the reference page runs no command')
  }
  const program = commandLine({
    env: {},
    cwd: '/',
    facades: FACADES,
    print: refuse,
    note: refuse,
    progress: undefined,
    startServer: refuse,
    containers: refuse,
    onInterrupt: refuse,
    setExitCode: refuse,
  })
  return `${PAGE_HEAD}${leaves(program).map(commandEntry).join('')}`
}

/** Commands that do something, those of groups too, with the name they are called by. */
function leaves(group: Command, prefix = ''): (readonly [name: string, command: Command])[] {
  return group.commands.flatMap((command) => {
    const name = `${prefix}${command.name()}`
    return command.commands.length === 0 ? [[name, command] as const] : leaves(command, `${name} `)
  })
}

function commandEntry([name, command]: readonly [name: string, command: Command]): string {
  const takesKeys = command.options.some((option) => option.flags.startsWith('--set '))
  const flagsOfKeys = takesKeys ? [...keysOf(CONFIG_KEYS)].map(([, key]) => key.flag) : []
  const rows = command.options
    .filter((option) => option.long !== '--debug' && !flagsOfKeys.includes(option.flags))
    .map((option) => {
      const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`
      return `| \`${option.flags}\` | ${option.description}${choices} |`
    })
  const note = takesKeys ? '\nBesides these, the flags in the table of [configuration keys](config.md).\n' : ''
  const usage = `tapedeck ${name} ${command.usage()}`
  return `\n## ${name}\n\n    ${usage}\n\n${sentence(command.description())}\n\n| option | |\n|---|---|\n${rows.join('\n')}\n${note}`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
