import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { MAX_LIVE_PICTURES, PictureSlots, type TabLocks } from './picture-slots.ts'

/** Asks, and remembers what came of it. */
function ask(slots: PictureSlots, wanted = false, rank = 0) {
  const seen: string[] = []
  const giveBack = slots.ask({
    wanted,
    rank,
    onGranted: () => seen.push('granted'),
    onRevoked: () => seen.push('revoked'),
  })
  return { seen, giveBack }
}

test('the first to ask are first to play; one that leaves makes room for the next', async () => {
  const slots = new PictureSlots(undefined, 0)
  const all = Array.from({ length: MAX_LIVE_PICTURES + 1 }, () => ask(slots))
  await settled()
  assert.deepEqual(
    all.map(({ seen }) => seen.length),
    [1, 1, 1, 0],
  )
  all[1]?.giveBack()
  await settled()
  assert.deepEqual(all[3]?.seen, ['granted'])
})

test('one chosen by hand takes the place of one that was not', async () => {
  const slots = new PictureSlots(undefined, 0)
  const chosen = ask(slots, true)
  const others = Array.from({ length: MAX_LIVE_PICTURES - 1 }, () => ask(slots))
  await settled()
  const late = ask(slots, true)
  await settled()
  assert.deepEqual(late.seen, ['granted'])
  assert.deepEqual(chosen.seen, ['granted'])
  assert.equal(others.flatMap(({ seen }) => seen).filter((event) => event === 'revoked').length, 1)
})

test('withdrawn while queued: never granted', async () => {
  const slots = new PictureSlots(undefined, 0)
  for (let i = 0; i < MAX_LIVE_PICTURES; i++) ask(slots)
  const late = ask(slots)
  late.giveBack()
  await settled()
  assert.deepEqual(late.seen, [])
})

test('tabs share the places by lock and give them back', async () => {
  const locks = memoryLocks()
  const one = new PictureSlots(locks, 0)
  const other = new PictureSlots(locks, 0)
  const first = Array.from({ length: MAX_LIVE_PICTURES }, () => ask(one))
  await settled()
  const waiting = ask(other)
  await settled()
  assert.deepEqual(waiting.seen, [])
  waiting.giveBack()
  first[0]?.giveBack()
  await settled()
  const next = ask(other)
  await settled()
  assert.deepEqual(next.seen, ['granted'])
})

test('however they come into view, the top of the page plays', async () => {
  const slots = new PictureSlots(undefined, 0)
  const all = [4, 0, 3, 1, 2].map((rank) => ({ rank, ...ask(slots, false, rank) }))
  await settled()
  const playing = all.filter(({ seen }) => seen.length > 0).map(({ rank }) => rank)
  assert.deepEqual(playing.sort(), [0, 1, 2])
})

/** Timers of 0 ms and the turns that locks take are over. */
async function settled(): Promise<void> {
  await sleep(5)
  for (let i = 0; i < 10; i++) await turn()
}

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
