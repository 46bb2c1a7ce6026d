import type { Command } from 'commander'
import { openPartForReading } from '#storage/part-files.ts'
import type { CommandContext } from '../context.ts'
import { locatePart } from '../part-access.ts'
import { partText } from '../part-text.ts'

/** `tapedeck inspect <file>`: what a part holds, finished or not. Changes nothing. */
export function addInspect(program: Command, context: CommandContext): void {
  program
    .command('inspect <file>')
    .description('show what a recorded file holds; unfinished ones too; changes nothing')
    .option('--json', 'as one JSON object')
    .action(async (file: string, options: { json?: true }) => {
      const { path, container } = await locatePart(file, context)
      await using part = await openPartForReading(path)
      const inspection = await container.inspect(part)
      if (options.json) context.print(JSON.stringify({ path, container: container.name, ...inspection }, null, 2))
      else for (const line of partText(path, inspection)) context.print(line)
    })
}
