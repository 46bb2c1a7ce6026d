import { realpath } from 'node:fs/promises'
import type { Command } from 'commander'
import { FileInUseError } from '#storage/errors.ts'
import { filesOpenElsewhere } from '#storage/open-elsewhere.ts'
import { openPartFile } from '#storage/part-files.ts'
import type { CommandContext } from '../context.ts'
import { locatePart } from '../part-access.ts'
import { partText } from '../part-text.ts'

/** `tapedeck repair <file>`: completes a part that a crash left open, in place. Finished ones stay as they are. */
export function addRepair(program: Command, context: CommandContext): void {
  program
    .command('repair <file>')
    .description('finish a file that a crash left open, in place; the server does this by itself at its next start')
    .option('--json', 'as one JSON object')
    .action(async (file: string, options: { json?: true }) => {
      const { path, container } = await locatePart(file, context)
      if ((await filesOpenElsewhere()).has(await realpath(path))) throw new FileInUseError(path)
      await using part = await openPartFile(path)
      const before = await container.inspect(part)
      const summary = await container.finish(part)
      await part.sync()
      const repaired = !before.finished || before.tornBytes > 0
      if (options.json) {
        context.print(JSON.stringify({ path, container: container.name, repaired, ...summary }, null, 2))
        return
      }
      for (const line of partText(path, summary)) context.print(line)
      context.print(repaired ? 'repaired' : 'nothing to repair')
    })
}
