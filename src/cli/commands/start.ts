import { type Command, Option } from 'commander'
import { NUMBERINGS, type Numbering } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient, type ServerOptions, withServerOptions } from '../api-client.ts'
import type { CommandContext } from '../context.ts'
import { positive, type RequestOptions, requestFromOptions, withRequestOptions } from '../request-options.ts'

/** Options that are fields of the request as they are. */
interface Fields {
  readonly name?: string
  readonly path?: string
  readonly extension?: string
  readonly root?: string
  readonly numbering?: Numbering
  readonly startOn?: 'keyframe' | 'now'
  readonly preRollSeconds?: number
  readonly reconnectSeconds?: number
}

interface StartOptions extends ServerOptions, RequestOptions, Fields {
  readonly wait?: true
  readonly json?: true
}

/** `tapedeck start <stream>`: starts a recording on a running server and prints its id. */
export function addStart(program: Command, context: CommandContext): void {
  const command = program
    .command('start <stream>')
    .description('start a recording on a running server and print its id')
    .option('--name <template>', 'name below the recording root, without extension')
    .option('--path <path>', 'the same as it is, without elements in braces')
    .option('--extension <extension>', 'of the file, with its dot')
    .option('--root <folder>', 'one of the recording roots')
    .addOption(new Option('--numbering <scheme>', 'how parts and taken names are numbered').choices(NUMBERINGS))
    .addOption(new Option('--start-on <moment>', 'where the recording begins').choices(['keyframe', 'now']))
    .option('--pre-roll-seconds <seconds>', 'begin this far in the past, as far as it is remembered', positive)
    .option('--wait', 'wait for a stream that nobody publishes yet')
    .option('--reconnect-seconds <seconds>', 'how long to survive without the publisher', positive)
    .option('--json', "the API's answer as it is")
  withServerOptions(withRequestOptions(command)).action(async (stream: string, options: StartOptions) => {
    const { name, path, extension, root, numbering, startOn, preRollSeconds, reconnectSeconds } = options
    const fields = { name, path, extension, root, numbering, startOn, preRollSeconds, reconnectSeconds }
    const request = {
      stream,
      ...requestFromOptions(options),
      // What is undefined is not sent.
      ...fields,
      ...(options.wait === true ? { waitForStream: true } : {}),
    }
    const answer = await new ApiClient(options, context.env).post('/recordings', request)
    if (options.json === true) return context.print(JSON.stringify(answer, null, 2))
    context.print((answer as RecordingDocument).id)
  })
}
