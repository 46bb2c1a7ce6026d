import type { Command } from 'commander'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { recordingText } from '../recording-text.ts'

interface ShowOptions extends ServerOptions {
  readonly json?: true
}

/** `tapedeck show <id>`: all about one recording. */
export function addShow(program: Command, context: CommandContext): void {
  const command = program
    .command('show <id>')
    .description('show a recording of a running server: state, parts, ledger')
    .option('--json', "the API's answer as it is")
  withServerOptions(command).action(async (id: string, options: ShowOptions) => {
    const answer = await new ApiClient(options, context.env).get(`/recordings/${encodeURIComponent(id)}`)
    if (options.json === true) return context.print(JSON.stringify(answer, null, 2))
    for (const line of recordingText(answer as RecordingDocument)) context.print(line)
  })
}
