import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NAME_ELEMENTS as KNOWN } from '../../../src/recorder/name-elements.ts'
import { NAME_ELEMENTS } from './name-elements.ts'

test('the form offers only elements that the server knows', () => {
  assert.deepEqual(
    NAME_ELEMENTS.filter(({ name }) => !Object.hasOwn(KNOWN, name)),
    [],
  )
})
