import { errorMessage } from '#base/error.ts'
import { compilePathPattern } from '#hub/path-pattern.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A pattern over stream paths. */
export const pathPattern: ValueType<string> = {
  expected: 'a pattern over stream paths such as live/* or **',
  text: 'plain',
  read(found, path, report) {
    if (typeof found !== 'string' || found === '') {
      report(path, showFound(found), `expected ${this.expected}`)
      return INVALID
    }
    try {
      compilePathPattern(found)
      return found
    } catch (error) {
      report(path, showFound(found), errorMessage(error))
      return INVALID
    }
  },
}
