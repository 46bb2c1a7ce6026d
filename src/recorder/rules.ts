import { compilePathPattern, type PathPattern } from '#hub/path-pattern.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { RuleInvalidError, RuleNotFoundError, RuleReadOnlyError } from './errors.ts'

interface CompiledRule {
  readonly row: RuleRow
  readonly pattern: PathPattern
}

/** What the rules say about one stream. */
export interface Decision {
  /** Each of these records it, independently of the others; most important first. */
  readonly recordedBy: readonly RuleRow[]
  /** This one keeps everybody from recording it. */
  readonly refusedBy: RuleRow | undefined
}

/** All rules: highest priority first, then configuration before API, then age. */
export class Rules {
  #rules: readonly CompiledRule[] = []

  constructor(rows: Iterable<RuleRow>) {
    for (const row of rows) this.set(row)
  }

  list(): readonly RuleRow[] {
    return this.#rules.map(({ row }) => row)
  }

  /**
   * Asks the enabled rules that match. The first that is not additional decides; additional ones record besides,
   * whatever their priority, unless the deciding one says never.
   */
  decide(path: string): Decision {
    const recordedBy: RuleRow[] = []
    let isDecided = false
    for (const { row } of this.#matching(path)) {
      if (isDecided && !row.additional) continue
      if (!row.additional) isDecided = true
      if (row.record === 'never') return { recordedBy: [], refusedBy: row }
      if (row.record === 'always') recordedBy.push(row)
    }
    return { recordedBy, refusedBy: undefined }
  }

  /** How far back recordings of this stream may want to begin: the most any rule asks for, of those that match. */
  preRollSeconds(path: string): number {
    let seconds = 0
    for (const { row } of this.#matching(path)) {
      const wanted = row.request['preRollSeconds']
      if (typeof wanted === 'number' && wanted > seconds) seconds = wanted
    }
    return seconds
  }

  /** Adds or replaces a rule. @throws {PathPatternError} */
  set(row: RuleRow): void {
    const others = this.#rules.filter((rule) => rule.row.id !== row.id)
    this.#rules = [...others, { row, pattern: compilePathPattern(row.match) }].sort(compare)
  }

  /** Undefined when there is no such rule. */
  get(id: string): RuleRow | undefined {
    return this.#rules.find(({ row }) => row.id === id)?.row
  }

  /** @throws {RuleNotFoundError} @throws {RuleReadOnlyError} */
  changeable(id: string): RuleRow {
    const row = this.get(id)
    if (row === undefined) throw new RuleNotFoundError(id)
    if (row.origin === 'config') throw new RuleReadOnlyError(id)
    return row
  }

  delete(id: string): void {
    this.#rules = this.#rules.filter(({ row }) => row.id !== id)
  }

  #matching(path: string): readonly CompiledRule[] {
    return this.#rules.filter(({ row, pattern }) => row.enabled && pattern.matches(path))
  }
}

/** @throws {RuleInvalidError} its own fields contradict each other */
export function checkRule({ record, additional, once }: Pick<RuleRow, 'record' | 'additional' | 'once'>): void {
  if (additional && record === 'never') {
    throw new RuleInvalidError('says never and is additional: only a rule that decides can keep others from recording')
  }
  if (once && record !== 'always') {
    throw new RuleInvalidError(`says once and ${record}: only a rule that records by itself is ever over`)
  }
}

function compare(a: CompiledRule, b: CompiledRule): number {
  if (a.row.priority !== b.row.priority) return b.row.priority - a.row.priority
  if (a.row.origin !== b.row.origin) return a.row.origin === 'config' ? -1 : 1
  return a.row.id < b.row.id ? -1 : 1
}
