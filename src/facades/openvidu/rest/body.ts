import { VendorRequestError } from '../errors.ts'

/** A REST body: one JSON object. `null` and an empty text mean that a member is not given. spec section 3.1. */
export class Body {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #at: string

  private constructor(members: Readonly<Record<string, unknown>>, at: string) {
    this.#members = members
    this.#at = at
  }

  /** Nothing at all is an empty object, whatever Content-Type it came with. @throws {VendorRequestError} */
  static parse(bytes: unknown): Body {
    const text = bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : ''
    if (text.trim() === '') return new Body({}, '')
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw new VendorRequestError('the body is not JSON')
    }
    if (!isObject(value)) throw new VendorRequestError('the body has to be a JSON object')
    return new Body(value, '')
  }

  /** Undefined: not given. @throws {VendorRequestError} */
  text(name: string, maxCharacters = 10_000): string | undefined {
    const value = this.#given(name)
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw this.#wrong(name, 'a text')
    if (value.length > maxCharacters) throw this.#wrong(name, `a text of at most ${maxCharacters} characters`)
    return value
  }

  /** @throws {VendorRequestError} also when it is not given */
  requiredText(name: string): string {
    const text = this.text(name)
    if (text === undefined) throw new VendorRequestError(`${this.#at}${name} is missing`)
    return text
  }

  /** @throws {VendorRequestError} */
  flag(name: string): boolean | undefined {
    const value = this.#given(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.#wrong(name, 'true or false')
  }

  /** @throws {VendorRequestError} */
  integer(name: string): number | undefined {
    const value = this.#given(name)
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value
    throw this.#wrong(name, 'a whole number')
  }

  /** @throws {VendorRequestError} */
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = values.find((value) => value === text)
    if (found === undefined) throw this.#wrong(name, `one of ${values.join(', ')}`)
    return found
  }

  /** @throws {VendorRequestError} */
  object(name: string): Body | undefined {
    const value = this.#given(name)
    if (value === undefined) return undefined
    if (!isObject(value)) throw this.#wrong(name, 'an object')
    return new Body(value, `${this.#at}${name}.`)
  }

  /** @throws {VendorRequestError} */
  objects(name: string): readonly Body[] | undefined {
    const value = this.#given(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every(isObject)) throw this.#wrong(name, 'a list of objects')
    return value.map((each, index) => new Body(each, `${this.#at}${name}[${index}].`))
  }

  /** @throws {VendorRequestError} */
  texts(name: string): readonly string[] | undefined {
    const value = this.#given(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
      throw this.#wrong(name, 'a list of texts')
    }
    return value
  }

  /** The members as they came. */
  get members(): Readonly<Record<string, unknown>> {
    return this.#members
  }

  #given(name: string): unknown {
    return (Object.hasOwn(this.#members, name) ? this.#members[name] : undefined) ?? undefined
  }

  #wrong(name: string, expected: string): VendorRequestError {
    return new VendorRequestError(`${this.#at}${name} has to be ${expected}`)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
