import type { ProblemError } from '../api/problem.ts'
import type { RuleField, RuleProblems } from './rule-draft.ts'

/** Which field of the form shows what the server says about a field of the request. */
const FIELD_BY_PATH: Readonly<Record<string, RuleField>> = {
  match: 'match',
  record: 'record',
  additional: 'additional',
  once: 'once',
  enabled: 'enabled',
  priority: 'priority',
  format: 'format',
  name: 'name',
  ifExists: 'ifExists',
  'rotate.seconds': 'rotateEvery',
  'rotate.bytes': 'rotateSize',
  'rotate.at': 'rotateAt',
  'rotate.cut': 'rotateCut',
  rotate: 'rotateEvery',
  preRollSeconds: 'preRollSeconds',
  reconnectSeconds: 'reconnectSeconds',
  maxSeconds: 'maxSeconds',
}

/** Codes that can only be about one field, where the problem names none. */
const FIELD_BY_CODE: Readonly<Record<string, RuleField>> = {
  'stream/pattern-invalid': 'match',
  'recording/name-invalid': 'name',
}

/** What the server does not like, at the field it is about; what fits no field is said on top. */
export function placeProblems(error: ProblemError): {
  readonly fields: RuleProblems
  readonly rest: readonly string[]
} {
  const fields = new Map<RuleField, string>()
  const rest: string[] = []
  for (const { field, message } of error.problems) {
    const path = field.replace(/^body\./, '').replace(/^request\./, '')
    const place = FIELD_BY_PATH[path]
    if (place === undefined) rest.push(`${path} ${message}`)
    else fields.set(place, message)
  }
  const only = FIELD_BY_CODE[error.code]
  if (only !== undefined && fields.size === 0) fields.set(only, error.message)
  if (fields.size === 0 && rest.length === 0) rest.push(error.message)
  return { fields, rest }
}
