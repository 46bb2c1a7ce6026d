import type { FastifySchemaCompiler } from 'fastify'
import { type Static, type TArrayOptions, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type InputProblem, InvalidRequestError } from './errors.ts'

/** Problems listed in one answer. */
const MAX_PROBLEMS = 20

/** How each part of a request is called in problems. */
const PART_NAMES: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
}

type TypeboxError = ReturnType<ReturnType<typeof Compile>['Errors']>[number]

/**
 * Checks requests against their typebox schemas. Texts of the query and the path are converted to the type asked for;
 * a body is taken as it is: "10" is no number there, and unknown fields are refused instead of ignored.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  const part = PART_NAMES[httpPart ?? 'body'] ?? 'body'
  return (input: unknown) => {
    const value = part === 'body' ? input : convertTexts(schema, input)
    if (validator.Check(value)) return { value }
    return { error: new InvalidRequestError(describe(part, schema, value, validator.Errors(value))) }
  }
}

/** Texts of the query or path as the numbers and booleans asked for; what does not look like one stays, to be refused. */
function convertTexts(schema: TSchema, input: unknown): unknown {
  const properties = fieldOf(schema, 'properties')
  return Object.fromEntries(
    Object.entries(input ?? {}).map(([name, value]) => [
      name,
      convertText(fieldOf(fieldOf(properties, name), 'type'), value),
    ]),
  )
}

function convertText(type: unknown, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  if (type === 'boolean' && ['true', '1', ''].includes(value)) return true
  if (type === 'boolean' && ['false', '0'].includes(value)) return false
  return value
}

function describe(part: string, schema: TSchema, value: unknown, errors: readonly TypeboxError[]): InputProblem[] {
  if (part === 'body' && value === undefined) return [{ field: 'body', message: 'is missing: send a JSON object' }]
  // typebox reports an unknown field twice: as a false schema at the field, and as additionalProperties of its parent.
  const problems = errors
    .filter(({ keyword }) => keyword !== 'boolean')
    .flatMap((error) => problemsOf(part, schema, error))
  return problems.slice(0, MAX_PROBLEMS)
}

function problemsOf(part: string, schema: TSchema, error: TypeboxError): InputProblem[] {
  const field = [part, ...error.instancePath.split('/').slice(1).map(unescapePointer)].join('.')
  switch (error.keyword) {
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => {
        const known = knownFields(schema, error.schemaPath)
        return {
          field: `${field}.${name}`,
          message: known === '' ? 'is not known' : `is not known; known are ${known}`,
        }
      })
    case 'required':
      return error.params.requiredProperties.map((name) => ({ field: `${field}.${name}`, message: 'is missing' }))
    case 'enum':
      return [
        {
          field,
          message: `must be one of ${error.params.allowedValues.map((value) => JSON.stringify(value)).join(', ')}`,
        },
      ]
    case 'type':
      return [{ field, message: `must be of type ${String(error.params.type)}` }]
    case 'pattern':
      return [{ field, message: `must be ${describedAt(schema, error.schemaPath) ?? error.params.pattern}` }]
    default:
      return [{ field, message: error.message }]
  }
}

/** Names the schema at a JSON pointer like `#/properties/rotate` allows. */
function knownFields(schema: TSchema, pointer: string): string {
  const properties = fieldOf(schemaAt(schema, pointer), 'properties')
  return properties !== null && typeof properties === 'object' ? Object.keys(properties).join(', ') : ''
}

/** A pattern in words: nobody reads a regular expression at night. */
function describedAt(schema: TSchema, pointer: string): string | undefined {
  const description = fieldOf(schemaAt(schema, pointer), 'description')
  return typeof description === 'string' ? description : undefined
}

function schemaAt(schema: TSchema, pointer: string): unknown {
  let at: unknown = schema
  for (const step of pointer.split('/').slice(1).map(unescapePointer)) at = fieldOf(at, step)
  return at
}

function fieldOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** A string of a closed list, written as JSON Schema's `enum`: it reads better in the document than a union. */
export function oneOf<const Text extends string>(values: readonly Text[], description?: string) {
  return Type.Unsafe<Text>({ type: 'string', enum: [...values], ...(description === undefined ? {} : { description }) })
}

/** An array nobody changes, as our documents hold them; typebox's own type is a mutable one. */
export function listOf<Item extends TSchema>(item: Item, options: TArrayOptions = {}) {
  return Type.Unsafe<readonly Static<Item>[]>(Type.Array(item, options))
}

/** An answer without a body. */
export function noContent(description: string) {
  return Type.Unsafe<undefined>({ type: 'null', description })
}
