import type { Command } from '../command-table.ts'
import type { Timers } from '../timers.ts'

/** `setTimer`, `listTimers` and `removeTimer`. */
export function timerCommands(timers: Timers): readonly Command[] {
  return [
    {
      name: 'setTimer',
      description: 'Adds a timer, which sends events',
      parameters: [
        {
          name: 'value',
          mandatory: true,
          description: 'Seconds between events (1 to 86399), or once: YYYY-MM-DDTHH:MM:SS or HH:MM:SS',
        },
      ],
      run: (parameters) => ({
        description: 'Custom timer enqueued',
        data: timers.add(parameters.requiredText('value')),
      }),
    },
    {
      name: 'listTimers',
      description: 'Lists the timers',
      parameters: [],
      run: () => ({ description: 'List of armed timers', data: timers.list() }),
    },
    {
      name: 'removeTimer',
      description: 'Removes a timer',
      parameters: [{ name: 'id', mandatory: true, description: 'The timerId' }],
      run: (parameters) => {
        parameters.requiredText('id')
        const id = parameters.integer('id', 0, 0, Number.MAX_SAFE_INTEGER)
        return { description: 'Timer removed', data: timers.remove(id) }
      },
    },
  ]
}
