import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testAudio, testVideo } from '#test/support/access-units.ts'
import { gapNow, Ledger } from './ledger.ts'

const video = testVideo()
const audio = testAudio()

test('received is written plus lost once nothing is on its way', () => {
  const outcome = fc.record({ isVideo: fc.boolean(), written: fc.boolean() })
  fc.assert(
    fc.property(fc.array(outcome), (outcomes) => {
      const ledger = new Ledger()
      for (const { isVideo, written } of outcomes) {
        const format = isVideo ? video : audio
        ledger.received(format)
        if (written) ledger.written(format, 10)
        else ledger.lost(format, 1)
      }
      for (const track of ledger.toDocument().tracks) assert.equal(track.received, track.written + track.lost)
      assert.equal(ledger.totals().received, outcomes.length)
    }),
  )
})

test('a gap that goes on is one gap', () => {
  const ledger = new Ledger()
  const gap = (fromMs: number) => gapNow(0, { track: 1, fromMs, toMs: fromMs + 40, accessUnits: 1, cause: 'disk' })
  assert.notEqual(ledger.gap(gap(0)), undefined)
  assert.equal(ledger.gap(gap(40)), undefined)
  assert.notEqual(ledger.gap(gap(5_000)), undefined)
  assert.deepEqual(
    ledger.toDocument().gaps.map(({ fromMs, toMs, accessUnits }) => [fromMs, toMs, accessUnits]),
    [
      [0, 80, 2],
      [5_000, 5_040, 1],
    ],
  )
})

test('an appended recording continues its account', () => {
  const first = new Ledger()
  first.received(video)
  first.written(video, 10)
  const second = Ledger.from(first.toDocument())
  second.received(video)
  second.lost(video, 1)
  assert.deepEqual(second.totals(), { received: 2, written: 1, lost: 1 })
})

test('what vanished with its file turns from written to lost', () => {
  const ledger = new Ledger()
  for (let i = 0; i < 3; i++) {
    ledger.received(video)
    ledger.written(video, 10)
  }
  ledger.vanished(video.trackId, 2)
  assert.deepEqual(ledger.totals(), { received: 3, written: 1, lost: 2 })
})
