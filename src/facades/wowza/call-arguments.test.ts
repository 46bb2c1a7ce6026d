import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AmfValue } from '#media/flv/amf-value.ts'
import { readCallArguments } from './call-arguments.ts'

const cmd2 = { format: 'flv', append: true }
const cmd = { streamName: 'x', cmd2 }

/** The forms of rtmp-recording.md §4. */
const FORMS: readonly { readonly name: string; readonly args: readonly AmfValue[]; readonly isBare?: true }[] = [
  { name: '(a) name and options', args: [null, 'x', cmd2] },
  { name: '(b) one object with cmd2', args: [null, cmd] },
  { name: '(c) name and object with cmd2', args: [null, 'x', cmd] },
  { name: '(d) object in the place of the command object', args: [cmd] },
  { name: '(e) cmd is NULL', args: [null, 'x', null], isBare: true },
  { name: 'nothing but the name', args: [null, 'x'], isBare: true },
  { name: 'flat members, other case', args: [null, { StreamName: 'x', Format: 'flv', APPEND: true }] },
]
for (const { name, args, isBare = false } of FORMS) {
  test(`call arguments: ${name}`, () => {
    const { streamName, options } = readCallArguments(args)
    assert.equal(streamName, 'x')
    assert.deepEqual({ ...options }, isBare ? {} : cmd2)
  })
}

test('call arguments: no name at all, deep and odd values', () => {
  assert.deepEqual(readCallArguments([]), { streamName: undefined, options: {} })
  assert.equal(readCallArguments([null, 7, ['x'], new Date(0)]).streamName, undefined)
  const { options } = readCallArguments([null, { cmd2: { cmd2: { append: true } }, streamName: 7 }])
  assert.deepEqual({ ...options }, { append: true })
})
