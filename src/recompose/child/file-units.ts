import { AVERROR_EOF } from 'node-av/constants'
import { FFmpegError, Packet } from 'node-av/lib'
import type { MediaTaker } from '#ingest/pull/libav/frame-writer.ts'
import { readingTask } from '#ingest/pull/libav/reading-task.ts'
import { Source } from '#ingest/pull/libav/source.ts'
import type { TrackFrame } from '#ingest/pull/libav/wire.ts'
import { isVideoCodec } from '#media/codec.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { TrackFormat } from '#media/track.ts'

/** An access unit of a file; times are milliseconds of the file. */
export interface FileUnit {
  readonly format: TrackFormat
  readonly payload: Uint8Array
  readonly dtsMs: number
  readonly ptsMs: number
  readonly isRandomAccess: boolean
}

/** The access units of a file that was recorded here, in the file's order: its first video and its first audio track. */
export class FileUnits implements AsyncDisposable {
  readonly #source: Source
  readonly #read: FileUnit[]
  readonly #packet = new Packet()

  private constructor(source: Source, read: FileUnit[]) {
    this.#source = source
    this.#read = read
    this.#packet.alloc()
  }

  /** @throws {FFmpegError} it is no media file @throws {TapedeckError} */
  static async open(path: string): Promise<FileUnits> {
    const read: FileUnit[] = []
    const task = readingTask({ scheme: 'file', url: `file:${path}` }, { idleTimeoutMs: 0, verifyTls: false })
    const source = await Source.open(task, new UnitTaker(read))
    try {
      await source.findTracks()
    } catch (error) {
      await source[Symbol.asyncDispose]()
      throw error
    }
    return new FileUnits(source, read)
  }

  /** What the next packet has brought, which may be nothing yet; undefined: it is over. @throws {FFmpegError} */
  async next(): Promise<FileUnit[] | undefined> {
    const packet = this.#packet
    try {
      await this.#source.read(packet)
    } catch (error) {
      if (!(error instanceof FFmpegError) || error.code !== AVERROR_EOF) throw error
      this.#source.flush()
      return this.#read.length === 0 ? undefined : this.#read.splice(0)
    }
    this.#source.track(packet)?.take(packet)
    packet.unref()
    return this.#read.splice(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#packet.free()
    await this.#source[Symbol.asyncDispose]()
  }
}

/** Keeps what it takes. */
class UnitTaker implements MediaTaker {
  readonly #read: FileUnit[]
  readonly #formats = new Map<number, TrackFormat>()
  readonly #chosen: Partial<Record<TrackFormat['kind'], number>> = {}

  constructor(read: FileUnit[]) {
    this.#read = read
  }

  track(frame: TrackFrame): void {
    const { trackId, codec } = frame
    const made = { ...frame, configuration: new Uint8Array(Buffer.from(frame.configuration, 'base64')) }
    const format = isVideoCodec(codec) ? makeVideoFormat({ ...made, codec }) : makeAudioFormat({ ...made, codec })
    this.#chosen[format.kind] ??= trackId
    if (this.#chosen[format.kind] === trackId) this.#formats.set(trackId, format)
  }

  accessUnit(head: Parameters<MediaTaker['accessUnit']>[0], payload: Uint8Array): void {
    const format = this.#formats.get(head.trackId)
    if (format === undefined || head.isUnusable) return
    const toMs = (ticks: number) => (ticks * 1_000) / format.timescale
    this.#read.push({
      format,
      payload: Uint8Array.from(payload),
      dtsMs: toMs(head.dts),
      ptsMs: toMs(head.pts),
      isRandomAccess: head.isRandomAccess,
    })
  }
}
