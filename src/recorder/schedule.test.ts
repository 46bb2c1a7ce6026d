import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSchedule, Schedule } from './schedule.ts'

/** Every moment of a schedule from one time to another, as ISO 8601 without the seconds. */
function moments(expression: string, timeZone: string, from: string, to: string): string[] {
  let nowMs = Date.parse(from)
  const schedule = new Schedule(expression, timeZone, nowMs)
  const found: string[] = []
  for (;;) {
    nowMs += schedule.dueInMs(nowMs)
    if (nowMs > Date.parse(to)) return found
    found.push(new Date(nowMs).toISOString().slice(0, 16))
    schedule.restart(nowMs)
  }
}

const CASES = [
  {
    name: 'every hour while the clocks go back: both of the hour that comes twice',
    expression: '0 * * * *',
    timeZone: 'Europe/Berlin',
    from: '2026-10-24T23:30:00Z',
    to: '2026-10-25T03:30:00Z',
    at: ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00', '2026-10-25T03:00'],
  },
  {
    name: 'in the hour that comes twice: once',
    expression: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    from: '2026-10-24T12:00:00Z',
    to: '2026-10-26T12:00:00Z',
    at: ['2026-10-25T00:30', '2026-10-26T01:30'],
  },
  {
    name: 'every hour while the clocks go forward',
    expression: '0 * * * *',
    timeZone: 'Europe/Berlin',
    from: '2026-03-28T23:30:00Z',
    to: '2026-03-29T02:30:00Z',
    at: ['2026-03-29T00:00', '2026-03-29T01:00', '2026-03-29T02:00'],
  },
  {
    name: 'in the hour that is missing: right after it',
    expression: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    from: '2026-03-28T12:00:00Z',
    to: '2026-03-30T12:00:00Z',
    at: ['2026-03-29T01:00', '2026-03-30T00:30'],
  },
  {
    name: 'at midnight, local time, where the clocks move by half an hour',
    expression: '0 0 * * *',
    timeZone: 'Australia/Lord_Howe',
    from: '2026-04-04T00:00:00Z',
    to: '2026-04-06T00:00:00Z',
    at: ['2026-04-04T13:00', '2026-04-05T13:30'],
  },
  {
    name: 'six fields begin with the second',
    expression: '30 */5 * * * *',
    timeZone: 'UTC',
    from: '2026-04-04T00:00:31Z',
    to: '2026-04-04T00:12:00Z',
    at: ['2026-04-04T00:05', '2026-04-04T00:10'],
  },
]
for (const { name, expression, timeZone, from, to, at } of CASES) {
  test(name, () => assert.deepEqual(moments(expression, timeZone, from, to), at))
}

test('a clock that is set ahead makes it due, and one that is set back does not put it off', () => {
  const hourMs = 3_600_000
  const nowMs = Date.parse('2026-11-20T10:30:00Z')
  const schedule = new Schedule('0 * * * *', 'UTC', nowMs)
  assert.equal(schedule.dueInMs(nowMs + 5 * hourMs), -4.5 * hourMs)
  schedule.restart(nowMs + 5 * hourMs)
  assert.equal(schedule.dueInMs(nowMs), 0.5 * hourMs)
})

for (const expression of [
  '',
  '* * * *',
  '61 * * * *',
  '@daily',
  '0 0 31 2 *',
  '* * * * * * *',
  '2026-01-01T00:00:00',
]) {
  test(`no cron expression: ${JSON.stringify(expression)}`, () => {
    assert.throws(() => checkSchedule(expression), { code: 'recorder/request-invalid', field: 'rotate.at' })
  })
}
