import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

/** A list; its members are read by `member`. */
export function list<Member>(member: ValueType<Member>, what: string): ValueType<readonly Member[]> {
  return {
    expected: `a list of ${what}`,
    text: 'yaml',
    read(found, path, report) {
      if (!Array.isArray(found)) {
        report(path, showFound(found), `expected ${this.expected}`)
        return INVALID
      }
      const members: Member[] = []
      let complete = true
      for (const [index, each] of found.entries()) {
        const read = member.read(each, `${path}[${index}]`, report)
        if (read === INVALID) complete = false
        else members.push(read)
      }
      return complete ? members : INVALID
    },
  }
}

/** One value, or a list of at least one. */
export function oneOrMore<Member>(member: ValueType<Member>, what: string): ValueType<readonly Member[]> {
  const many = list(member, what)
  return {
    expected: `${member.expected}, or a list of them`,
    text: 'plain-or-list',
    read(found, path, report) {
      if (!Array.isArray(found)) {
        const only = member.read(found, path, report)
        return only === INVALID ? INVALID : [only]
      }
      if (found.length > 0) return many.read(found, path, report)
      report(path, '[]', `expected ${this.expected}`)
      return INVALID
    },
  }
}
