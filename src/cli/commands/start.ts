import { type Command, Option } from 'commander'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { positive, type RequestOptions, requestFromOptions, withRequestOptions } from '../request-options.ts'

interface StartOptions extends ServerOptions, RequestOptions {
  readonly name?: string
  readonly startOn?: string
  readonly wait?: true
  readonly reconnectSeconds?: number
  readonly json?: true
}

/** `tapedeck start <stream>`: starts a recording on a running server and prints its id. */
export function addStart(program: Command, context: CommandContext): void {
  const command = program
    .command('start <stream>')
    .description('start a recording on a running server and print its id')
    .option('--name <template>', 'name below the recording root, without extension')
    .addOption(new Option('--start-on <moment>', 'where the recording begins').choices(['keyframe', 'now']))
    .option('--wait', 'wait for a stream that nobody publishes yet')
    .option('--reconnect-seconds <seconds>', 'how long to survive without the publisher', positive)
    .option('--json', "the API's answer as it is")
  withServerOptions(withRequestOptions(command)).action(async (stream: string, options: StartOptions) => {
    const { name, startOn, reconnectSeconds } = options
    const request = {
      stream,
      ...requestFromOptions(options),
      ...(name === undefined ? {} : { name }),
      ...(startOn === undefined ? {} : { startOn }),
      ...(reconnectSeconds === undefined ? {} : { reconnectSeconds }),
      ...(options.wait === true ? { waitForStream: true } : {}),
    }
    const answer = await new ApiClient(options, context.env).post('/recordings', request)
    if (options.json === true) return context.print(JSON.stringify(answer, null, 2))
    context.print((answer as RecordingDocument).id)
  })
}
