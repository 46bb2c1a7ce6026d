import { adtsCarries, adtsHeader, MAX_ADTS_FRAME_BYTES } from '#media/aac/adts.ts'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import type { AudioFormat } from '#media/track.ts'
import { CodecUnsupportedError } from '../errors.ts'
import type { ElementaryFramer } from './elementary-framer.ts'

/** Samples per access unit of the core coder, which ADTS takes for granted. */
const ADTS_SAMPLES = 1024

/**
 * An ADTS header before every raw_data_block. ISO/IEC 14496-3 §1.A.3.2. HE-AAC goes by its core configuration; decoders
 * find SBR and PS in the payload.
 * @throws {CodecUnsupportedError} a configuration that ADTS has no bits for
 */
export function adtsFramer(format: AudioFormat): ElementaryFramer {
  const config = parseAudioSpecificConfig(format.configuration)
  const coreSamples = (config.samplesPerAccessUnit * config.coreSampleRateHz) / config.outputSampleRateHz
  if (!adtsCarries(config) || coreSamples !== ADTS_SAMPLES) {
    const { objectType, coreSampleRateHz, channelConfiguration } = config
    const facts = `object type ${objectType}, ${coreSampleRateHz} Hz, channel configuration ${channelConfiguration}`
    throw new CodecUnsupportedError('MPEG-TS', 'aac', `ADTS cannot describe ${facts}, ${coreSamples} samples`)
  }
  const header = adtsHeader(config, 0)
  const [, , , third = 0, , fifth = 0] = header
  return (payload, _isRandomAccess, out) => {
    // 13 bits hold more than the 6144 bits per channel that the standard allows. A larger "access unit" is damaged
    // already; its bytes are kept, and a decoder finds the next header behind them.
    const frameBytes = Math.min(payload.length + header.length, MAX_ADTS_FRAME_BYTES)
    header[3] = (third & 0xfc) | (frameBytes >> 11) // aac_frame_length
    header[4] = (frameBytes >> 3) & 0xff
    header[5] = (fifth & 0x1f) | ((frameBytes & 7) << 5)
    out.add(header)
    out.add(payload)
  }
}
