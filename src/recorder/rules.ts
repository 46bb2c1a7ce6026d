import { compilePathPattern, type PathPattern } from '#hub/path-pattern.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { RuleNotFoundError, RuleReadOnlyError } from './errors.ts'

interface CompiledRule {
  readonly row: RuleRow
  readonly pattern: PathPattern
}

/** The rules that start recordings by themselves: highest priority first, then configuration before API, then age. */
export class Rules {
  #rules: readonly CompiledRule[] = []

  constructor(rows: Iterable<RuleRow>) {
    for (const row of rows) this.set(row)
  }

  list(): readonly RuleRow[] {
    return this.#rules.map(({ row }) => row)
  }

  /** The first enabled rule for a stream path. */
  match(path: string): RuleRow | undefined {
    return this.#rules.find(({ row, pattern }) => row.enabled && pattern.matches(path))?.row
  }

  /** Adds or replaces a rule. @throws PathPatternError of hub/path-pattern.ts */
  set(row: RuleRow): void {
    const others = this.#rules.filter((rule) => rule.row.id !== row.id)
    this.#rules = [...others, { row, pattern: compilePathPattern(row.match) }].sort(compare)
  }

  /** @throws {RuleNotFoundError} @throws {RuleReadOnlyError} */
  changeable(id: string): RuleRow {
    const rule = this.#rules.find(({ row }) => row.id === id)
    if (rule === undefined) throw new RuleNotFoundError(id)
    if (rule.row.origin === 'config') throw new RuleReadOnlyError(id)
    return rule.row
  }

  delete(id: string): void {
    this.#rules = this.#rules.filter(({ row }) => row.id !== id)
  }
}

function compare(a: CompiledRule, b: CompiledRule): number {
  if (a.row.priority !== b.row.priority) return b.row.priority - a.row.priority
  if (a.row.origin !== b.row.origin) return a.row.origin === 'config' ? -1 : 1
  return a.row.id < b.row.id ? -1 : 1
}
