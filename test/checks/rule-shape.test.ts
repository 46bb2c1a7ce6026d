import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { NewRuleSchema } from '#api/schemas/rule.ts'
import { RULES_KEYS } from '#config/sections/rules.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'

/** One rule with every field there is. */
const EVERYTHING = {
  match: 'live/*',
  enabled: false,
  priority: -1_000_000,
  record: 'demand',
  additional: true,
  once: false,
  metadata: { by: 'me' },
  request: {
    format: 'ts',
    name: '{app}/{stream}',
    path: 'a/{b}',
    extension: '.m2ts',
    root: '/recordings',
    numbering: 'indexed',
    nameText: { exclude: ' #', encoding: 'hex' },
    nameValues: { stream: 's', sessionId: '1', mediaSessionId: '2', login: 'ann', codecs: { h264: 'H264' } },
    ifExists: 'rename',
    appendGap: 'keep',
    rotate: { seconds: 1.5, bytes: 65_536, at: '0 * * * *', cut: 'exact' },
    preRollSeconds: 0.5,
    mp4Compatible32: true,
    data: false,
    startOn: 'now',
    tracks: { audio: true, video: false },
    audio: { codec: 'aac', sampleRate: 16_000 },
    maxSeconds: 0.1,
    reconnectSeconds: 604_800,
    metadata: { room: 'a' },
  },
}

/** Reads one rule as the configuration does. */
function readRule(rule: unknown): { value: unknown; problems: string[] } {
  const problems: string[] = []
  const value = RULES_KEYS.rules.type.read([rule], 'rules', (path, found, expected) => {
    problems.push(`${path} ${found} ${expected}`)
  })
  return { value, problems }
}

/** The dotted names of all fields of a value; labels are the caller's own. */
function namesIn(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
    const path = prefix + name
    return typeof each === 'object' && each !== null && name !== 'metadata' && name !== 'codecs'
      ? [path, ...namesIn(each, `${path}.`)]
      : [path]
  })
}

/** The dotted names a schema knows. */
function namesOf(schema: object, prefix = ''): string[] {
  const properties = 'properties' in schema ? (schema.properties as Record<string, object>) : {}
  return Object.entries(properties).flatMap(([name, each]) => [prefix + name, ...namesOf(each, `${prefix}${name}.`)])
}

test('the example has every field that POST /rules takes', () => {
  assert.ok(Value.Check(NewRuleSchema, EVERYTHING))
  assert.deepEqual(namesIn(EVERYTHING).sort(), namesOf(NewRuleSchema).sort())
})

test('the configuration takes what POST /rules takes, and reads it as the same rule', () => {
  assert.deepEqual(readRule(EVERYTHING), { value: [EVERYTHING], problems: [] })
  assert.deepEqual(readRule({ match: '**' }).value, [{ ...NEW_RULE, match: '**' }])
})

test('the configuration takes no field that POST /rules does not', () => {
  const names: string[] = []
  for (const at of [
    '',
    'request',
    'request.rotate',
    'request.tracks',
    'request.audio',
    'request.nameText',
    'request.nameValues',
  ]) {
    const unknown = at
      .split('.')
      .filter((name) => name !== '')
      .reduceRight<object>((inner, name) => ({ [name]: inner }), { qqqqqqqqqqqq: 1 })
    const known = /known here: (.*)$/.exec(readRule({ match: '**', ...unknown }).problems.join(' '))?.[1]
    for (const name of known?.split(', ') ?? []) names.push(at === '' ? name : `${at}.${name}`)
  }
  assert.deepEqual(names.sort(), namesOf(NewRuleSchema).sort())
})

test('a field of the request that stands beside it is told where it belongs', () => {
  const { problems } = readRule({ match: '**', format: 'ts' })
  assert.deepEqual(problems, ['rules[0].format  belongs to the request: write request: { format: … } here'])
})
