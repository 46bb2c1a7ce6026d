import { showFound } from '#config/problem.ts'
import { isMapping } from '#config/values/record.ts'
import { INVALID, type ValueType } from '#config/values/value-type.ts'

/** Properties in YAML: `openvidu.recording: true` is as good as a text. */
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
