import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A whole number within limits, written as a number. `unit` is said in messages: `milliseconds`. */
export function integer(limits: { min: number; max?: number; unit?: string; zeroMeans?: string }): ValueType<number> {
  const unit = limits.unit === undefined ? '' : ` of ${limits.unit}`
  const range = limits.max === undefined ? `at least ${limits.min}` : `from ${limits.min} to ${limits.max}`
  const zero = limits.zeroMeans === undefined ? '' : ` (0: ${limits.zeroMeans})`
  const expected = `a whole number${unit}, ${range}${zero}`
  return {
    expected,
    text: 'yaml',
    read(found, path, report) {
      const fits =
        typeof found === 'number' &&
        Number.isSafeInteger(found) &&
        found >= limits.min &&
        found <= (limits.max ?? Number.MAX_SAFE_INTEGER)
      if (fits) return found
      report(path, showFound(found), `expected ${expected}`)
      return INVALID
    },
  }
}
