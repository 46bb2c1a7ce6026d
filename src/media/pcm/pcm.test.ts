import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AudioCodec } from '../codec.ts'
import { makeAudioFormat } from '../format.ts'
import { accessUnitSamples } from '../samples.ts'

const format = (codec: AudioCodec, channels: number, configuration: readonly number[] = []) =>
  makeAudioFormat({
    ...{ trackId: 1, timescale: 8000, codec, sampleRateHz: 8000, channels },
    configuration: Uint8Array.from(configuration),
  })

test('samples of uncompressed and nearly uncompressed sound are counted from the bytes', () => {
  const samples = (of: ReturnType<typeof format>, bytes: number) => accessUnitSamples(of, new Uint8Array(bytes))
  assert.deepEqual([samples(format('l16', 2), 400), samples(format('l16', 2), 402)], [100, 0])
  assert.deepEqual([samples(format('g722', 1), 160), samples(format('g722', 2), 161)], [320, 0])
  assert.deepEqual(
    [2, 3, 4, 5].map((bits) => samples(format('g726', 1, [bits]), 60)),
    [240, 160, 120, 96],
  )
})

test('G.722 is always of 16 kHz, whatever RTP calls it', () => {
  assert.equal(format('g722', 1).sampleRateHz, 16_000)
})

test('G.726 needs the bits of its code words', () => {
  for (const configuration of [[], [1], [6], [4, 4]]) {
    assert.throws(() => format('g726', 1, configuration), { code: 'media/configuration-invalid' })
  }
})
