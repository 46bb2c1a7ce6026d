import { RestBodyError } from './errors.ts'
import { parseRotation, ROTATION_EXPECTED, type Rotation } from './rotation.ts'

/** A REST body: one JSON object, whatever Content-Type it came with; nothing at all is an empty one. */
export class RestBody {
  readonly #fields: Readonly<Record<string, unknown>>

  private constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields
  }

  /** @throws {RestBodyError} */
  static parse(bytes: Uint8Array | undefined): RestBody {
    const text = bytes === undefined ? '' : new TextDecoder().decode(bytes)
    if (text.trim() === '') return new RestBody({})
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw new RestBodyError('the body is not JSON')
    }
    return new RestBody(fieldsOf(value, 'the body'))
  }

  /** @throws {RestBodyError} absent, empty or no text */
  text(name: string): string {
    const value = this.optionalText(name)
    if (value === undefined || value === '') throw new RestBodyError(`${name} is missing`)
    return value
  }

  /** @throws {RestBodyError} no text */
  optionalText(name: string): string | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw new RestBodyError(`${name} has to be text`)
    return value
  }

  /** @throws {RestBodyError} neither true nor false */
  optionalFlag(name: string): boolean | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'boolean') throw new RestBodyError(`${name} has to be true or false`)
    return value
  }

  /** Undefined when absent. @throws {RestBodyError} no list of texts */
  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.#fields[name]
    if (value === undefined || value === null) return undefined
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
      throw new RestBodyError(`${name} has to be a list of texts`)
    }
    return value
  }

  /** The fields present of those that a stream can be found by. */
  filter(names: readonly string[]): Readonly<Record<string, unknown>> {
    const present = names.filter((name) => this.#fields[name] !== undefined && this.#fields[name] !== null)
    return Object.fromEntries(present.map((name) => [name, this.#fields[name]]))
  }

  /** What `config` says about one record; undefined without it. @throws {RestBodyError} */
  recordConfig(): { readonly template?: string; readonly rotation?: Rotation } | undefined {
    const found = this.#fields['config']
    if (found === undefined || found === null) return undefined
    const config = new RestBody(fieldsOf(found, 'config'))
    const template = config.optionalText('fileTemplate')
    const rotation = config.#rotation()
    return { ...(template !== undefined && { template }), ...(rotation !== undefined && { rotation }) }
  }

  /** As in the settings; a number is as good as its text. */
  #rotation(): Rotation | undefined {
    const found = this.#fields['rotation']
    if (found === undefined || found === null) return undefined
    const rotation = typeof found === 'string' || typeof found === 'number' ? parseRotation(String(found)) : undefined
    if (rotation === undefined) throw new RestBodyError(`config.rotation has to be ${ROTATION_EXPECTED}`)
    return rotation
  }
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new RestBodyError(`${what} has to be a JSON object`)
}
