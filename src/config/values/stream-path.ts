import { errorMessage } from '#base/error.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** The path of one stream. */
export const streamPath: ValueType<string> = {
  expected: 'a stream path such as live/gate',
  text: 'plain',
  read(found, path, report) {
    if (typeof found !== 'string' || found === '') {
      report(path, showFound(found), `expected ${this.expected}`)
      return INVALID
    }
    try {
      return normalizeStreamPath(found)
    } catch (error) {
      report(path, showFound(found), errorMessage(error))
      return INVALID
    }
  },
}
