import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** Any text, the empty one too unless `minLength` says otherwise. */
export function text(expected: string, options: { minLength?: number; pattern?: RegExp } = {}): ValueType<string> {
  return {
    expected,
    text: 'plain',
    read(found, path, report) {
      const fits =
        typeof found === 'string' && found.length >= (options.minLength ?? 0) && (options.pattern?.test(found) ?? true)
      if (fits) return found
      report(path, showFound(found), `expected ${expected}`)
      return INVALID
    },
  }
}
