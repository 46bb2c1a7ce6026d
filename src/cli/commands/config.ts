import type { Command } from 'commander'
import { describeOrigin } from '#config/origin.ts'
import { configFromOptions, withConfigOptions } from '../config-options.ts'
import type { CommandContext } from '../context.ts'
import { formatTable } from '../format.ts'

/** `tapedeck config`: every key, its effective value, and where that came from. Starts nothing, changes nothing. */
export function addConfig(program: Command, context: CommandContext): void {
  const command = program
    .command('config')
    .description('print the effective configuration and where each value came from')
    .option('--json', 'as one JSON object')
  withConfigOptions(command, context).action(async (options: Readonly<Record<string, unknown>>) => {
    const { keys, file } = await configFromOptions(options, context, 'look')
    const shown = keys.map(({ path, value, origin }) => {
      return { path, value: withoutSecrets(value ?? ''), origin: describeOrigin(origin) }
    })
    if (options['json'] === true) {
      context.print(JSON.stringify({ file: file ?? null, keys: shown }, null, 2))
      return
    }
    const rows = shown.map(({ path, value, origin }) => [path, JSON.stringify(value), origin])
    for (const line of formatTable(['KEY', 'VALUE', 'FROM'], rows)) context.print(line)
  })
}

/** Tokens, and logins in addresses, are not for terminals and logs. */
function withoutSecrets(value: unknown): unknown {
  const hide = (name: string, each: unknown) => {
    if (name === 'token' || name === 'password' || name === 'secret') return '(hidden)'
    return name === 'http' && typeof each === 'string' ? each.replace(/\/\/[^/@]*@/, '//(hidden)@') : each
  }
  return JSON.parse(JSON.stringify(value, hide))
}
