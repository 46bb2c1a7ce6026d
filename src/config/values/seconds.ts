import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A number of seconds within limits, fractions allowed; written as a number. */
export function seconds(limits: { min: number; max: number }): ValueType<number> {
  const expected = `a number of seconds from ${limits.min} to ${limits.max}`
  return {
    expected,
    text: 'yaml',
    read(found, path, report) {
      if (typeof found === 'number' && found >= limits.min && found <= limits.max) return found
      report(path, showFound(found), `expected ${expected}`)
      return INVALID
    },
  }
}
