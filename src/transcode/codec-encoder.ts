import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_CODEC_FLAG_QSCALE,
  AV_OPT_TYPE_STRING,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  type AVSampleFormat,
  FF_QP2LAMBDA,
  type FFEncoderCodec,
} from 'node-av/constants'
import { Codec, CodecContext, FFmpegError, Frame, Packet, Rational } from 'node-av/lib'
import { layoutOf } from './codec-decoder.ts'
import type { SoundQueue } from './sound-queue.ts'
import type { Target } from './target.ts'

/** What the encoders take. */
const SAMPLE_FORMATS: Readonly<Record<string, AVSampleFormat>> = {
  aac: AV_SAMPLE_FMT_FLTP,
  libfdk_aac: AV_SAMPLE_FMT_S16,
  libopus: AV_SAMPLE_FMT_FLT,
  libvorbis: AV_SAMPLE_FMT_FLTP,
}

/**
 * From this bitrate on libavcodec's own AAC encoder chooses its quantizers the quick way, for half the processor time:
 * its authors say that it sounds better there, and worse below.
 */
const QUICK_AAC_FROM_BPS = 64_000

/**
 * Asked for a bitrate, that encoder tries a frame that needs fewer bits up to six times over, to find a use for the rest:
 * of a steady tone for three times the processor time, of speech for twice. Asked for a quality it encodes once. Its
 * `global_quality` by channels, for 64 kbit/s a channel: noise takes as many bits then as it would by the bitrate, and
 * everything else fewer.
 */
const AAC_QUALITIES: readonly number[] = [FF_QP2LAMBDA, 1.5 * FF_QP2LAMBDA]
/** What they are for: sample rates, bitrate of a channel, and the bandwidth that the bitrate would give. */
const BY_QUALITY = { fromHz: 44_100, toHz: 48_000, bpsPerChannel: 64_000, bandwidthHz: 16_000 } as const

/**
 * What AAC keeps to: `bitrate`, where somebody asked for one, or the `quality` that noise has at that bitrate, for
 * less processor time; other codecs, rates and bitrates are encoded by their bitrate all the same.
 */
export type RateControl = 'bitrate' | 'quality'

/** Takes encoded access units. @param position of the first sample, counted from the encoder's first */
export type PacketSink = (position: number, samples: number, payload: Uint8Array) => void

/** Encoders of {@link SAMPLE_FORMATS} that this build of libavcodec has. */
export function encodersPresent(): string[] {
  return Object.keys(SAMPLE_FORMATS).filter((name) => Codec.findEncoderByName(name as FFEncoderCodec) !== null)
}

/** One run of an encoder, from its first sample to the end. */
export class CodecEncoder implements Disposable {
  /** Samples it takes at a time; mostly those of an access unit. */
  readonly frameSamples: number
  /** The configuration record of its codec, in the form of media/codec.ts for those that targets leave it to. */
  readonly configuration: Uint8Array
  readonly #context = new CodecContext()
  readonly #frame = new Frame()
  readonly #packet = new Packet()
  readonly #format: AVSampleFormat
  readonly #channels: number
  #sent = 0

