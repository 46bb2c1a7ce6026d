import type { RuleFields, RuleRequest } from '../api/documents.ts'
import { containerName } from '../codec-names.ts'
import { formatBytes, formatSpan } from '../format.ts'

/** What each way to record is called, as a choice and as a badge. */
export const RECORD_WORDS = {
  always: { badge: 'always', choice: 'Always', hint: 'Every matching stream is recorded as soon as it is live.' },
  demand: {
    badge: 'on demand',
    choice: 'On demand',
    hint: 'Nothing starts by itself; the record button and programs may.',
  },
  never: { badge: 'never', choice: 'Never', hint: 'Nobody may record these streams.' },
} as const satisfies Record<RuleFields['record'], { badge: string; choice: string; hint: string }>

/** What is done when the file exists. */
export const IF_EXISTS_WORDS = {
  version: 'Number the new file',
  append: 'Go on in the old file',
  overwrite: 'Replace the old file',
  rename: 'Rename the old file',
  fail: 'Do not record',
} as const satisfies Record<string, string>

/** What a rule does beyond its match, in a few facts. */
export function describeRule(rule: RuleFields): readonly string[] {
  if (rule.record === 'never') return []
  const { request } = rule
  return [
    request.format === undefined || request.format === 'auto' ? 'automatic container' : containerName(request.format),
    ...(request.name === undefined ? [] : [`named ${request.name}`]),
    ...describeRotation(request),
    ...(request.preRollSeconds ? [`${formatSpan(request.preRollSeconds)} pre-roll`] : []),
    ...(request.maxSeconds ? [`at most ${formatSpan(request.maxSeconds)}`] : []),
    ...describeIfExists(request),
    ...(rule.once ? ['once'] : []),
    ...(rule.additional ? ['besides other rules'] : []),
  ]
}

function describeRotation({ rotate = {} }: RuleRequest): readonly string[] {
  const limits = [
    ...(rotate.seconds ? [`every ${formatSpan(rotate.seconds)}`] : []),
    ...(rotate.bytes ? [`every ${formatBytes(rotate.bytes)}`] : []),
    ...(rotate.at === undefined ? [] : [`at ${rotate.at}`]),
  ]
  return limits.length === 0 ? [] : [`new part ${limits.join(' or ')}`]
}

function describeIfExists({ ifExists }: RuleRequest): readonly string[] {
  const words: Readonly<Record<string, string>> = {
    append: 'goes on in an existing file',
    overwrite: 'replaces an existing file',
    rename: 'renames an existing file',
    fail: 'refuses when the file exists',
  }
  const word = words[ifExists ?? '']
  return word === undefined ? [] : [word]
}
