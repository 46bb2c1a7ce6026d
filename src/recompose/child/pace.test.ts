import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'

test('without room nothing goes on until there is some', async () => {
  const pace = new Pace()
  let waited = 0
  await pace.step(() => {
    if (++waited === 2) pace.share = 1
  })
  assert.equal(waited, 2)
})

test('with half a core half the time is waited, with a whole one none', async () => {
  const busy = (ms: number) => {
    const endsMs = performance.now() + ms
    while (performance.now() < endsMs);
  }
  const wallMs = async (share: number) => {
    const pace = new Pace()
    pace.share = share
    const fromMs = performance.now()
    for (let step = 0; step < 10; step++) {
      busy(10)
      await pace.step(() => {})
    }
    return performance.now() - fromMs
  }
  // A busy machine makes both longer, and neither shorter.
  assert.ok((await wallMs(0.5)) > 170)
  assert.ok((await wallMs(1)) >= 100)
})