  /** @param encoder libavcodec's name @throws {FFmpegError} */
  constructor(encoder: string, target: Target, rateControl: RateControl = 'bitrate') {
    const codec = Codec.findEncoderByName(encoder as FFEncoderCodec)
    const format = SAMPLE_FORMATS[encoder]
    if (codec === null || format === undefined) throw new Error(`this build of libavcodec has no encoder ${encoder}`)
    this.#format = format
    this.#channels = target.channels
    const context = this.#context
    context.allocContext3(codec)
    context.sampleRate = target.sampleRateHz
    context.channelLayout = layoutOf(target.channels)
    context.sampleFormat = format
    context.bitRate = BigInt(target.bitrateBps)
    context.timeBase = new Rational(1, target.sampleRateHz)
    context.threadCount = 1
    context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER)
    if (encoder === 'aac') chooseHowAacIsCoded(context, target, rateControl)
    FFmpegError.throwIfError(context.open2Sync(codec), `opening the encoder ${encoder}`)
    this.frameSamples = context.frameSize
    this.configuration = Uint8Array.from(context.extraData ?? [])
    this.#packet.alloc()
    const frame = this.#frame
    frame.alloc()
    frame.nbSamples = this.frameSamples
    frame.format = format
    frame.sampleRate = target.sampleRateHz
    frame.channelLayout = layoutOf(target.channels)
    FFmpegError.throwIfError(frame.getBuffer(), 'making room for sound')
  }

  /** Takes the next frameSamples samples out of the queue, which holds as many. */
  encode(queue: SoundQueue, sink: PacketSink): void {
    const frame = this.#frame
    FFmpegError.throwIfError(frame.makeWritable(), 'making room for sound')
    this.#fill(frame.data ?? [], queue)
    queue.skip(this.frameSamples)
    frame.pts = BigInt(this.#sent)
    this.#sent += this.frameSamples
    FFmpegError.throwIfError(this.#context.sendFrameSync(frame), 'encoding')
    this.#receive(sink)
  }

  /** Gives what the encoder still holds; it takes nothing more. */
  finish(sink: PacketSink): void {
    FFmpegError.throwIfError(this.#context.sendFrameSync(null), 'ending the encoder')
    this.#receive(sink)
  }

  [Symbol.dispose](): void {
    this.#context.freeContext()
    this.#frame.free()
    this.#packet.free()
  }

  #receive(sink: PacketSink): void {
    const packet = this.#packet
    while (this.#context.receivePacketSync(packet) >= 0) {
      if (packet.data !== null) sink(Number(packet.pts), Number(packet.duration) || this.frameSamples, packet.data)
      packet.unref()
    }
  }

  #fill(planes: readonly Buffer[], queue: SoundQueue): void {
    const { frameSamples } = this
    const channels = this.#channels
    for (let channel = 0; channel < channels; channel++) {
      const samples = queue.peek(channel, frameSamples)
      const plane = this.#format === AV_SAMPLE_FMT_FLTP ? planes[channel] : planes[0]
      if (plane === undefined) continue
      if (this.#format === AV_SAMPLE_FMT_FLTP) {
        new Float32Array(plane.buffer, plane.byteOffset, frameSamples).set(samples)
      } else if (this.#format === AV_SAMPLE_FMT_FLT) {
        const values = new Float32Array(plane.buffer, plane.byteOffset, frameSamples * channels)
        for (let i = 0; i < frameSamples; i++) values[i * channels + channel] = samples[i] ?? 0
      } else {
        const values = new Int16Array(plane.buffer, plane.byteOffset, frameSamples * channels)
        for (let i = 0; i < frameSamples; i++) values[i * channels + channel] = toInt16(samples[i] ?? 0)
      }
    }
  }
}

function chooseHowAacIsCoded(context: CodecContext, target: Target, rateControl: RateControl): void {
  const { sampleRateHz, channels, bitrateBps } = target
  const set = (option: string, value: string) =>
    FFmpegError.throwIfError(context.setOption(option, value, AV_OPT_TYPE_STRING), 'choosing how AAC is coded')
  if (bitrateBps >= QUICK_AAC_FROM_BPS) set('aac_coder', 'fast')
  const quality = rateControl === 'quality' ? AAC_QUALITIES[channels - 1] : undefined
  const { fromHz, toHz, bpsPerChannel, bandwidthHz } = BY_QUALITY
  const isMeant = sampleRateHz >= fromHz && sampleRateHz <= toHz && bitrateBps === bpsPerChannel * channels
  if (quality === undefined || !isMeant) return
  context.setFlags(AV_CODEC_FLAG_QSCALE)
  context.globalQuality = quality
  set('cutoff', String(bandwidthHz))
}

function toInt16(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)))
}
