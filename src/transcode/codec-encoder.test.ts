import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import { CodecEncoder, type RateControl } from './codec-encoder.ts'
import { SoundQueue } from './sound-queue.ts'

Log.setLevel(AV_LOG_QUIET)

const SECONDS = 2
/** ISO/IEC 14496-3 §4.5.3.1: 6144 bits a channel. */
const MAX_BYTES_PER_CHANNEL = 768

type Sample = (index: number, channel: number) => number

function sweep(index: number): number {
  return 0.3 * Math.sin(index ** 2 / 400_000)
}

/** Another one in each channel. */
function noise(amplitude: number): Sample {
  const states = [1, 2]
  return (_, channel) => {
    const state = (Math.imul(states[channel] ?? 0, 1_664_525) + 1_013_904_223) | 0
    states[channel] = state
    return (amplitude * state) / 2 ** 31
  }
}

function clicks(index: number, channel: number): number {
  return index % (channel === 0 ? 499 : 701) === 0 ? 1 : 0
}

/** Sizes of the access units that become of it. */
function encodedSizes(sample: Sample, rateHz: number, channels: number, rateControl: RateControl): number[] {
  const target = { codec: 'aac', sampleRateHz: rateHz, channels, bitrateBps: 64_000 * channels } as const
  using encoder = new CodecEncoder('aac', target, rateControl)
  const queue = new SoundQueue(channels)
  const samples = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: SECONDS * rateHz }, (_value, index) => sample(index, channel)),
  )
  queue.put(samples)
  const sizes: number[] = []
  while (queue.length >= encoder.frameSamples) {
    encoder.encode(queue, (_position, _samples, payload) => void sizes.push(payload.length))
  }
  return sizes
}

for (const rateHz of [44_100, 48_000]) {
  for (const channels of [1, 2]) {
    const target = 64_000 * channels
    const bitrate = (sample: Sample, rateControl: RateControl) => {
      const sizes = encodedSizes(sample, rateHz, channels, rateControl)
      return (sizes.reduce((sum, size) => sum + size, 0) * 8 * rateHz) / (sizes.length * 1024)
    }

    test(`AAC takes the bitrate for noise, less for what needs less: ${rateHz} Hz, ${channels} ch`, () => {
      const ofNoise = bitrate(noise(0.5), 'quality') / target
      assert.ok(ofNoise > 0.85 && ofNoise < 1.1, `noise: ${ofNoise} of the bitrate`)
      const ofSweep = bitrate(sweep, 'quality') / bitrate(sweep, 'bitrate')
      assert.ok(ofSweep < 0.85, `sweep: ${ofSweep} of what it takes by the bitrate`)
    })

    test(`no access unit of AAC is larger than may be: ${rateHz} Hz, ${channels} ch`, () => {
      for (const sample of [noise(1), noise(100), clicks]) {
        const largest = Math.max(...encodedSizes(sample, rateHz, channels, 'quality'))
        assert.ok(largest <= channels * MAX_BYTES_PER_CHANNEL, `${largest} bytes`)
      }
    })
  }
}
