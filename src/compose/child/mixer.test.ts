import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mixer } from './mixer.ts'
import type { SoundInput } from './sound-input.ts'

const RATE_HZ = 48_000
const BLOCK = 1_920

/** A tone of full scale. */
function tone(hertz: number): Pick<SoundInput, 'mixInto'> {
  return {
    mixInto(left, right, from, samples) {
      for (let i = 0; i < samples; i++) {
        const value = 0.9 * Math.sin((2 * Math.PI * hertz * (from + i)) / RATE_HZ)
        left[i] = (left[i] ?? 0) + value
        right[i] = (right[i] ?? 0) + value
      }
    },
  }
}

function mixed(mixer: Mixer, tones: readonly number[], blocks: number, from = 0): Float32Array {
  const sound = new Float32Array(blocks * BLOCK)
  for (let block = 0; block < blocks; block++) {
    const at = from + block * BLOCK
    const [left] = mixer.mix(tones.map(tone) as SoundInput[], at, BLOCK)
    sound.set(left, block * BLOCK)
  }
  return sound
}

test('one source alone is passed on as it is', () => {
  const sound = mixed(new Mixer(), [440], 10)
  for (const [i, value] of sound.entries()) {
    assert.ok(Math.abs(value - 0.9 * Math.sin((2 * Math.PI * 440 * i) / RATE_HZ)) < 1e-4)
  }
})

test('many at full scale become softer together, not clipped', () => {
  const sound = mixed(new Mixer(), [440, 1_000, 1_700, 2_300], 25)
  let atCeiling = 0
  for (const value of sound) {
    assert.ok(Math.abs(value) <= 0.95)
    if (Math.abs(value) > 0.949) atCeiling++
  }
  // Peaks touch it; flat tops would stay there.
  assert.ok(atCeiling < sound.length / 200, `${atCeiling} of ${sound.length}`)
})

test('after a loud moment it gets louder again', () => {
  const mixer = new Mixer()
  mixed(mixer, [440, 1_000, 1_700, 2_300], 5)
  const after = mixed(mixer, [440], 75, 5 * BLOCK)
  const peak = (sound: Float32Array) => sound.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  assert.ok(peak(after.subarray(0, BLOCK)) < 0.5)
  assert.ok(peak(after.subarray(-BLOCK)) > 0.85)
})
