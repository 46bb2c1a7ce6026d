import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

test('a recording knows how much slower the clock of its publisher runs', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', seconds: 1, size: '64x36', encoding: ['-r', '5'] })
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 20 } })
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  const beganMs = fixture.runtime.monotonicMs()
  const ppm = 150
  for (let second = 0; second < 420; second++) {
    // The clock goes to where it is when this second has come.
    fixture.advance(Math.max(0, beganMs + second * (1_000 + ppm / 1_000) - fixture.runtime.monotonicMs()))
    publisher.send(source.units, second * 1_000)
    await nextTurn()
  }
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  assert.ok(Math.abs((recording.clockDriftPpm ?? Number.NaN) - ppm) < 50, `${recording.clockDriftPpm} ppm`)
  assert.deepEqual(recording.ledger.gaps, [])
})
