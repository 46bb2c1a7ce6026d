import { nearest } from '../nearest.ts'
import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

interface Field<Value> {
  readonly type: ValueType<Value>
  /** Absent: the field may be left out, and then is left out of the result too. */
  readonly fallback?: Value
  readonly required?: true
}

type FieldsOf<Fields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends Field<infer Value>
    ? Fields[Name] extends { required: true } | { fallback: unknown }
      ? Value
      : Value | undefined
    : never
}

/** True for a mapping: what YAML gives for `{ … }`. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A mapping with these fields and no others. */
export function record<const Fields extends Readonly<Record<string, Field<unknown>>>>(
  expected: string,
  fields: Fields,
): ValueType<FieldsOf<Fields>> {
  return {
    expected,
    text: 'yaml',
    read(found, path, report) {
      if (!isMapping(found)) {
        report(path, showFound(found), `expected ${expected}`)
        return INVALID
      }
      let complete = true
      for (const name of Object.keys(found)) {
        if (Object.hasOwn(fields, name)) continue
        const near = nearest(name, Object.keys(fields))
        const hint = near === undefined ? `known here: ${Object.keys(fields).join(', ')}` : `did you mean ${near}?`
        report(`${path}.${name}`, '', `is not a key; ${hint}`)
        complete = false
      }
      const values: Record<string, unknown> = {}
      for (const [name, field] of Object.entries(fields)) {
        if (!Object.hasOwn(found, name)) {
          if (field.required === true) {
            report(`${path}.${name}`, '', `is missing; expected ${field.type.expected}`)
            complete = false
          } else if (field.fallback !== undefined) values[name] = field.fallback
          continue
        }
        const value = field.type.read(found[name], `${path}.${name}`, report)
        if (value === INVALID) complete = false
        else values[name] = value
      }
      return complete ? (values as FieldsOf<Fields>) : INVALID
    },
  }
}
