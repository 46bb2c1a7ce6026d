import type { Command } from 'commander'
import { openPartForReading } from '#storage/part-files.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { locatePart } from '../part-access.ts'

interface Finding {
  readonly path: string
  readonly message: string
}

/** `tapedeck verify <file|id>`: whether files are final and hold what they should. Exit code 4 when not. */
export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify <file>')
    .description('check that a recording is final and that nothing of it is missing')
    .option('--json', 'as one JSON object')
    .action(async (file: string, options: { json?: true }) => {
      const findings = await verifyPart(file, context)
      if (options.json) context.print(JSON.stringify({ findings }, null, 2))
      else for (const { path, message } of findings) context.print(`${path}: ${message}`)
      if (findings.length > 0) context.setExitCode(ExitCode.findings)
      else if (!options.json) context.print('complete: nothing is missing')
    })
}

async function verifyPart(file: string, context: CommandContext): Promise<Finding[]> {
  const { path, container } = await locatePart(file, context)
  await using part = await openPartForReading(path)
  const { finished, tornBytes } = await container.inspect(part)
  const findings: Finding[] = []
  if (!finished) findings.push({ path, message: 'is not finished: "tapedeck repair" completes it' })
  if (tornBytes > 0)
    findings.push({ path, message: `ends with ${tornBytes} bytes that belong to no whole access unit` })
  return findings
}
