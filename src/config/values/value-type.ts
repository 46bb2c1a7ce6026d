/** Marks a value that was reported and can't be used. */
export const INVALID: unique symbol = Symbol('invalid')
export type Invalid = typeof INVALID

/** Takes note of a problem at a path; the loader adds where it stands. */
export type Report = (path: string, found: string, expected: string) => void

/** How one kind of configuration value is read. One file per kind. */
export interface ValueType<Value> {
  /** What would be right, for messages and the reference: `a size such as 512MiB`. */
  readonly expected: string
  /**
   * Environment variables and flags are text. `plain`: the type reads text itself. `yaml`: it is parsed as YAML first.
   * `plain-or-list`: parsed as YAML when it begins like a list, so that folder names need no quoting.
   */
  readonly text: 'plain' | 'yaml' | 'plain-or-list'
  /** Reports whatever is wrong and then gives INVALID; it never throws. */
  read(found: unknown, path: string, report: Report): Value | Invalid
}
