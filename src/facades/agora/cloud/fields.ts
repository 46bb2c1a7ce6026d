import { invalidParameter } from './errors.ts'

/** Fields of a JSON object as they came. */
export type Fields = Readonly<Record<string, unknown>>

/** Reads the fields of one call's body, and says in the vendor's words what is wrong with them. */
export class FieldReader {
  readonly #call: string
  readonly #path: string
  readonly #fields: Fields

  /** @throws {CloudRefusedError} it is no object */
  constructor(call: string, value: unknown, path = '') {
    this.#call = call
    this.#path = path
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidParameter(call, `invalid ${path === '' ? 'body' : path}: expected a JSON object`)
    }
    this.#fields = value as Fields
  }

  /** An object within; undefined: it is not there. @throws {CloudRefusedError} */
  object(name: string): FieldReader | undefined {
    const value = this.#fields[name]
    return value === undefined ? undefined : new FieldReader(this.#call, value, this.#nameOf(name))
  }

  /** An object within that may be left out. @throws {CloudRefusedError} */
  objectOrEmpty(name: string): FieldReader {
    return this.object(name) ?? new FieldReader(this.#call, {}, this.#nameOf(name))
  }

  /** @throws {CloudRefusedError} */
  objects(name: string): readonly FieldReader[] {
    const value = this.#fields[name]
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.refuse(name, 'expected an array')
    return value.map((each: unknown) => new FieldReader(this.#call, each, this.#nameOf(name)))
  }

  /** A whole number. @throws {CloudRefusedError} */
  whole<Fallback>(name: string, fallback: Fallback, range: { readonly min: number; readonly max: number }) {
    const value = this.#fields[name]
    if (value === undefined) return fallback
    const { min, max } = range
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw this.refuse(name, `expected a whole number from ${min} to ${max}`)
    }
    return value
  }

  /** @throws {CloudRefusedError} */
  text(name: string, maxCharacters: number): string | undefined {
    const value = this.#fields[name]
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value.length > maxCharacters) {
      throw this.refuse(name, `expected text of at most ${maxCharacters} characters`)
    }
    return value
  }

  /** @throws {CloudRefusedError} */
  texts(name: string, limit: { readonly items: number; readonly characters: number }): readonly string[] | undefined {
    const value: unknown = this.#fields[name]
    if (value === undefined) return undefined
    const { items, characters } = limit
    const isText = (each: unknown): each is string => typeof each === 'string' && each.length <= characters
    if (!Array.isArray(value) || value.length > items || !value.every(isText)) {
      throw this.refuse(name, `expected at most ${items} texts of at most ${characters} characters`)
    }
    return value
  }

  /** @throws {CloudRefusedError} */
  flag(name: string): boolean {
    const value = this.#fields[name]
    if (value !== undefined && typeof value !== 'boolean') throw this.refuse(name, 'expected true or false')
    return value === true
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined
  }

  /** What to throw when a field can't be. */
  refuse(name: string, reason: string): Error {
    return invalidParameter(this.#call, `invalid ${this.#nameOf(name)} value: ${reason}`)
  }

  #nameOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}
