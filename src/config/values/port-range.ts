import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** Ports from the first to the last, both included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** A range of ports with room for at least one pair, or '' when there is to be none. */
export const optionalPortRange: ValueType<PortRange | undefined> = {
  expected: "a range of ports such as 20000-29999; or '' (off)",
  text: 'plain',
  read(found, path, report) {
    if (found === '' || found === null) return undefined
    const [, first, last] = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(typeof found === 'string' ? found : '') ?? []
    const range = { first: Number(first), last: Number(last) }
    // A pair begins at an even port: three ports have one for sure.
    if (range.first >= 1024 && range.last <= 65_535 && range.last - range.first >= 2) return range
    report(path, showFound(found), `expected ${this.expected}, from 1024 to 65535`)
    return INVALID
  },
}
