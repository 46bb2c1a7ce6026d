import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RECORDING_STATES } from '#storage/recording-document.ts'
import { advance, isFinal, RecordingStateError } from './state.ts'

const ALLOWED = new Set([
  'waiting -> recording',
  'waiting -> finishing',
  'waiting -> failed',
  'recording -> finishing',
  'recording -> failed',
  'finishing -> ready',
  'finishing -> failed',
])

for (const from of RECORDING_STATES) {
  for (const to of RECORDING_STATES) {
    const arc = `${from} -> ${to}`
    test(`${arc} is ${ALLOWED.has(arc) ? 'allowed' : 'refused'}`, () => {
      if (ALLOWED.has(arc)) assert.equal(advance(from, to), to)
      else assert.throws(() => advance(from, to), RecordingStateError)
    })
  }
}

test('only ready and failed are final', () => {
  assert.deepEqual(RECORDING_STATES.filter(isFinal), ['ready', 'failed'])
})
