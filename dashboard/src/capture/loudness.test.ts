import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelOf } from './loudness.ts'

const sine = (amplitude: number) => Float32Array.from({ length: 2048 }, (_, i) => amplitude * Math.sin(i / 5))

test('the level goes by decibels: silence is nothing, full scale nearly everything', () => {
  assert.equal(levelOf(new Float32Array(2048)), 0)
  assert.equal(levelOf(new Float32Array(0)), 0)
  assert.ok(levelOf(sine(1)) > 0.9 && levelOf(sine(1)) <= 1)
  const tenth = levelOf(sine(1)) - levelOf(sine(0.1))
  assert.ok(Math.abs(tenth - 20 / 60) < 0.001, `${tenth} for 20 dB of 60`)
  assert.equal(levelOf(sine(0.0001)), 0)
})
