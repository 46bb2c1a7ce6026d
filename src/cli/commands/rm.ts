import type { Command } from 'commander'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'

interface RemoveOptions extends ServerOptions {
  readonly json?: true
}

/** `tapedeck rm <id…>`: deletes files and catalog rows. */
export function addRm(program: Command, context: CommandContext): void {
  const command = program
    .command('rm <id...>')
    .description('delete recordings: their files and what is known about them')
    .option('--json', 'print the ids as one JSON object')
  withServerOptions(command).action(async (ids: readonly string[], options: RemoveOptions) => {
    const client = new ApiClient(options, context.env)
    for (const id of ids) {
      await client.delete(`/recordings/${encodeURIComponent(id)}`)
      if (options.json !== true) context.print(`${id} deleted`)
    }
    if (options.json === true) context.print(JSON.stringify({ deleted: ids }))
  })
}
