import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError, UnreachableError } from '../api/problem.ts'
import { Followed } from './followed.ts'

/** Something followed whose answers, events and clock the case gives. */
function followed(ask: () => Promise<string>) {
  const onEvent = new Set<(type: string) => void>()
  const onResync = new Set<() => void>()
  const feed = {
    onEvent: (listener: (type: string) => void) => {
      onEvent.add(listener)
      return () => void onEvent.delete(listener)
    },
    onResync: (listener: () => void) => {
      onResync.add(listener)
      return () => void onResync.delete(listener)
    },
  }
  return {
    list: new Followed({ ask, feed, concerns: (type) => type.startsWith('rule.'), everyMs: 1_000 }),
    announce: (type: string) => {
      for (const listener of onEvent) listener(type)
    },
    resync: () => {
      for (const listener of onResync) listener()
    },
  }
}

/** Lets promises that are settled be heard of. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('asks while followed only, again for its events, and every so often', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let asked = 0
  const { list, announce, resync } = followed(async () => String(++asked))
  announce('rule.added')
  resync()
  t.mock.timers.tick(5_000)
  assert.equal(asked, 0)

  const unfollow = list.follow()
  await settle()
  assert.deepEqual([asked, list.state.value.value], [1, '1'])
  announce('part.ready')
  t.mock.timers.tick(500)
  await settle()
  assert.equal(asked, 1)
  announce('rule.added')
  announce('rule.changed')
  t.mock.timers.tick(200)
  await settle()
  assert.equal(asked, 2)
  t.mock.timers.tick(1_000)
  await settle()
  assert.equal(asked, 3)
  resync()
  await settle()
  assert.equal(asked, 4)

  unfollow()
  t.mock.timers.tick(10_000)
  announce('rule.added')
  t.mock.timers.tick(10_000)
  assert.equal(asked, 4)
  assert.equal(list.state.value.value, '4') // shown at once when come back to
  list.follow()()
  await settle()
  assert.equal(asked, 5)
})

test('an answer older than what we were told is dropped', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const answers: ((text: string) => void)[] = []
  const { list } = followed(() => new Promise((resolve) => answers.push(resolve)))
  const unfollow = list.follow()
  answers[0]?.('first')
  await settle()
  void list.load()
  list.tell((before) => `${before}, changed`)
  answers[1]?.('older')
  await settle()
  assert.equal(list.state.value.value, 'first, changed')
  unfollow()
})

test('an event that comes while an answer is on its way is followed by another question', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const answers: ((text: string) => void)[] = []
  const { list, announce } = followed(() => new Promise((resolve) => answers.push(resolve)))
  const unfollow = list.follow()
  announce('rule.added')
  answers[0]?.('without the rule')
  await settle()
  t.mock.timers.tick(200)
  answers[1]?.('with the rule')
  await settle()
  assert.equal(list.state.value.value, 'with the rule')
  unfollow()
})

test('a refusal is said beside what was known; being away and having no token are said elsewhere', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const errors: Error[] = []
  const { list } = followed(async () => {
    const error = errors.shift()
    if (error !== undefined) throw error
    return 'all'
  })
  const unfollow = list.follow()
  await settle()
  errors.push(
    new ProblemError(403, { detail: 'not yours' }),
    new UnreachableError(undefined),
    new ProblemError(401, { detail: 'who?' }),
  )
  for (const _ of [403, 0, 401]) {
    await list.load()
    assert.deepEqual(list.state.value, { value: 'all', refusal: 'not yours' })
  }
  await list.load()
  assert.deepEqual(list.state.value, { value: 'all', refusal: undefined })
  unfollow()
})
