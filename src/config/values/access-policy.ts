import type { AccessPolicy } from '../config.ts'
import { showFound } from '../problem.ts'
import { isMapping } from './record.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** Who may publish or play: everybody on this machine, whoever has a key, or whom the operator's HTTP endpoint admits. */
export const accessPolicy: ValueType<AccessPolicy> = {
  expected: 'open, key, or { http: URL }',
  text: 'yaml',
  read(found, path, report) {
    if (found === 'open' || found === 'key') return found
    if (isMapping(found) && Object.keys(found).length === 1 && isHttpUrl(found['http'])) return { http: found['http'] }
    report(path, showFound(found), `expected ${this.expected}`)
    return INVALID
  },
}

function isHttpUrl(found: unknown): found is string {
  if (typeof found !== 'string' || !URL.canParse(found)) return false
  const { protocol } = new URL(found)
  return protocol === 'http:' || protocol === 'https:'
}
