import { isMapping } from '#config/values/record.ts'

/** What a client sent, of which nothing is believed: every member is asked for as what it should be. */
export class Fields {
  readonly #members: Readonly<Record<string, unknown>>

  private constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members
  }

  /** Anything but an object is an empty one. */
  static of(value: unknown): Fields {
    return new Fields(isMapping(value) ? value : {})
  }

  /** Undefined: absent, no text, empty or longer. */
  text(name: string, maxCharacters: number): string | undefined {
    const value = this.#member(name)
    if (typeof value !== 'string' || value === '' || value.length > maxCharacters) return undefined
    // JSON has halves of characters, which no file name and no database keeps.
    return value.toWellFormed()
  }

  /** Absent and anything but true is false. */
  flag(name: string): boolean {
    return this.#member(name) === true
  }

  /** Of an object inside; empty when there is none. */
  of(name: string): Fields {
    return Fields.of(this.#member(name))
  }

  /** As it came, for an answer to whoever sent it. */
  get all(): Readonly<Record<string, unknown>> {
    return this.#members
  }

  /** As it came, for others to judge. */
  raw(name: string): unknown {
    return this.#member(name)
  }

  /** Names such as `constructor` are no members of what was sent. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? this.#members[name] : undefined
  }
}
