import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import type { AudioCodec } from '#media/codec.ts'
import { codecString } from '#media/codec-string.ts'
import { makeAudioFormat } from '#media/format.ts'
import { parseOpusHead } from '#media/opus/opus-head.ts'
import { targetFormat, targetOf } from './target.ts'

function source(codec: AudioCodec, sampleRateHz: number, channels: number) {
  return makeAudioFormat({
    trackId: 3,
    codec,
    timescale: 90_000,
    configuration: new Uint8Array(0),
    sampleRateHz,
    channels,
    language: 'deu',
  })
}

const CASES = [
  { name: 'a camera', from: source('pcma', 8_000, 1), wantedHz: 0, rateHz: 8_000, channels: 1, bitrate: 24_000 },
  {
    name: 'a rate asked for',
    from: source('pcmu', 8_000, 1),
    wantedHz: 48_000,
    rateHz: 48_000,
    channels: 1,
    bitrate: 64_000,
  },
  { name: 'G.722', from: source('g722', 16_000, 1), wantedHz: 0, rateHz: 16_000, channels: 1, bitrate: 32_000 },
  { name: 'stereo', from: source('l16', 44_100, 2), wantedHz: 0, rateHz: 44_100, channels: 2, bitrate: 128_000 },
  {
    name: 'a rate AAC can not have',
    from: source('l16', 37_800, 1),
    wantedHz: 0,
    rateHz: 44_100,
    channels: 1,
    bitrate: 64_000,
  },
  {
    name: 'a rate above all',
    from: source('l16', 192_000, 2),
    wantedHz: 0,
    rateHz: 96_000,
    channels: 2,
    bitrate: 128_000,
  },
  { name: 'six channels', from: source('l16', 48_000, 6), wantedHz: 0, rateHz: 48_000, channels: 2, bitrate: 128_000 },
] as const

for (const { name, from, wantedHz, rateHz, channels, bitrate } of CASES) {
  test(`AAC of ${name}`, () => {
    const target = targetOf(from, 'aac', wantedHz)
    assert.deepEqual(target, { codec: 'aac', sampleRateHz: rateHz, channels, bitrateBps: bitrate })
    const format = targetFormat(from, target)
    assert.equal(format.timescale, rateHz)
    assert.equal(format.trackId, 3)
    assert.equal(format.language, 'deu')
    assert.equal(format.transcodedFrom, from.codec)
    assert.equal(format.samplesPerAccessUnit, 1024)
    assert.equal(codecString(format), 'mp4a.40.2')
    const { coreSampleRateHz, outputSampleRateHz, sbr, channels: told } = parseAudioSpecificConfig(format.configuration)
    assert.deepEqual([coreSampleRateHz, outputSampleRateHz, sbr, told], [rateHz, rateHz, false, channels])
  })
}

test('Opus is 48 kHz whatever comes, and has nothing to skip', () => {
  const from = source('pcma', 8_000, 1)
  const format = targetFormat(from, targetOf(from, 'opus', 0))
  assert.equal(format.sampleRateHz, 48_000)
  assert.equal(format.timescale, 48_000)
  const { channels, preSkip, mappingFamily, inputSampleRateHz } = parseOpusHead(format.configuration)
  assert.deepEqual(
    { channels, preSkip, mappingFamily, inputSampleRateHz },
    {
      channels: 1,
      preSkip: 0,
      mappingFamily: 0,
      inputSampleRateHz: 48_000,
    },
  )
})
