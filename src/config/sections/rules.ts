import { errorMessage } from '#base/error.ts'
import { IF_EXISTS, NUMBERINGS } from '#recorder/request.ts'
import { resolveRequest } from '#recorder/request-defaults.ts'
import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { byteSize } from '../values/byte-size.ts'
import { choice } from '../values/choice.ts'
import { flag } from '../values/flag.ts'
import { integer } from '../values/integer.ts'
import { list } from '../values/list.ts'
import { nameTemplate } from '../values/name-template.ts'
import { pathPattern } from '../values/path-pattern.ts'
import { record } from '../values/record.ts'
import { text } from '../values/text.ts'
import { textMap } from '../values/text-map.ts'
import { RECORDING_FORMATS } from './recordings.ts'

/** One rule: which streams, and the fields of the recording request it makes (src/recorder/request.ts). */
const rule = record('a mapping such as { match: live/*, format: mp4 }', {
  match: { type: pathPattern, required: true },
  priority: { type: integer({ min: -1000, max: 1000 }), fallback: 0 },
  format: { type: choice(RECORDING_FORMATS) },
  name: { type: nameTemplate },
  path: { type: text('a path below the root', { minLength: 1 }) },
  extension: { type: text('an extension such as .mp4', { minLength: 2 }) },
  root: { type: text('one of the folders of recordings.root', { minLength: 1 }) },
  numbering: { type: choice(NUMBERINGS) },
  nameText: {
    type: record('a mapping such as { encoding: hex }', {
      exclude: { type: text('characters to leave out') },
      encoding: { type: choice(['none', 'hex', 'base64url']) },
    }),
  },
  ifExists: { type: choice(IF_EXISTS) },
  rotate: {
    type: record('a mapping such as { seconds: 3600 }', {
      seconds: { type: integer({ min: 1, unit: 'seconds' }) },
      bytes: { type: byteSize({ min: 65_536 }) },
      at: { type: text('a cron expression', { minLength: 1 }) },
      cut: { type: choice(['keyframe', 'exact']) },
    }),
  },
  preRollSeconds: { type: integer({ min: 0, max: 3_600, unit: 'seconds' }) },
  mp4Compatible32: { type: flag },
  startOn: { type: choice(['keyframe', 'now']) },
  tracks: {
    type: record('a mapping such as { audio: false }', { audio: { type: flag }, video: { type: flag } }),
  },
  maxSeconds: { type: integer({ min: 1, unit: 'seconds' }) },
  reconnectSeconds: { type: integer({ min: 0, max: 86_400, unit: 'seconds' }) },
  metadata: { type: textMap },
})

/** Which streams are recorded by themselves. */
export const RULES_KEYS = {
  rules: new Key(list(rule, 'rules'), {
    default: [{ match: '**' }],
    about:
      'Streams that are recorded as soon as they are published. The rule of the highest priority that matches decides; beside match and priority a rule takes the fields of POST /recordings. []: record only on request.',
  }),
}

/** The rules as the recorder takes them: whatever is not about matching is the request. */
export function resolveRules(rules: readonly { readonly match: string; readonly priority: number }[]): Config['rules'] {
  return rules.map(({ match, priority, ...request }) => ({ match, priority, request }))
}

/** Fields that can't go together (append and rotation) are known to the recorder; it is asked here, before the start. */
export function checkRules(rules: Config['rules'], defaults: Config['recordings']): ConfigProblem[] {
  return rules.flatMap(({ request }, index) => {
    try {
      resolveRequest({ ...request, stream: 'any/stream' }, defaults)
      return []
    } catch (error) {
      return [{ path: `rules[${index}]`, found: '', expected: errorMessage(error), where: '' }]
    }
  })
}
