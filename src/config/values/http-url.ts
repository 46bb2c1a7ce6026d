import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A whole address of a web server, as it was written. */
export const httpUrl: ValueType<string> = {
  expected: 'an address such as https://example.org/hook',
  text: 'plain',
  read(found, path, report) {
    if (isHttpUrl(found)) return found
    report(path, showFound(found), `expected ${this.expected}`)
    return INVALID
  },
}

/** Whether it is a whole `http:` or `https:` address. */
export function isHttpUrl(found: unknown): found is string {
  if (typeof found !== 'string' || !URL.canParse(found)) return false
  const { protocol } = new URL(found)
  return protocol === 'http:' || protocol === 'https:'
}
