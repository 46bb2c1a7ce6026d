import type { Command } from '../command-table.ts'
import { EvoCommandError } from '../errors.ts'
import type { ValueMap } from '../stream-value.ts'

/** One kind of configuration, for the commands that are about all kinds. */
export interface ConfigurationGroup {
  /** Its member in listConfig. */
  readonly name: 'record' | 'pull'
  /** In the order of their ids; with their status. */
  list(): readonly ValueMap[]
  /** Ends it; undefined when it has no such id. The value is that of before. */
  remove(id: number): Promise<ValueMap | undefined>
}

/** What listConfig always lists, whether there can be any here or not. */
const EMPTY_GROUPS: ValueMap = {
  dash: [],
  hds: [],
  hls: [],
  metalistener: [],
  mss: [],
  process: [],
  pull: [],
  push: [],
  record: [],
  webrtc: [],
}

/** Commands about what is configured. */
export function configurationCommands(groups: readonly ConfigurationGroup[]): readonly Command[] {
  return [
    {
      name: 'listConfig',
      aliases: ['listPullPushConfig'],
      description: 'Lists what is configured, with its status',
      parameters: [],
      run: () => {
        const listed = Object.fromEntries(groups.map((group) => [group.name, group.list()]))
        return { description: 'Run-time configuration', data: { ...EMPTY_GROUPS, ...listed } }
      },
    },
    {
      name: 'getConfigInfo',
      description: 'Tells of one configuration',
      parameters: [{ name: 'id', mandatory: true, description: 'The configId' }],
      run: (parameters) => {
        parameters.requiredText('id')
        const id = parameters.integer('id', 0, 0, Number.MAX_SAFE_INTEGER)
        const configuration = groups.flatMap((group) => group.list()).find((each) => each['configId'] === id)
        if (configuration === undefined) throw new EvoCommandError('Config ID not found')
        return { description: 'Configuration Info', data: configuration }
      },
    },
    {
      name: 'removeConfig',
      aliases: ['removePullPushConfig'],
      description: 'Ends what is configured, and forgets it',
      parameters: [
        { name: 'id', description: 'The configId' },
        { name: 'groupName', description: 'Groups are of HLS and the like, which are not recorded here' },
        { name: 'removeHlsHdsFiles', defaultValue: '0', description: 'Has no meaning for recordings' },
      ],
      async run(parameters) {
        if (!parameters.has('id')) {
          if (parameters.text('groupName') === undefined) throw new EvoCommandError('No id nor group name provided')
          return { description: 'Configuration terminated', data: null }
        }
        const id = parameters.integer('id', 0, 0, Number.MAX_SAFE_INTEGER)
        for (const group of groups) {
          const removed = await group.remove(id)
          if (removed !== undefined) return { description: 'Configuration terminated', data: removed }
        }
        return { description: 'Configuration terminated', data: null }
      },
    },
  ]
}
