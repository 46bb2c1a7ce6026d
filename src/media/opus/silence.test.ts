import assert from 'node:assert/strict'
import { test } from 'node:test'
import { opusPacketSamples } from './packet.ts'
import { silentPacket } from './silence.ts'

test('the longest packet that fits is taken, and says how long it is', () => {
  for (const [wanted, found] of [
    [100_000, 5760],
    [5760, 5760],
    [5759, 960],
    [959, 480],
    [240, 240],
    [239, 120],
  ] as const) {
    for (const isStereo of [false, true]) {
      const packet = silentPacket(wanted, isStereo)
      assert.equal(packet?.samples, found)
      assert.equal(opusPacketSamples(packet.bytes), found)
      assert.equal(((packet.bytes[0] ?? 0) & 4) !== 0, isStereo)
    }
  }
  assert.equal(silentPacket(119, false), undefined)
})
