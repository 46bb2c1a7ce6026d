import type { CommandLine, ParameterValue } from './command-line.ts'
import { EvoCommandError } from './errors.ts'
import type { Value } from './values.ts'

/** Decimal without leading zeros, sign or anything after it. */
const CANONICAL_INTEGER = /^(?:0|[1-9]\d*)$/

/** The parameters of one command: names in any case, errors with the names as documented. */
export class Parameters {
  readonly #values = new Map<string, { readonly name: string; readonly value: ParameterValue }>()

  constructor(parameters: CommandLine['parameters']) {
    for (const [name, value] of parameters) this.#values.set(name.toLowerCase(), { name, value })
  }

  get size(): number {
    return this.#values.size
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  /** Undefined when it is missing or empty. @throws {EvoCommandError} it is a list */
  text(name: string): string | undefined {
    const value = this.#values.get(name.toLowerCase())?.value
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw invalid(name)
    return value
  }

  /** @throws {EvoCommandError} missing, empty, or a list */
  requiredText(name: string): string {
    const text = this.text(name)
    if (text === undefined) throw invalid(name)
    return text
  }

  /** @throws {EvoCommandError} not canonical decimal, or out of range */
  integer(name: string, missing: number, min: number, max: number): number {
    const value = this.#values.get(name.toLowerCase())?.value
    if (value === undefined) return missing
    if (typeof value !== 'string' || !CANONICAL_INTEGER.test(value)) throw invalid(name)
    const number = Number(value)
    if (number < min || number > max) {
      throw new EvoCommandError(`Syntax error. Parameter ${name} is invalid. Range: ${min} - ${max}`)
    }
    return number
  }

  /** Undefined when it is missing. Every number but zero is true, and so is the word. */
  flag(name: string): boolean | undefined {
    const value = this.#values.get(name.toLowerCase())?.value
    if (value === undefined) return undefined
    if (typeof value !== 'string') return false
    return /^true$/i.test(value) || (Number.parseInt(value, 10) || 0) !== 0
  }

  /** Parameters of the caller's own, which begin with `_`, as spelled. */
  variables(): Readonly<Record<string, Value>> {
    const variables: Record<string, Value> = Object.create(null)
    for (const { name, value } of this.#values.values()) if (name.startsWith('_')) variables[name] = value
    return variables
  }

  /** All of them as spelled, for events. */
  toValue(): Value {
    return Object.fromEntries([...this.#values.values()].map(({ name, value }) => [name, value]))
  }
}

function invalid(name: string): EvoCommandError {
  return new EvoCommandError(`Syntax error. Parameter ${name} is invalid`)
}
