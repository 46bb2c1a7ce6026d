import type { RuleDocument, RuleFields, RuleRecord, RuleRequest } from '../api/documents.ts'

/** Units a span of time is given in, with their seconds; the largest that divides evenly is shown. */
export const TIME_UNITS = { h: 3600, min: 60, s: 1 } as const
/** Units a size is given in, with their bytes. */
export const SIZE_UNITS = { GB: 1_000_000_000, MB: 1_000_000, kB: 1_000, B: 1 } as const

/** A rule as the form holds it: what was typed, right or wrong. Empty texts: as the server likes it. */
export interface RuleDraft {
  readonly match: string
  readonly record: RuleRecord
  readonly additional: boolean
  readonly once: boolean
  readonly enabled: boolean
  readonly priority: string
  readonly format: string
  readonly name: string
  readonly ifExists: string
  readonly rotateEvery: string
  readonly rotateEveryUnit: keyof typeof TIME_UNITS
  readonly rotateSize: string
  readonly rotateSizeUnit: keyof typeof SIZE_UNITS
  readonly rotateAt: string
  readonly rotateCut: 'keyframe' | 'exact'
  readonly preRollSeconds: string
  readonly reconnectSeconds: string
  readonly maxSeconds: string
}

/** A field of the form. */
export type RuleField = keyof RuleDraft
/** What is wrong with which field. */
export type RuleProblems = ReadonlyMap<RuleField, string>

/** The parts of a recording request the form shows. */
const KNOWN_REQUEST_FIELDS = [
  'format',
  'name',
  'ifExists',
  'rotate',
  'preRollSeconds',
  'reconnectSeconds',
  'maxSeconds',
] as const

/** What the server does when nothing is said. */
const USUAL_IF_EXISTS = 'version'

const NEW_RULE: RuleFields = {
  match: '',
  record: 'always',
  additional: false,
  once: false,
  enabled: true,
  priority: 0,
  request: {},
}

/** The form's beginning: a rule to change, or nothing yet. */
export function draftOf(rule: RuleFields = NEW_RULE): RuleDraft {
  const { request } = rule
  const { rotate = {} } = request
  const [rotateEvery, rotateEveryUnit] = inUnits(rotate.seconds, TIME_UNITS, 'min')
  const [rotateSize, rotateSizeUnit] = inUnits(rotate.bytes, SIZE_UNITS, 'MB')
  return {
    match: rule.match,
    record: rule.record,
    additional: rule.additional,
    once: rule.once,
    enabled: rule.enabled,
    priority: String(rule.priority),
    format: request.format ?? '',
    name: request.name ?? '',
    ifExists: request.ifExists ?? USUAL_IF_EXISTS,
    rotateEvery,
    rotateEveryUnit,
    rotateSize,
    rotateSizeUnit,
    rotateAt: rotate.at ?? '',
    rotateCut: rotate.cut ?? 'keyframe',
    preRollSeconds: textOf(request.preRollSeconds),
    reconnectSeconds: textOf(request.reconnectSeconds),
    maxSeconds: textOf(request.maxSeconds),
  }
}

/** Fields of a rule's request the form has no control for; they stay as they are. */
export function otherRequestFields(request: RuleRequest): RuleRequest {
  const known: readonly string[] = KNOWN_REQUEST_FIELDS
  return Object.fromEntries(Object.entries(request).filter(([name]) => !known.includes(name)))
}

/** What was typed, as a rule; or what is not a number. Everything else is the server's to judge. */
export function readDraft(draft: RuleDraft, before: RuleFields = NEW_RULE): RuleFields | RuleProblems {
  const problems = new Map<RuleField, string>()
  const number = (field: RuleField, text: string, unit = 1) => {
    if (text.trim() === '') return undefined
    const value = Number(text.trim().replace(',', '.')) * unit
    if (!Number.isFinite(value)) problems.set(field, 'must be a number')
    return Number(value.toFixed(3))
  }
  if (draft.match.trim() === '') problems.set('match', 'say which streams, e.g. live/*')
  const seconds = number('rotateEvery', draft.rotateEvery, TIME_UNITS[draft.rotateEveryUnit])
  const bytes = number('rotateSize', draft.rotateSize, SIZE_UNITS[draft.rotateSizeUnit])
  const rotate = given({
    seconds,
    bytes: bytes === undefined ? undefined : Math.round(bytes),
    at: textIn(draft.rotateAt),
    cut: draft.rotateCut === 'exact' ? ('exact' as const) : undefined,
  })
  const request = {
    ...otherRequestFields(before.request),
    ...given({
      format: textIn(draft.format),
      name: textIn(draft.name),
      ifExists:
        draft.ifExists === (before.request.ifExists ?? USUAL_IF_EXISTS) ? before.request.ifExists : draft.ifExists,
      rotate: Object.keys(rotate).length === 0 ? undefined : rotate,
      preRollSeconds: number('preRollSeconds', draft.preRollSeconds),
      reconnectSeconds: number('reconnectSeconds', draft.reconnectSeconds),
      maxSeconds: number('maxSeconds', draft.maxSeconds),
    }),
  }
  const rule: RuleFields = {
    match: draft.match.trim(),
    record: draft.record,
    additional: draft.additional && draft.record !== 'never',
    once: draft.once && draft.record === 'always',
    enabled: draft.enabled,
    priority: number('priority', draft.priority) ?? 0,
    request,
  }
  return problems.size > 0 ? problems : rule
}

/** The fields that differ: all that a change has to send, and all that a new rule has to say. */
export function changesOf(rule: RuleFields, before: RuleFields = NEW_RULE): Partial<RuleFields> {
  const names = Object.keys(NEW_RULE) as (keyof RuleFields)[]
  return Object.fromEntries(
    names.filter((name) => canonical(rule[name]) !== canonical(before[name])).map((name) => [name, rule[name]]),
  )
}

/** A rule of the list, when it is there. */
export function findRule(rules: readonly RuleDocument[] | undefined, id: string): RuleDocument | undefined {
  return rules?.find((rule) => rule.id === id)
}

function inUnits<Unit extends string>(
  value: number | undefined,
  units: Readonly<Record<Unit, number>>,
  usual: Unit,
): [string, Unit] {
  if (value === undefined || value === 0) return ['', usual]
  const entries = Object.entries(units) as [Unit, number][]
  const [unit, factor] = entries.find(([, size]) => value % size === 0) ?? entries.at(-1) ?? [usual, 1]
  return [String(value / factor), unit]
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

function textIn(text: string): string | undefined {
  return text.trim() === '' ? undefined : text.trim()
}

/** Without what is undefined. */
function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>
  }
}

/** JSON whose keys are in order, so that equal values give equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
