import type { AccessPolicy } from '../config.ts'
import { showFound } from '../problem.ts'
import { isHttpUrl } from './http-url.ts'
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
