import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Timers } from './timers.ts'

function makeTimers(t: TestContext, now: number) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now })
  const told: unknown[] = []
  const runtime = { nowMs: () => Date.now(), monotonicMs: () => Date.now(), newId: () => '', log: SILENT_LOGGER }
  const timers = new Timers(runtime, (type, { triggerCount }) => void told.push([type, triggerCount]))
  return { timers, told }
}

test('a timer of seconds comes again and again, until it is removed', (t) => {
  const { timers, told } = makeTimers(t, 0)
  assert.deepEqual(timers.add('10'), { timerId: 1, triggerCount: 0, value: 10 })
  for (const ms of [10_000, 10_000, 5_000]) t.mock.timers.tick(ms)
  assert.deepEqual(timers.list(), [{ timerId: 1, triggerCount: 2, value: 10 }])
  assert.deepEqual(timers.remove(1), { timerId: 1, triggerCount: 2, value: 10 })
  t.mock.timers.tick(60_000)
  assert.deepEqual(told, [
    ['timerCreated', 0],
    ['timerTriggered', 1],
    ['timerTriggered', 2],
    ['timerClosed', 2],
  ])
  assert.throws(() => timers.remove(1), { message: 'Timer 1 not found' })
})

test('a timer at a time comes once, at once if that is over', (t) => {
  const { timers, told } = makeTimers(t, new Date('2026-05-06T07:00:00').getTime())
  assert.deepEqual(timers.add('2026-06-30T07:30:00')['value'], '2026-06-30T07:30:00.000')
  assert.deepEqual(timers.add('07:30:00')['value'], '2026-05-06T07:30:00.000')
  timers.add('06:30:00')
  t.mock.timers.tick(0)
  assert.deepEqual(told.slice(3), [
    ['timerTriggered', 1],
    ['timerClosed', 1],
  ])
  t.mock.timers.tick(30 * 60_000)
  assert.equal(timers.list().length, 1)
  t.mock.timers.tick(90 * 86_400_000)
  assert.deepEqual(timers.list(), [])
})

test('values that are none, and too many timers', (t) => {
  const { timers } = makeTimers(t, 0)
  for (const value of ['0', '86400', '-1', 'x', '25:00:00', '2026-13-01T00:00:00', '10s']) {
    assert.throws(() => timers.add(value), { message: 'Syntax error. Parameter value is invalid' }, value)
  }
  for (let n = 0; n < 100; n++) timers.add('60')
  assert.throws(() => timers.add('60'), /Unable to enqueue timer/)
  timers[Symbol.dispose]()
})
