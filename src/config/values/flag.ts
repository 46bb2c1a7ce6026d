import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** `true` or `false`. */
export const flag: ValueType<boolean> = {
  expected: 'true or false',
  text: 'yaml',
  read(found, path, report) {
    if (typeof found === 'boolean') return found
    report(path, showFound(found), 'expected true or false')
    return INVALID
  },
}
