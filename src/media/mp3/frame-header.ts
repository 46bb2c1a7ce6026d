import { BitstreamError } from '../errors.ts'

/** Header of one frame of MPEG-1, -2 or -2.5 audio, any layer. */
export interface Mp3FrameHeader {
  readonly mpegVersion: 1 | 2 | 2.5
  readonly layer: 1 | 2 | 3
  readonly bitrateBps: number
  readonly sampleRateHz: number
  readonly channels: number
  /** The whole frame, header included. */
  readonly frameBytes: number
  /** PCM samples per channel. */
  readonly samples: number
}

const MP3_HEADER_BYTES = 4

/** bitrate_index 1 to 14 in kbit/s, for MPEG-1 layers I to III, then MPEG-2 layer I, then layers II and III. ISO/IEC 11172-3 §2.4.2.3, 13818-3 §2.4.2.3. */
const BITRATES_KBPS = {
  v1l1: [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  v1l2: [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  v1l3: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  v2l1: [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  v2l23: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const

const MPEG1_SAMPLE_RATES_HZ = [44_100, 48_000, 32_000] as const

/** Samples per channel in one frame. MPEG-2 and -2.5 (rates below 32 kHz) halve layer III. */
export function mp3SamplesPerFrame(layer: 1 | 2 | 3, sampleRateHz: number): number {
  if (layer === 1) return 384
  return layer === 3 && sampleRateHz < 32_000 ? 576 : 1152
}

/**
 * Reads the four bytes at the start of an MPEG audio frame. ISO/IEC 11172-3 §2.4.1.3.
 * @throws {BitstreamError} no sync word, reserved values, or the free format, whose length it doesn't tell
 */
export function parseMp3FrameHeader(bytes: Uint8Array): Mp3FrameHeader {
  const [sync = 0, b1 = 0, b2 = 0, b3 = 0] = bytes
  if (bytes.length < MP3_HEADER_BYTES) throw new BitstreamError('MPEG audio header', 'ends early')
  if (sync !== 0xff || (b1 & 0xe0) !== 0xe0) throw new BitstreamError('MPEG audio header', 'lacks its sync word')
  const mpegVersion = ([2.5, undefined, 2, 1] as const)[(b1 >> 3) & 3]
  const layer = ([undefined, 3, 2, 1] as const)[(b1 >> 1) & 3]
  const baseRateHz = MPEG1_SAMPLE_RATES_HZ[(b2 >> 2) & 3]
  if (mpegVersion === undefined || layer === undefined || baseRateHz === undefined) {
    throw new BitstreamError('MPEG audio header', 'has a reserved version, layer or sample rate')
  }
  const kbps = bitrates(mpegVersion, layer)[(b2 >> 4) - 1]
  if (kbps === undefined) throw new BitstreamError('MPEG audio header', 'has the free format or a reserved bit rate')
  const sampleRateHz = baseRateHz / (mpegVersion === 1 ? 1 : mpegVersion === 2 ? 2 : 4)
  const samples = mp3SamplesPerFrame(layer, sampleRateHz)
  const padding = (b2 >> 1) & 1
  const slotBytes = layer === 1 ? 4 : 1
  const slots = Math.floor((samples / 8 / slotBytes) * ((kbps * 1000) / sampleRateHz)) + padding
  return {
    mpegVersion,
    layer,
    bitrateBps: kbps * 1000,
    sampleRateHz,
    channels: b3 >> 6 === 3 ? 1 : 2,
    frameBytes: slots * slotBytes,
    samples,
  }
}

function bitrates(mpegVersion: 1 | 2 | 2.5, layer: 1 | 2 | 3): readonly number[] {
  if (mpegVersion !== 1) return layer === 1 ? BITRATES_KBPS.v2l1 : BITRATES_KBPS.v2l23
  return layer === 1 ? BITRATES_KBPS.v1l1 : layer === 2 ? BITRATES_KBPS.v1l2 : BITRATES_KBPS.v1l3
}
