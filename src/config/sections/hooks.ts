import { EVENT_TYPES } from '#control/event-types.ts'
import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { byteSize } from '../values/byte-size.ts'
import { choice } from '../values/choice.ts'
import { httpUrl } from '../values/http-url.ts'
import { integer } from '../values/integer.ts'
import { list } from '../values/list.ts'
import { pathPattern } from '../values/path-pattern.ts'
import { record } from '../values/record.ts'
import { text } from '../values/text.ts'

/** Shorter secrets can be found by trying, by anybody who has seen one delivery. */
const MIN_SECRET_CHARACTERS = 16

const name = { type: text('a name of letters, digits, - and _', { pattern: /^[\w-]{1,64}$/ }) }
const events = list(choice(EVENT_TYPES), 'event types')

const exec = record('a mapping such as { command: /usr/local/bin/after-recording }', {
  name,
  match: { type: pathPattern, fallback: '**' },
  command: { type: text('an executable', { minLength: 1 }), required: true },
  args: { type: list(text('a text'), 'texts'), fallback: ['{path}', '{file}'] },
  events: { type: events, fallback: ['part.ready'] },
  timeoutMs: { type: integer({ min: 100, max: 86_400_000, unit: 'milliseconds' }), fallback: 60_000 },
  concurrency: { type: integer({ min: 1, max: 64, unit: 'scripts' }), fallback: 4 },
})

const webhook = record("a mapping such as { url: https://example.org/hook, secret: '…' }", {
  name,
  match: { type: pathPattern, fallback: '**' },
  url: { type: httpUrl, required: true },
  secret: {
    type: text(`a secret of at least ${MIN_SECRET_CHARACTERS} characters`, { minLength: MIN_SECRET_CHARACTERS }),
  },
  events: { type: events, fallback: EVENT_TYPES },
  timeoutMs: { type: integer({ min: 100, max: 120_000, unit: 'milliseconds' }), fallback: 10_000 },
  concurrency: { type: integer({ min: 1, max: 64, unit: 'requests' }), fallback: 4 },
})

/** Who is told what happens. */
export const HOOKS_KEYS = {
  exec: new Key(list(exec, 'executables'), {
    default: [],
    about:
      'Executables run when something happens: command, args ({path} and {file}), events (part.ready), match (**), timeoutMs (60000), concurrency (4), name. docs/guide/09-hooks.md says what they are given.',
  }),
  webhooks: new Key(list(webhook, 'webhooks'), {
    default: [],
    about:
      'Addresses that every event is posted to: url, secret (signs each delivery), events (all), match (**), timeoutMs (10000), concurrency (4), name. Stored before they are sent, and sent until the receiver has them.',
    secret: true,
  }),
  concurrency: new Key(integer({ min: 1, max: 256, unit: 'scripts' }), {
    default: 4,
    about: 'Scripts that run at a time, those of all hooks together.',
  }),
  giveUpDays: new Key(integer({ min: 1, max: 365, unit: 'days' }), {
    default: 3,
    about: 'A delivery that its receiver has refused for so long is given up; it can still be replayed for 30 days.',
  }),
  maxPending: new Key(integer({ min: 100, max: 10_000_000, unit: 'deliveries' }), {
    default: 100_000,
    about:
      'Deliveries of one hook that may wait for its receiver; beyond it new ones are refused, and the log says so.',
  }),
  maxBytes: new Key(byteSize({ min: 1024 ** 2 }), {
    default: '1GiB',
    about: 'Size of the file that keeps deliveries; beyond it new ones are refused, and the log says so.',
  }),
}

/** Two hooks can't share a name: what waits for one would be delivered to the other. */
export function checkHooks(hooks: Config['hooks']): ConfigProblem[] {
  const seen = new Map<string, string>()
  const problems: ConfigProblem[] = []
  for (const kind of ['exec', 'webhooks'] as const) {
    for (const [index, { name }] of hooks[kind].entries()) {
      if (name === undefined) continue
      const path = `hooks.${kind}[${index}].name`
      const before = seen.get(name)
      seen.set(name, path)
      if (before === undefined) continue
      problems.push({ path, found: name, expected: `is the same as ${before}: each hook needs its own`, where: '' })
    }
  }
  return problems
}
