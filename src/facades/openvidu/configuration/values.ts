import type { PropertyProblem } from './errors.ts'
import { PROPERTIES, type PropertyName } from './property-names.ts'

/** Reads typed values from texts and collects what is wrong instead of throwing at the first. */
export class PropertyReader {
  readonly problems: PropertyProblem[] = []
  /** Dotted names that were used. */
  readonly oldNames: string[] = []
  readonly #texts: ReadonlyMap<string, string>

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts
  }

  /** Undefined: not given, or empty. The environment name wins. */
  text(name: PropertyName): string | undefined {
    const { env, dotted }: { env: string; dotted?: string } = PROPERTIES[name]
    const old = dotted === undefined ? undefined : this.#texts.get(dotted)?.trim()
    const text = this.#texts.get(env)?.trim() || old
    if (dotted !== undefined && old !== undefined && old !== '' && !this.oldNames.includes(dotted)) {
      this.oldNames.push(dotted)
    }
    return text === '' ? undefined : text
  }

  flag(name: PropertyName, byDefault: boolean): boolean {
    const text = this.text(name)
    if (text === undefined) return byDefault
    if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
    return this.#wrong(name, text, 'true or false', byDefault)
  }

  integer(name: PropertyName, byDefault: number, max: number): number {
    const text = this.text(name)
    if (text === undefined) return byDefault
    const value = Number(text)
    if (/^\d+$/.test(text) && value <= max) return value
    return this.#wrong(name, text, `a whole number from 0 to ${max}`, byDefault)
  }

  oneOf<Value extends string>(name: PropertyName, values: readonly Value[], byDefault: Value): Value {
    const text = this.text(name)
    if (text === undefined) return byDefault
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase())
    return found ?? this.#wrong(name, text, `one of ${values.join(', ')}`, byDefault)
  }

  /** A JSON array of texts; undefined when not given. */
  texts(name: PropertyName): readonly string[] | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    // As a .env file quotes it: OPENVIDU_WEBHOOK_EVENTS=["a",b] is met as well.
    const list = jsonTexts(text) ?? bareList(text)
    return list ?? this.#wrong(name, text, 'a JSON array of texts', undefined)
  }

  refuse(name: PropertyName, found: string, expected: string): void {
    this.#wrong(name, found, expected, undefined)
  }

  #wrong<Value>(name: PropertyName, found: string, expected: string, instead: Value): Value {
    const { env, dotted }: { env: string; dotted?: string } = PROPERTIES[name]
    const used = dotted !== undefined && this.#texts.has(dotted) && !this.#texts.has(env) ? dotted : env
    this.problems.push({ name: used, found, expected })
    return instead
  }
}

function jsonTexts(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  } catch {
    // The caller says what would be right.
  }
  return undefined
}

function bareList(text: string): readonly string[] | undefined {
  const [, inner] = /^\[([^"[\]{}]*)\]$/.exec(text) ?? []
  if (inner === undefined) return undefined
  return inner
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
