import type { Command } from '../command-table.ts'
import { ECHOED_PARAMETERS, type PullConfigurations } from '../pull-configurations.ts'

/** `pullStream`: fetches a stream from another server. */
export function pullCommand(pulls: PullConfigurations): Command {
  return {
    name: 'pullStream',
    description: 'Pulls a stream from another server',
    parameters: [
      { name: 'uri', mandatory: true, description: 'The address of the stream' },
      { name: 'localStreamName', defaultValue: 'stream_ and 8 characters', description: 'What it is called here' },
      { name: 'keepAlive', defaultValue: '1', description: '1: connect again whenever it is lost' },
      { name: 'forceTcp', defaultValue: '0', description: '1: RTSP with its media over TCP only' },
      ...ECHOED_PARAMETERS.map((name) => ({ name, description: 'Told again; has no effect here' })),
    ],
    async run(parameters) {
      const { uri, value } = await pulls.add(parameters)
      return { description: `Stream ${uri} enqueued for pulling`, data: value }
    },
  }
}
