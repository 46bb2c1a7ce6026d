import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overload } from './overload.ts'
import { RestartSeries } from './restart-series.ts'

test('what is left out is counted over all processes, and told at most every ten seconds', () => {
  const overload = new Overload()
  assert.equal(overload.note(0, 0), undefined)
  assert.equal(overload.note(3, 1_000), 3)
  assert.equal(overload.note(3, 20_000), undefined, 'nothing new')
  assert.equal(overload.note(5, 5_000), undefined, 'told a moment ago')
  overload.processEnded()
  assert.equal(overload.droppedPictures, 5)
  assert.equal(overload.note(4, 11_000), 6)
  assert.equal(overload.droppedPictures, 9)
})

test('a few pictures are no overload; many within seconds are, for as long as is asked', () => {
  const overload = new Overload()
  overload.note(9, 1_000)
  assert.equal(overload.isPresent(5_000, 2_000), false)
  overload.note(10, 3_000)
  assert.equal(overload.isPresent(5_000, 7_999), true)
  assert.equal(overload.isPresent(5_000, 8_000), false)
  // Another window, another count.
  overload.note(12, 60_000)
  assert.equal(overload.isPresent(5_000, 60_000), false)
})

test('processes that end one soon after the other are started ever later, then no more', () => {
  const series = new RestartSeries()
  const pauses: number[] = []
  for (let end = 0; end < 8; end++) {
    series.ended(1_000, false)
    pauses.push(series.pauseMs)
  }
  assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 6_400])
  assert.equal(series.isHopeless, false)
  assert.equal(series.blamesNewest, false)
  series.ended(1_000, false)
  assert.equal(series.isHopeless, true)
  assert.equal(series.pauseMs, 10_000)
})

test('three crashes blame what came last; a process that lived a minute begins anew', () => {
  const series = new RestartSeries()
  for (let crash = 0; crash < 3; crash++) series.ended(1_000, true)
  assert.equal(series.blamesNewest, true)
  series.startOver()
  assert.equal(series.blamesNewest, false)
  for (let crash = 0; crash < 2; crash++) series.ended(1_000, true)
  series.ended(61_000, true)
  assert.equal(series.blamesNewest, false)
  assert.equal(series.pauseMs, 50)
})
