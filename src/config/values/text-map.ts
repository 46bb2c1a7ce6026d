import { showFound } from '../problem.ts'
import { isMapping } from './record.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** Labels of the operator's own: any names, text values. */
export const textMap: ValueType<Readonly<Record<string, string>>> = {
  expected: 'a mapping of texts',
  text: 'yaml',
  read(found, path, report) {
    if (isMapping(found) && Object.values(found).every((value) => typeof value === 'string')) {
      return found as Readonly<Record<string, string>>
    }
    report(path, showFound(found), 'expected a mapping of texts')
    return INVALID
  },
}
