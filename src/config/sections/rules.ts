import { errorMessage } from '#base/error.ts'
import { NEW_RULE, type NewRule, RULE_RECORDS } from '#recorder/new-rule.ts'
import { APPEND_GAPS, AUDIO_CODEC_CHOICES, IF_EXISTS, NUMBERINGS } from '#recorder/request.ts'
import { type RequestDefaults, resolveRequest } from '#recorder/request-defaults.ts'
import { checkRule } from '#recorder/rules.ts'
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
import { isMapping, record } from '../values/record.ts'
import { seconds } from '../values/seconds.ts'
import { text } from '../values/text.ts'
import { textMap } from '../values/text-map.ts'
import { INVALID, type ValueType } from '../values/value-type.ts'
import { RECORDING_FORMATS } from './recordings.ts'

/** Fields of the recording request that a rule makes (src/recorder/request.ts). */
const REQUEST_FIELDS = {
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
  nameValues: {
    type: record('a mapping such as { login: ann }', {
      sessionId: { type: text('a text') },
      mediaSessionId: { type: text('a text') },
      login: { type: text('a text') },
      codecs: { type: textMap },
      stream: { type: text('a text') },
    }),
  },
  ifExists: { type: choice(IF_EXISTS) },
  appendGap: { type: choice(APPEND_GAPS) },
  rotate: {
    type: record('a mapping such as { seconds: 3600 }', {
      seconds: { type: seconds({ min: 1, max: 604_800 }) },
      bytes: { type: byteSize({ min: 65_536 }) },
      at: { type: text('a cron expression', { minLength: 1 }) },
      cut: { type: choice(['keyframe', 'exact']) },
    }),
  },
  preRollSeconds: { type: seconds({ min: 0, max: 3_600 }) },
  mp4Compatible32: { type: flag },
  data: { type: flag },
  startOn: { type: choice(['keyframe', 'now']) },
  tracks: {
    type: record('a mapping such as { audio: false }', { audio: { type: flag }, video: { type: flag } }),
  },
  audio: {
    type: record('a mapping such as { codec: aac }', {
      codec: { type: choice(AUDIO_CODEC_CHOICES) },
      sampleRate: { type: integer({ min: 1, max: 96_000, unit: 'Hz' }) },
    }),
  },
  maxSeconds: { type: seconds({ min: 0.1, max: 31_622_400 }) },
  reconnectSeconds: { type: seconds({ min: 0, max: 604_800 }) },
  metadata: { type: textMap },
} as const

/** One rule, as the API takes and gives it. */
const rule = nestedRule(
  record('a mapping such as { match: live/*, request: { format: mp4 } }', {
    match: { type: pathPattern, required: true },
    request: {
      type: record('a mapping such as { format: mp4 }', REQUEST_FIELDS),
      fallback: NEW_RULE.request,
    },
    enabled: { type: flag, fallback: NEW_RULE.enabled },
    priority: { type: integer({ min: -1_000_000, max: 1_000_000 }), fallback: NEW_RULE.priority },
    record: { type: choice(RULE_RECORDS), fallback: NEW_RULE.record },
    additional: { type: flag, fallback: NEW_RULE.additional },
    once: { type: flag, fallback: NEW_RULE.once },
    metadata: { type: textMap, fallback: NEW_RULE.metadata },
  }),
)

/** Which streams are recorded by themselves. */
export const RULES_KEYS = {
  rules: new Key(list(rule, 'rules'), {
    default: [{ match: '**' }],
    about:
      'Which streams are recorded as soon as they are published, and which may be; the fields are those of POST /rules, `request` takes those of POST /recordings. docs/guide/03-recording-options.md explains them. []: record only on request.',
  }),
}

/** Says where a field of the request belongs that stands beside it. */
function nestedRule(type: ValueType<NewRule>): ValueType<NewRule> {
  return {
    ...type,
    read(found, path, report) {
      if (!isMapping(found)) return type.read(found, path, report)
      const misplaced = Object.keys(found).filter((name) => name !== 'metadata' && Object.hasOwn(REQUEST_FIELDS, name))
      for (const name of misplaced) {
        report(`${path}.${name}`, '', `belongs to the request: write request: { ${name}: … } here`)
      }
      const rest = Object.fromEntries(Object.entries(found).filter(([name]) => !misplaced.includes(name)))
      const read = type.read(rest, path, report)
      return misplaced.length === 0 ? read : INVALID
    },
  }
}

/** Fields that can't go together (append and rotation) are known to the recorder; it is asked here, before the start. */
export function checkRules(rules: Config['rules'], defaults: RequestDefaults): ConfigProblem[] {
  return rules.flatMap((each, index) => {
    try {
      checkRule(each)
      resolveRequest({ ...each.request, stream: 'any/stream' }, defaults)
      return []
    } catch (error) {
      return [{ path: `rules[${index}]`, found: '', expected: errorMessage(error), where: '' }]
    }
  })
}
