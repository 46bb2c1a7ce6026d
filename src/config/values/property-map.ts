import { showFound } from '../problem.ts'
import { isMapping } from './record.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** Properties as older systems have them, in YAML: `rotation: 20` is as good as `'20'`, and `record: false` as `'false'`. */
export const propertyMap: ValueType<Readonly<Record<string, string>>> = {
  expected: 'a mapping of texts, numbers and true or false',
  text: 'yaml',
  read(found, path, report) {
    const isFine = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value)
    if (isMapping(found) && Object.values(found).every(isFine)) {
      return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, String(value)]))
    }
    report(path, showFound(found), `expected ${this.expected}`)
    return INVALID
  },
}
