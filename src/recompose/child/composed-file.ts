import { composedAudio, composedVideo, VIDEO_TIMESCALE } from '#compose/composed-formats.ts'
import type { CompleteRequest } from '#compose/request.ts'
import type { Container, ContainerWriter } from '#containers/container.ts'
import { AccessUnitPool } from '#media/access-unit-pool.ts'
import { codecString } from '#media/codec-string.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartTrackDocument } from '#storage/recording-document.ts'
import type { MadeMessage } from '../messages.ts'

export interface ComposedFileOptions {
  readonly request: CompleteRequest
  /** avcC of the pictures; empty without video. */
  readonly videoConfiguration: Uint8Array
  readonly container: Container
  /** Empty. Stays the caller's. */
  readonly file: PartFile
  readonly durationMs: number
  readonly createdAtMs: number
  readonly fragmentMs: number
}

/** Composed pictures and sound → a finished file of ours. */
export class ComposedFile {
  readonly #options: ComposedFileOptions
  readonly #writer: ContainerWriter
  readonly #pool = new AccessUnitPool()
  readonly #memory = new PayloadMemory()
  readonly #tracks: Partial<Record<TrackFormat['kind'], WrittenTrack>> = {}

  constructor(options: ComposedFileOptions) {
    this.#options = options
    const { request, videoConfiguration, container, durationMs, createdAtMs, fragmentMs } = options
    const written = (format: TrackFormat): WrittenTrack => ({ format, arena: this.#memory.arena(), accessUnits: 0 })
    if (request.video) this.#tracks.video = written(composedVideo(request, videoConfiguration))
    if (request.audio) this.#tracks.audio = written(composedAudio(request))
    const formats = Object.values(this.#tracks).map(({ format }) => format)
    const rest = { createdAtMs, expectedSeconds: durationMs / 1_000, fragmentMs, continuation: undefined }
    this.#writer = container.open({ formats, ...rest })
  }

  /** @param number of the picture, at the request's rate */
  picture(number: number, isKey: boolean, payload: Uint8Array): void {
    const { frameRate } = this.#options.request
    this.#write(this.#tracks.video, Math.round((number * VIDEO_TIMESCALE) / frameRate), isKey, payload)
  }

  /** @param position of its first sample, at 48 kHz */
  sound(position: number, payload: Uint8Array): void {
    this.#write(this.#tracks.audio, position, true, payload)
  }

  /** What is complete goes to the file. @throws {StorageError} */
  async pass(): Promise<void> {
    if (this.#writer.hasOutput) await this.#drain()
  }

  /** Everything was written. @throws {StorageError} */
  async finish(): Promise<MadeMessage> {
    const { container, file } = this.#options
    this.#writer.flush('end')
    await this.#drain()
    const { durationMs, bytes, tracks } = await container.finish(file)
    await file.sync()
    const documents = Object.values(this.#tracks).map(({ format, accessUnits }): PartTrackDocument => {
      const { trackId, kind, codec } = format
      const payloadBytes = tracks.find((track) => track.trackId === trackId)?.payloadBytes ?? 0
      const common = { trackId, kind, codec, codecString: codecString(format), accessUnits, payloadBytes }
      if (format.kind === 'video') return { ...common, width: format.widthPixels, height: format.heightPixels }
      return { ...common, sampleRateHz: format.sampleRateHz, channels: format.channels }
    })
    return { kind: 'made', durationMs, bytes, tracks: documents }
  }

  #write(track: WrittenTrack | undefined, dts: number, isRandomAccess: boolean, payload: Uint8Array): void {
    if (track === undefined) return
    const reservation = track.arena.reserve(payload.length)
    reservation.bytes.set(payload)
    const unit = this.#pool.make(track.format, { dts, pts: dts, isRandomAccess }, reservation)
    this.#writer.write(unit, { dts, pts: dts })
    unit.release()
    track.accessUnits++
  }

  async #drain(): Promise<void> {
    const { file } = this.#options
    for (let output = this.#writer.takeOutput(); output !== undefined; output = this.#writer.takeOutput()) {
      await file.apply(output.changes)
      for (const unit of output.accessUnits) unit.release()
    }
  }
}

interface WrittenTrack {
  readonly format: TrackFormat
  readonly arena: ReturnType<PayloadMemory['arena']>
  accessUnits: number
}
