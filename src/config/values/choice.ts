import { nearest } from '../nearest.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** One word of a list. */
export function choice<const Word extends string>(words: readonly Word[]): ValueType<Word> {
  const expected = `one of ${words.join(', ')}`
  return {
    expected,
    text: 'plain',
    read(found, path, report) {
      const word = words.find((each) => each === found)
      if (word !== undefined) return word
      const near = typeof found === 'string' ? nearest(found, words) : undefined
      report(path, showFound(found), `expected ${expected}${near === undefined ? '' : `; did you mean ${near}?`}`)
      return INVALID
    },
  }
}
