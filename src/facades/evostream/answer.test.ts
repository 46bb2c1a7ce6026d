import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, formatAsciiAnswer, formatJsonAnswer, frameJsonAnswer } from './answer.ts'

const VERSION: Answer = {
  status: 'SUCCESS',
  description: 'Version',
  data: { buildNumber: '4491', banner: 'Tapedeck', parts: ['a', 'b'], inner: { deep: true } },
  responseId: '9',
}
const UNKNOWN: Answer = {
  status: 'FAIL',
  description: 'command x not known. Type help for list of commands',
  data: null,
}

test('JSON: the envelope, and what ends it', () => {
  assert.equal(
    formatJsonAnswer(UNKNOWN),
    '{"data":null,"description":"command x not known. Type help for list of commands","status":"FAIL"}\r\n\r\n',
  )
  assert.match(formatJsonAnswer(VERSION), /,"responseId":"9","status":"SUCCESS"\}\r\n\r\n$/)
})

test('JSON command line: the length of what follows comes first, unless that is switched off', () => {
  const answer = { ...UNKNOWN, description: 'ünbekannt' }
  const framed = frameJsonAnswer(answer, true)
  assert.equal(framed.readUInt32BE(), framed.length - 4)
  assert.equal(framed.subarray(4).toString(), formatJsonAnswer(answer))
  assert.equal(frameJsonAnswer(answer, false).toString(), formatJsonAnswer(answer))
})

test('ASCII: indented lines', () => {
  const lines = [
    'Command entered successfully!',
    'Version',
    '',
    '    banner: Tapedeck',
    '    buildNumber: 4491',
    '    inner: ',
    '      deep: true',
    '    parts: ',
    '      -- a',
    '      -- b',
    '',
    '',
  ]
  assert.equal(formatAsciiAnswer(VERSION), `${lines.join('\n\r')}\n`)
  assert.equal(
    formatAsciiAnswer(UNKNOWN),
    'Command failed!\n\rcommand x not known. Type help for list of commands\n\r\n\r',
  )
})
