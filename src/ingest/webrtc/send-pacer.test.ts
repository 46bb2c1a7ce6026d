import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SendPacer } from './send-pacer.ts'

function paced(t: TestContext, bitrateBps = 0) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sent: Uint8Array[] = []
  const at = { ms: 0, drained: 0 }
  const pacer = new SendPacer({
    monotonicMs: () => at.ms,
    bitrateBps: () => bitrateBps,
    send: (packet) => sent.push(packet),
    drained: () => void at.drained++,
  })
  return { pacer, sent, at }
}

test('little goes out at once; a large picture over some turns, in order', (t) => {
  const { pacer, sent, at } = paced(t)
  pacer.add(new Uint8Array(1_000))
  pacer.flush()
  assert.equal(sent.length, 1)
  at.ms = 1_000
  const picture = Array.from({ length: 100 }, () => new Uint8Array(1_000))
  for (const packet of picture) pacer.add(packet)
  pacer.flush()
  assert.ok(sent.length > 20 && sent.length < 30, `${sent.length} at once`)
  assert.equal(pacer.waitingBytes, 1_000 * (101 - sent.length))
  let turns = 0
  while (pacer.waitingBytes > 0) {
    at.ms += 5
    turns++
    t.mock.timers.tick(5)
  }
  assert.ok(turns >= 5 && turns <= 6, `${turns} turns`)
  assert.deepEqual(sent.slice(1), picture)
  assert.equal(at.drained, 1)
})

test('a stream of any bitrate passes, faster than it comes', (t) => {
  const { pacer, sent, at } = paced(t, 100_000_000)
  for (let i = 0; i < 1_000; i++) pacer.add(new Uint8Array(1_250))
  pacer.flush()
  for (let i = 0; i < 10; i++) {
    at.ms += 5
    t.mock.timers.tick(5)
  }
  assert.equal(sent.length, 1_000, 'a hundred milliseconds of it within fifty')
})

test('disposed, it sends nothing more', (t) => {
  const { pacer, sent, at } = paced(t)
  for (let i = 0; i < 100; i++) pacer.add(new Uint8Array(1_000))
  pacer.flush()
  const before = sent.length
  pacer[Symbol.dispose]()
  at.ms = 1_000
  t.mock.timers.tick(1_000)
  assert.equal(sent.length, before)
  assert.equal(pacer.waitingBytes, 0)
})
