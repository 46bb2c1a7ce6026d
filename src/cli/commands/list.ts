import type { Command } from 'commander'
import { Option } from 'commander'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { RECORDING_STATES } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { recordingTable } from '../recording-text.ts'

interface ListOptions extends ServerOptions {
  readonly stream?: string
  readonly state?: string
  readonly limit: string
  readonly cursor?: string
  readonly json?: true
}

/** `tapedeck list`: recordings of a running server, newest first. */
export function addList(program: Command, context: CommandContext): void {
  const command = program
    .command('list')
    .description('list recordings of a running server, newest first')
    .option('--stream <path>', 'only of this stream')
    .addOption(new Option('--state <state>', 'only in this state').choices(RECORDING_STATES))
    .option('--limit <count>', 'at most this many', '100')
    .option('--cursor <cursor>', 'the page after the one that gave this')
    .option('--json', "the API's answer as it is")
  withServerOptions(command).action(async (options: ListOptions) => {
    const query = new URLSearchParams({ limit: options.limit })
    for (const name of ['stream', 'state', 'cursor'] as const) {
      const value = options[name]
      if (value !== undefined) query.set(name, value)
    }
    const page = (await new ApiClient(options, context.env).get(`/recordings?${query}`)) as {
      recordings: readonly RecordingDocument[]
      nextCursor?: string | null
    }
    if (options.json === true) return context.print(JSON.stringify(page, null, 2))
    for (const line of recordingTable(page.recordings)) context.print(line)
    if (page.nextCursor !== undefined && page.nextCursor !== null) context.note(`more: --cursor ${page.nextCursor}`)
  })
}
