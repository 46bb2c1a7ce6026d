import type { Command } from 'commander'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { recordingText } from '../recording-text.ts'

interface StopOptions extends ServerOptions {
  readonly json?: true
}

/** `tapedeck stop <id>`: returns when the file is final. */
export function addStop(program: Command, context: CommandContext): void {
  const command = program
    .command('stop <id>')
    .description('stop a recording; returns when its file is final')
    .option('--json', "the API's answer as it is")
  withServerOptions(command).action(async (id: string, options: StopOptions) => {
    const answer = await new ApiClient(options, context.env).post(`/recordings/${encodeURIComponent(id)}/stop`)
    if (options.json === true) return context.print(JSON.stringify(answer, null, 2))
    for (const line of recordingText(answer as RecordingDocument)) context.print(line)
  })
}
