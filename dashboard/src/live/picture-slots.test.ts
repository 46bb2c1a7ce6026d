import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { MAX_LIVE_PICTURES, PictureSlots, type TabLocks } from './picture-slots.ts'

/** Asks, and remembers what came of it. */
function ask(slots: PictureSlots, wanted = false) {
  const seen: string[] = []
  const giveBack = slots.ask({ wanted, onGranted: () => seen.push('granted'), onRevoked: () => seen.push('revoked') })
  return { seen, giveBack }
}

test('the first to ask are first to play; one that leaves makes room for the next', async () => {
  const slots = new PictureSlots(undefined)
  const all = Array.from({ length: MAX_LIVE_PICTURES + 1 }, () => ask(slots))
  await turn()
  assert.deepEqual(
    all.map(({ seen }) => seen.length),
    [1, 1, 1, 0],
  )
  all[1]?.giveBack()
  await turn()
  assert.deepEqual(all[3]?.seen, ['granted'])
})

test('one chosen by hand takes the place of one that was not', async () => {
  const slots = new PictureSlots(undefined)
  const chosen = ask(slots, true)
  const others = Array.from({ length: MAX_LIVE_PICTURES - 1 }, () => ask(slots))
  await turn()
  const late = ask(slots, true)
  await turn()
  assert.deepEqual(late.seen, ['granted'])
  assert.deepEqual(chosen.seen, ['granted'])
  assert.equal(others.flatMap(({ seen }) => seen).filter((event) => event === 'revoked').length, 1)
})

test('withdrawn while queued: never granted', async () => {
  const slots = new PictureSlots(undefined)
  for (let i = 0; i < MAX_LIVE_PICTURES; i++) ask(slots)
  const late = ask(slots)
  late.giveBack()
  await turn()
  assert.deepEqual(late.seen, [])
})

test('tabs share the places by lock and give them back', async () => {
  const locks = memoryLocks()
  const one = new PictureSlots(locks)
  const other = new PictureSlots(locks)
  const first = Array.from({ length: MAX_LIVE_PICTURES }, () => ask(one))
  await turn()
  const waiting = ask(other)
  await turn()
  assert.deepEqual(waiting.seen, [])
  waiting.giveBack()
  first[0]?.giveBack()
  await turn()
  const next = ask(other)
  await turn()
  assert.deepEqual(next.seen, ['granted'])
})

/** What the browser does for `ifAvailable` requests. */
function memoryLocks(): TabLocks {
  const held = new Set<string>()
  return {
    async request(name, _options, holding) {
      await turn()
      if (held.has(name)) return holding(null)
      held.add(name)
      try {
        return await holding({ name })
      } finally {
        held.delete(name)
      }
    },
  }
}
