import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingDocument } from '#test/support/dashboard/documents.ts'
import { partSample } from '#test/support/recording-sample.ts'
import { afterTold } from './told-recording.ts'

const part = (index: number, bytes = 1) => partSample({ index, bytes })

test('an event about one part changes and adds that part, and takes none away', () => {
  const known = recordingDocument({ id: 'a', parts: [part(1), part(2)] })
  const told = (changed: ReturnType<typeof part>, partCount: number) =>
    afterTold(known, { ...known, bytes: 7, parts: [changed], partCount })
  assert.deepEqual(told(part(2, 9), 2), { ...known, bytes: 7, parts: [part(1), part(2, 9)] })
  assert.deepEqual(told(part(3), 3), { ...known, bytes: 7, parts: [part(1), part(2), part(3)] })
})

test('an event with all parts, and what nothing is known of, are taken as they are', () => {
  const known = recordingDocument({ id: 'a', parts: [part(1), part(2)] })
  const whole = { ...known, parts: [part(1)] }
  assert.deepEqual(afterTold(known, { ...whole, partCount: 1 }), whole)
  assert.deepEqual(afterTold(known, whole), whole)
  assert.deepEqual(afterTold(undefined, { ...whole, partCount: 4 }), whole)
})
