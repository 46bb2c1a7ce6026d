import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AV_TIME_BASE,
  AVDISCARD_ALL,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  type AVMediaType,
} from 'node-av/constants'
import {
  avGetCodecName,
  Dictionary,
  FFmpegError,
  FormatContext,
  InputFormat,
  type Packet,
  type Stream,
} from 'node-av/lib'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { MediaTaker } from './frame-writer.ts'
import { codecOf } from './payload-form.ts'
import type { ReadingTask } from './reading-task.ts'
import { SourceTrack } from './source-track.ts'

/** Of the frames' one byte. */
const MAX_TRACKS = 255

/** An open source and its tracks. */
export class Source implements AsyncDisposable {
  readonly #context: FormatContext
  readonly #writer: MediaTaker
  readonly #isLossy: boolean
  readonly #tracks = new Map<number, SourceTrack | undefined>()
  /** Why tracks are left out. */
  readonly reasons: string[] = []
  #takesAll = false
  #isProbed = false

  private constructor(context: FormatContext, writer: MediaTaker, isLossy: boolean) {
    this.#writer = writer
    this.#isLossy = isLossy
    this.#context = context
  }

  /** How long it takes is up to the source. @throws {FFmpegError} */
  static async open({ url, format, options, isLossy }: ReadingTask, writer: MediaTaker): Promise<Source> {
    const context = new FormatContext()
    context.allocContext()
    const source = new Source(context, writer, isLossy)
    const input = format === '' ? null : InputFormat.findInputFormat(format)
    check(await context.openInput(url, input, Dictionary.fromObject(options)))
    return source
  }

  /** libavformat's name of the container. */
  get format(): string {
    return this.#context.iformat?.name ?? ''
  }

  /** How long it says it lasts; 0 when it doesn't. */
  get expectedSeconds(): number {
    const { duration } = this.#context
    return duration === AV_NOPTS_VALUE || duration < 0n ? 0 : Number(duration) / AV_TIME_BASE
  }

  /** Looks at the media, and tells whether there was any. What was looked at is read again. */
  async hasMedia(): Promise<boolean> {
    const result = await this.#context.findStreamInfo()
    this.#isProbed = this.#context.nbStreams > 0
    return result >= 0 || this.#isProbed
  }

  /** Looks at the media until its tracks are known, and announces them. @returns how many @throws {FFmpegError} */
  async findTracks(): Promise<number> {
    if (!this.#isProbed) check(await this.#context.findStreamInfo())
    const { streams } = this.#context
    const best = [AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO]
    // Of several programmes (variants of HLS, channels of a multiplex) one is recorded: the best, with its sound.
    this.#takesAll = this.#context.nbPrograms <= 1
    const chosen = new Set<number>()
    let related = -1
    for (const type of best) {
      related = this.#context.findBestStream(type, -1, related)
      if (related >= 0) chosen.add(related)
    }
    for (const stream of streams) {
      if (this.#takesAll || chosen.has(stream.index)) this.#add(stream)
      else this.#leave(stream)
    }
    return [...this.#tracks.values()].filter((track) => track !== undefined).length
  }

  /** The track of a packet; undefined: it is not wanted. */
  track(packet: Packet): SourceTrack | undefined {
    const index = packet.streamIndex
    if (this.#tracks.has(index)) return this.#tracks.get(index)
    // It has appeared since.
    const stream = this.#context.streams[index]
    if (stream === undefined) return undefined
    if (this.#takesAll) this.#add(stream)
    else this.#leave(stream)
    return this.#tracks.get(index)
  }

  /** The next packet, in the order of the source. @throws {FFmpegError} */
  async read(into: Packet): Promise<void> {
    check(await this.#context.readFrame(into))
  }

  /** Nothing more is read: what tracks have kept goes out. */
  flush(): void {
    for (const track of this.#tracks.values()) track?.flush()
  }

  /** Ends a read that waits. */
  interrupt(): void {
    this.#context.interrupt()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.closeInput()
  }

  #add(stream: Stream): void {
    const { codecId, codecType } = stream.codecpar
    const codec = codecOf(codecId)
    const name = `${kindOf(codecType)} ${avGetCodecName(codecId) ?? codecId}`
    const isPicture = stream.hasDisposition(AV_DISPOSITION_ATTACHED_PIC)
    if (codec === undefined || isPicture || this.#tracks.size >= MAX_TRACKS) {
      this.reasons.push(isPicture ? `${name} is a cover` : `${name} is not supported`)
      this.#leave(stream)
      return
    }
    try {
      const trackId = this.#tracks.size + 1
      this.#tracks.set(
        stream.index,
        new SourceTrack({ stream, codec, trackId, writer: this.#writer, isLossy: this.#isLossy }),
      )
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.reasons.push(`${name}: ${errorMessage(error)}`)
      this.#leave(stream)
    }
  }

  #leave(stream: Stream): void {
    stream.discard = AVDISCARD_ALL
    this.#tracks.set(stream.index, undefined)
  }
}

function kindOf(type: AVMediaType): string {
  return type === AVMEDIA_TYPE_VIDEO ? 'video' : type === AVMEDIA_TYPE_AUDIO ? 'audio' : 'data'
}

function check(code: number): void {
  if (code < 0) throw new FFmpegError(code)
}
