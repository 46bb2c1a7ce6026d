import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_NOPTS_VALUE,
  AV_SAMPLE_FMT_FLTP,
  type AVSampleFormat,
  type FFDecoderCodec,
} from 'node-av/constants'
import {
  type ChannelLayout,
  Codec,
  CodecContext,
  FFmpegError,
  Frame,
  Packet,
  Rational,
  SoftwareResampleContext,
} from 'node-av/lib'
import type { AudioCodec } from '#media/codec.ts'
import type { SourceDescription } from './messages.ts'
import type { Sound } from './sound.ts'
import type { Target } from './target.ts'

/** libavcodec's names. */
const DECODERS: Readonly<Record<AudioCodec, string>> = {
  aac: 'aac',
  mp3: 'mp3float',
  opus: 'opus',
  vorbis: 'vorbis',
  flac: 'flac',
  ac3: 'ac3',
  eac3: 'eac3',
  pcma: 'pcm_alaw',
  pcmu: 'pcm_mulaw',
  l16: 'pcm_s16be',
  g722: 'g722',
  g726: 'g726le',
}

/** Largest block a decoder may give: more than two seconds of one access unit is nonsense, whatever it claims. */
const MAX_BLOCK_SAMPLES = 480_000

/**
 * Takes decoded sound as it comes.
 * @param position as given with the access unit; undefined when it has none
 * @param samples at the rate that is wanted, fractions allowed
 * @param sound call it once, after a drain() if what follows does not go on where the last block ended
 */
export type BlockSink = (position: number | undefined, samples: number, sound: () => Sound) => void

/** Decodes one source to the sample rate and channels that are wanted. */
export class CodecDecoder implements Disposable {
  readonly #context = new CodecContext()
  readonly #packet = new Packet()
  readonly #frame = new Frame()
  readonly #target: Pick<Target, 'sampleRateHz' | 'channels'>
  #resampler: SoftwareResampleContext | undefined
  /** What the resampler was made for. */
  #resampled = { rateHz: 0, format: -1, channels: 0 }
  #output: Buffer[] = []

  /** @throws {FFmpegError} the configuration is none */
  constructor(source: SourceDescription, target: Pick<Target, 'sampleRateHz' | 'channels'>) {
    this.#target = target
    const codec = Codec.findDecoderByName(DECODERS[source.codec] as FFDecoderCodec)
    if (codec === null) throw new Error(`this build of libavcodec has no decoder for ${source.codec}`)
    const context = this.#context
    context.allocContext3(codec)
    context.sampleRate = source.sampleRateHz
    context.channelLayout = layoutOf(source.channels)
    context.pktTimebase = new Rational(1, target.sampleRateHz)
    context.threadCount = 1
    if (source.codec === 'g726') context.bitsPerCodedSample = source.configuration[0] ?? 4
    else if (source.configuration.length > 0) context.extraData = Buffer.from(source.configuration)
    FFmpegError.throwIfError(context.open2Sync(codec), `opening the ${source.codec} decoder`)
    this.#packet.alloc()
    this.#frame.alloc()
  }

  /** @throws {FFmpegError} the access unit can't be decoded */
  decode(payload: Uint8Array, position: number, sink: BlockSink): void {
    const packet = this.#packet
    packet.data = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
    packet.pts = BigInt(Math.round(position))
    packet.dts = packet.pts
    try {
      FFmpegError.throwIfError(this.#context.sendPacketSync(packet), 'decoding')
      this.#receive(sink)
    } finally {
      packet.unref()
    }
  }

  /** Gives what the resampler still holds: nothing follows, or not without a gap. */
  drain(sink: (sound: Sound) => void): void {
    const resampler = this.#resampler
    if (resampler === undefined) return
    const samples = resampler.convertSync(this.#outputs(MAX_DELAY_SAMPLES), MAX_DELAY_SAMPLES, null, 0)
    if (samples > 0) sink(this.#planes(samples))
    // It takes nothing more after that.
    this.#dropResampler()
  }

  [Symbol.dispose](): void {
    this.#dropResampler()
    this.#context.freeContext()
    this.#packet.free()
    this.#frame.free()
  }

  #receive(sink: BlockSink): void {
    const frame = this.#frame
    while (this.#context.receiveFrameSync(frame) >= 0) {
      try {
        const position = frame.pts === AV_NOPTS_VALUE ? undefined : Number(frame.pts)
        const samples = (frame.nbSamples * this.#target.sampleRateHz) / (frame.sampleRate || this.#target.sampleRateHz)
        if (frame.nbSamples > 0 && samples <= MAX_BLOCK_SAMPLES) sink(position, samples, () => this.#convert(frame))
      } finally {
        frame.unref()
      }
    }
  }

  #convert(frame: Frame): Sound {
    const resampler = this.#resamplerFor(frame)
    const room = resampler.getOutSamples(frame.nbSamples)
    const samples = resampler.convertSync(this.#outputs(room), room, frame.extendedData ?? frame.data, frame.nbSamples)
    FFmpegError.throwIfError(samples, 'resampling')
    return this.#planes(samples)
  }

  #resamplerFor(frame: Frame): SoftwareResampleContext {
    const made = this.#resampled
    const format = frame.format as AVSampleFormat
    const { sampleRate: rateHz, channels } = frame
    const isSame = made.rateHz === rateHz && made.format === format && made.channels === channels
    if (this.#resampler !== undefined && isSame) return this.#resampler
    this.#dropResampler()
    const resampler = new SoftwareResampleContext()
    const layout = frame.channelLayout
    const from = layout.order === AV_CHANNEL_ORDER_NATIVE ? layout : layoutOf(channels)
    const { sampleRateHz, channels: wanted } = this.#target
    const set = resampler.allocSetOpts2(layoutOf(wanted), AV_SAMPLE_FMT_FLTP, sampleRateHz, from, format, rateHz)
    FFmpegError.throwIfError(set, 'setting up the resampler')
    FFmpegError.throwIfError(resampler.init(), 'setting up the resampler')
    this.#resampler = resampler
    this.#resampled = { rateHz, format, channels }
    return resampler
  }

  #dropResampler(): void {
    this.#resampler?.free()
    this.#resampler = undefined
  }

  #outputs(samples: number): Buffer[] {
    if ((this.#output[0]?.length ?? 0) < samples * 4 || this.#output.length === 0) {
      this.#output = Array.from({ length: this.#target.channels }, () => Buffer.alloc(samples * 4))
    }
    return this.#output
  }

  #planes(samples: number): Sound {
    return this.#output.map((plane) => new Float32Array(plane.buffer, plane.byteOffset, samples))
  }
}

/** More than any filter of libswresample holds back. */
const MAX_DELAY_SAMPLES = 4_096

/** The usual layout of so many channels: AV_CH_LAYOUT_MONO, _STEREO, … as libavutil's defaults have them. */
const DEFAULT_MASKS = [0x4n, 0x3n, 0xbn, 0x107n, 0x37n, 0x3fn, 0x13fn, 0x63fn]

/** A layout of so many channels; unknown ones are taken for the usual. */
export function layoutOf(channels: number): ChannelLayout {
  return {
    nbChannels: channels,
    order: AV_CHANNEL_ORDER_NATIVE,
    mask: DEFAULT_MASKS[channels - 1] ?? (1n << BigInt(channels)) - 1n,
  }
}
