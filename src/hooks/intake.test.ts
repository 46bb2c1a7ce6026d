import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newUlid } from '#base/id.ts'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { testConfig } from '#test/support/test-config.ts'
import { hooksOf } from './hook.ts'
import { Intake } from './intake.ts'
import { OutboxFailedError } from './outbox/errors.ts'
import type { StoredEvent } from './outbox/stored.ts'

const HOOKS = hooksOf({
  ...testConfig('').hooks,
  exec: [
    { name: 'script', match: '**', command: '/x', args: [], events: ['part.ready'], timeoutMs: 1, concurrency: 1 },
  ],
  webhooks: [{ name: 'desk', match: '**', url: 'http://x/', events: ['part.ready'], timeoutMs: 1, concurrency: 1 }],
})
const runtime = {
  nowMs: Date.now,
  monotonicMs: () => performance.now(),
  newId: () => newUlid(Date.now()),
  log: SILENT_LOGGER,
}

/** An intake over an outbox that takes nothing until told so. */
function open() {
  const outbox = { isFull: true, stored: [] as StoredEvent[] }
  const unstored: string[] = []
  const intake = new Intake({
    outbox: {
      async store(events) {
        await sleep(1)
        if (outbox.isFull) throw new OutboxFailedError('/x', 'database or disk is full')
        outbox.stored.push(...events)
        return {}
      },
    },
    hooks: HOOKS,
    runtime,
    onStored: () => {},
    runUnstored: ({ id }, { hook }) => void unstored.push(`${hook} ${id}`),
    onRefused: () => {},
  })
  const take = (id: string, json = '{}') =>
    intake.take({ id, type: 'part.ready', stream: 'live/cam1', recording: 'r1', part: 1, json })
  return { intake, outbox, unstored, take }
}

test('while the disk takes nothing scripts run all the same, once, and the rest is stored in order when it does', async () => {
  const { intake, outbox, unstored, take } = open()
  using _ = intake
  take('a')
  take('b')
  await intake.settled()
  take('c')
  await intake.settled()
  assert.deepEqual(unstored, ['script a', 'script b', 'script c'])
  assert.equal(outbox.stored.length, 0)
  outbox.isFull = false
  take('d')
  await intake.settled()
  assert.deepEqual(
    outbox.stored.map(({ id, deliveries }) => [id, ...deliveries.map(({ hook }) => hook)]),
    [
      ['a', 'desk'],
      ['b', 'desk'],
      ['c', 'desk'],
      ['d', 'script', 'desk'],
    ],
  )
  assert.deepEqual(unstored.length, 3)
})

test('it is tried again without anything happening', async () => {
  const { intake, outbox, take } = open()
  using _ = intake
  take('a')
  await intake.settled()
  outbox.isFull = false
  for (let i = 0; i < 300 && outbox.stored.length === 0; i++) await sleep(10)
  assert.deepEqual(
    outbox.stored.map(({ id }) => id),
    ['a'],
  )
})

test('what waits in memory is bounded, in bytes as well', async () => {
  const { intake, outbox, take } = open()
  using _ = intake
  for (let i = 0; i < 12_000; i++) take(`n${i}`)
  await intake.settled()
  for (let i = 0; i < 100; i++) take(`large${i}`, 'x'.repeat(1024 * 1024))
  await intake.settled()
  outbox.isFull = false
  take('last')
  await intake.settled()
  assert.ok(outbox.stored.length > 1 && outbox.stored.length <= 33, `${outbox.stored.length}`)
  assert.equal(outbox.stored.at(-1)?.id, 'last')
})
