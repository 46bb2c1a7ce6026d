import { eac3Samples } from './ac3/eac3-syncframe.ts'
import { BitstreamError } from './errors.ts'
import { flacFrameSamples } from './flac/frame-header.ts'
import { parseMp3FrameHeader } from './mp3/frame-header.ts'
import { opusPacketSamples } from './opus/packet.ts'
import { g711Samples } from './pcm/g711.ts'
import { g722Samples } from './pcm/g722.ts'
import { g726Samples, parseG726Bits } from './pcm/g726.ts'
import { l16Samples } from './pcm/l16.ts'
import type { AudioFormat } from './track.ts'

/**
 * PCM samples per channel in one access unit, at the format's sampleRateHz; 0 when its bytes don't tell (damaged, or
 * USAC). The exact duration of the access unit, whatever its timestamps say.
 */
export function accessUnitSamples(format: AudioFormat, payload: Uint8Array): number {
  try {
    return read(format, payload)
  } catch (error) {
    if (error instanceof BitstreamError) return 0
    throw error
  }
}

function read(format: AudioFormat, payload: Uint8Array): number {
  switch (format.codec) {
    case 'aac':
    case 'ac3':
      return format.samplesPerAccessUnit
    case 'mp3':
      return parseMp3FrameHeader(payload).samples
    case 'opus':
      return opusPacketSamples(payload)
    case 'vorbis':
      return 0 // of two sizes, and which one only its setup header tells
    case 'flac':
      return flacFrameSamples(payload)
    case 'eac3':
      return eac3Samples(payload)
    case 'pcma':
    case 'pcmu':
      return g711Samples(payload, format.channels)
    case 'l16':
      return l16Samples(payload, format.channels)
    case 'g722':
      return g722Samples(payload, format.channels)
    case 'g726':
      return g726Samples(payload, parseG726Bits(format.configuration), format.channels)
  }
}
