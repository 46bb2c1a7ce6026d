import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogLimit } from './log-limit.ts'

test('the first is reported at once, the rest once a second with their number', () => {
  let nowMs = 0
  const reports: [string, number][] = []
  const limit = new LogLimit<string>(
    () => nowMs,
    (detail, occurrences) => reports.push([detail, occurrences]),
  )
  limit.occurred('a')
  for (let i = 0; i < 99; i++) limit.occurred('b')
  nowMs = 1_000
  limit.occurred('c')
  assert.deepEqual(reports, [
    ['a', 1],
    ['c', 100],
  ])
})
