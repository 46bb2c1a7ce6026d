import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_OPT_SEARCH_CHILDREN,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  type FFEncoderCodec,
} from 'node-av/constants'
import { Codec, CodecContext, FFmpegError, type Frame, Packet, Rational } from 'node-av/lib'
import { buildAvcC } from '#media/h264/avcc.ts'
import { annexBUnits } from '#media/nal/annex-b.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import type { CompleteRequest } from '../request.ts'

/** Seconds between key frames: where recordings and players may begin. */
const KEY_FRAME_SECONDS = 2

/** Larger pictures are encoded by several threads, where there are. */
const MAX_SINGLE_THREAD_PIXELS = 1280 * 720

/**
 * Encoders that take pictures from ordinary memory, and their options; the first that opens is taken. Hardware first:
 * where there is none it does not open.
 */
const ENCODERS: readonly (readonly [name: string, options: Readonly<Record<string, string>>])[] = [
  ['h264_nvenc', { preset: 'p3', tune: 'ull', delay: '0', 'forced-idr': '1' }],
  ['h264_videotoolbox', { realtime: '1', prio_speed: '1' }],
  ['libx264', { preset: 'veryfast', tune: 'zerolatency', 'forced-idr': '1' }],
]

const NAL_SPS = 7
const NAL_PPS = 8
const NAL_DELIMITER = 9

/** H.264 from pictures of one size, without delay. */
export class PictureEncoder implements Disposable {
  /** libavcodec's. */
  readonly name: string
  /** avcC. */
  readonly configuration: Uint8Array
  readonly #context: CodecContext
  readonly #packet = new Packet()
  #wantsKey = false

  /** @throws {Error} there is no encoder that takes this size */
  constructor(request: CompleteRequest, cores: number) {
    this.#packet.alloc()
    const problems: string[] = []
    for (const [name, options] of ENCODERS) {
      const context = open(name, options, request, cores)
      if (typeof context === 'string') {
        problems.push(`${name}: ${context}`)
        continue
      }
      const units = [...annexBUnits(context.extraData ?? new Uint8Array())]
      const [sps, ...moreSps] = units.filter((unit) => typeOf(unit) === NAL_SPS)
      if (sps === undefined) {
        problems.push(`${name}: it gives no parameter sets`)
        context.freeContext()
        continue
      }
      this.name = name
      this.#context = context
      this.configuration = buildAvcC(
        [sps, ...moreSps],
        units.filter((unit) => typeOf(unit) === NAL_PPS),
      )
      return
    }
    throw new Error(`no H.264 encoder could be opened (${problems.join('; ')})`)
  }

  /** The next picture is to be a key frame. */
  askKey(): void {
    this.#wantsKey = true
  }

  /** @param number of the picture, at the request's rate @throws {FFmpegError} */
  encode(picture: Frame, number: number, sink: (number: number, isKey: boolean, payload: Uint8Array) => void): void {
    picture.pts = BigInt(number)
    picture.pictType = this.#wantsKey ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
    this.#wantsKey = false
    FFmpegError.throwIfError(this.#context.sendFrameSync(picture), 'encoding a picture')
    const packet = this.#packet
    while (this.#context.receivePacketSync(packet) >= 0) {
      const units = [...annexBUnits(packet.data ?? new Uint8Array())].filter((unit) => !isInConfiguration(unit))
      sink(Number(packet.pts), packet.isKeyframe, joinLengthPrefixed(units))
      packet.unref()
    }
  }

  [Symbol.dispose](): void {
    this.#context.freeContext()
    this.#packet.free()
  }
}

function open(
  name: string,
  options: Readonly<Record<string, string>>,
  request: CompleteRequest,
  cores: number,
): CodecContext | string {
  const { widthPixels, heightPixels, frameRate, videoBitrateBps } = request
  const codec = Codec.findEncoderByName(name as FFEncoderCodec)
  if (codec === null) return 'not in this build'
  const context = new CodecContext()
  context.allocContext3(codec)
  context.width = widthPixels
  context.height = heightPixels
  context.pixelFormat = AV_PIX_FMT_YUV420P
  context.timeBase = new Rational(1, frameRate)
  context.framerate = new Rational(frameRate, 1)
  context.gopSize = KEY_FRAME_SECONDS * frameRate
  context.maxBFrames = 0
  context.bitRate = BigInt(videoBitrateBps)
  context.rcMaxRate = BigInt(Math.round(1.5 * videoBitrateBps))
  context.rcBufferSize = 2 * videoBitrateBps
  context.threadCount = widthPixels * heightPixels > MAX_SINGLE_THREAD_PIXELS ? Math.max(1, Math.min(4, cores - 1)) : 1
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER)
  for (const [option, value] of Object.entries(options)) {
    if (context.setOption(option, value, undefined as never, AV_OPT_SEARCH_CHILDREN) < 0) {
      context.freeContext()
      return `it knows no ${option}`
    }
  }
  const opened = context.open2Sync(codec)
  if (opened >= 0) return context
  context.freeContext()
  return new FFmpegError(opened).message
}

function typeOf(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 0x1f
}

function isInConfiguration(unit: Uint8Array): boolean {
  const type = typeOf(unit)
  return type === NAL_SPS || type === NAL_PPS || type === NAL_DELIMITER
}
