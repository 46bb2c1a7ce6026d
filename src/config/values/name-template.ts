import { errorMessage } from '#base/error.ts'
import { parseNameTemplate } from '#recorder/name-template.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A template of recording names. */
export const nameTemplate: ValueType<string> = {
  expected: 'a name template such as {app}/{stream}/{date}-{time}',
  text: 'plain',
  read(found, path, report) {
    if (typeof found !== 'string') {
      report(path, showFound(found), `expected ${this.expected}`)
      return INVALID
    }
    try {
      parseNameTemplate(found)
      return found
    } catch (error) {
      report(path, showFound(found), errorMessage(error))
      return INVALID
    }
  },
}
