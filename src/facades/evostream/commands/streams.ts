import type { Command, ParameterHelp } from '../command-table.ts'
import { EvoCommandError } from '../errors.ts'
import type { Parameters } from '../parameters.ts'
import type { RecordConfigurations } from '../record-configurations.ts'
import type { ValueMap } from '../stream-value.ts'
import { type AnyStream, Streams } from '../streams.ts'

/** What the commands about streams work with. */
export interface StreamCommandParts {
  readonly streams: Streams
  readonly records: RecordConfigurations
  /** Removes the configuration that pulls this stream, when there is one. */
  readonly removePullOf: (stream: AnyStream) => Promise<void>
  readonly describe: (stream: AnyStream) => ValueMap
}

const INTERNAL: readonly ParameterHelp[] = [
  { name: 'disableInternalStreams', defaultValue: '1', description: 'There are no internal streams here' },
]
const WHICH: readonly ParameterHelp[] = [
  { name: 'id', description: 'The unique id of the stream' },
  { name: 'localStreamName', description: 'The name of the stream' },
]

/** Commands that list streams, tell of one, and end one. */
export function streamCommands(parts: StreamCommandParts): readonly Command[] {
  const { streams, describe } = parts
  return [
    {
      name: 'listStreams',
      description: 'Lists all streams, recordings that run among them',
      parameters: INTERNAL,
      run: () => ({ description: 'Available streams', data: listOrNull(streams.list().map(describe)) }),
    },
    {
      name: 'listStreamsIds',
      description: 'Lists the ids of all streams',
      parameters: INTERNAL,
      run: () => ({ description: 'Available stream IDs', data: listOrNull(streams.list().map(({ id }) => id)) }),
    },
    {
      name: 'getStreamsCount',
      description: 'Counts the streams',
      parameters: INTERNAL,
      run: () => ({ description: 'Active streams count', data: { streamCount: streams.list().length } }),
    },
    {
      name: 'listInboundStreamNames',
      description: 'Lists the names of published and pulled streams',
      parameters: [],
      run: () => {
        const names = streams.inbound().map(({ name }) => ({ name }))
        return { description: 'Inbound local stream names', data: listOrNull(names) }
      },
    },
    {
      name: 'getStreamInfo',
      description: 'Tells of one stream',
      parameters: WHICH,
      run: (parameters) => ({ description: 'Stream information', data: describe(found(streams, parameters)) }),
    },
    {
      name: 'isStreamRunning',
      description: 'Says whether a stream is there',
      parameters: WHICH,
      run: (parameters) => {
        const isThere = streams.find(Streams.wanted(parameters)) !== undefined
        return { description: 'Stream status:', data: { Running: isThere } }
      },
    },
    {
      name: 'shutdownStream',
      description: 'Ends a stream; permanently: with its configuration',
      parameters: [
        ...WHICH,
        { name: 'permanently', defaultValue: '1', description: '1: remove the configuration as well' },
      ],
      async run(parameters) {
        const stream = found(streams, parameters)
        const data = { protocolStackInfo: protocolStack(stream), streamInfo: describe(stream) }
        await shutDown(stream, parameters.flag('permanently') ?? true, parts)
        return { description: 'Stream closed', data }
      },
    },
  ]
}

async function shutDown(stream: AnyStream, permanently: boolean, parts: StreamCommandParts): Promise<void> {
  if (stream.kind === 'in') {
    if (permanently) await parts.removePullOf(stream)
    stream.stream.publisher.disconnect('shutdownStream')
    return
  }
  const configuration = parts.records.ofRecording(stream.recording)
  if (permanently && configuration !== undefined) return await parts.records.remove(configuration)
  await parts.records.roll(configuration, stream.recordingId)
}

function found(streams: Streams, parameters: Parameters): AnyStream {
  const wanted = Streams.wanted(parameters)
  const stream = streams.find(wanted)
  if (stream !== undefined) return stream
  throw new EvoCommandError('id' in wanted ? `Stream 0:${wanted.id} not found` : `Stream ${wanted.name} not found`)
}

function protocolStack(stream: AnyStream): ValueMap {
  if (stream.kind === 'out') return { carrier: null, stack: [] }
  const { remoteAddress, remotePort, localAddress, localPort } = stream.stream.publisher
  return {
    carrier: {
      farIP: remoteAddress,
      farPort: remotePort,
      nearIP: localAddress,
      nearPort: localPort,
      type: 'IOHT_TCP_CARRIER',
    },
    stack: [],
  }
}

function listOrNull<Item>(items: readonly Item[]): readonly Item[] | null {
  return items.length === 0 ? null : items
}
