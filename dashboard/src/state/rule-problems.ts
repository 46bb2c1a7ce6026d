import type { FieldPlaces } from './field-problems.ts'
import type { RuleField } from './rule-draft.ts'

/** Fields of a recording request. */
const REQUEST_FIELDS: Readonly<Record<string, RuleField>> = {
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

/** Where the form says what the server does not like about a rule. */
export const RULE_PLACES: FieldPlaces<RuleField> = {
  byPath: {
    match: 'match',
    record: 'record',
    additional: 'additional',
    once: 'once',
    enabled: 'enabled',
    priority: 'priority',
    // Schemas name the whole path, the recorder that of its request.
    ...Object.fromEntries(Object.entries(REQUEST_FIELDS).map(([path, field]) => [`request.${path}`, field])),
    ...REQUEST_FIELDS,
  },
  byCode: { 'stream/pattern-invalid': 'match', 'recording/name-invalid': 'name' },
}
