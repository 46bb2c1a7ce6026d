import assert from 'node:assert/strict'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** The value, known to have the form a schema promises. */
export function assertMatches<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  const validator = Compile(schema)
  assert.deepEqual(validator.Errors(value), [])
  return value as Static<Schema>
}
