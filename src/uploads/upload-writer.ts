import { TapedeckError } from '#base/error.ts'
import type { Container, ContainerName, ContainerWriter, PartSummary } from '#containers/container.ts'
import type { MediaTaker } from '#ingest/pull/libav/frame-writer.ts'
import type { TrackFrame, UnitHead } from '#ingest/pull/libav/wire.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { AccessUnitPool } from '#media/access-unit-pool.ts'
import { type Codec, isVideoCodec } from '#media/codec.ts'
import { codecString } from '#media/codec-string.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import { type PayloadArena, PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { Timeline } from '#recorder/timeline.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartTrackDocument } from '#storage/recording-document.ts'
import { UploadNotHeldError } from './errors.ts'

/** Media read before the tracks are taken as they are: one that is announced may have nothing in it. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024
const MAX_WAITING_MS = 10_000

/** A file has its pauses where it has them; only what nobody can mean by a pause is taken for a clock that jumped. */
const JUMP_MS = 6 * 3_600_000

/** Times before the file's zero (edit lists, the priming of sound) stay positive. */
const LEAD_SECONDS = 10

/** In this order the first that carries every track; WebM first where that is the tracks' own. */
const CONTAINERS = ['mp4', 'mkv', 'ts', 'flv', 'webm'] as const satisfies readonly ContainerName[]

export interface UploadWriterOptions {
  /** Empty. Stays the caller's. */
  readonly file: PartFile
  readonly containers: Readonly<Record<ContainerName, Container>>
  readonly fragmentMs: number
  /** Tracks that were found. */
  readonly tracks: number
  /** Of the whole; 0 when unknown. */
  readonly expectedSeconds: number
  readonly createdAtMs: number
}

interface WrittenTrack {
  format: TrackFormat
  accessUnits: number
  payloadBytes: number
  lost: number
}

/** Media of a file, as it is read → a finished file of ours, every access unit as it was. */
export class UploadWriter implements MediaTaker {
  readonly #options: UploadWriterOptions
  readonly #timeline = new Timeline(0, JUMP_MS)
  readonly #pool = new AccessUnitPool()
  readonly #memory = new PayloadMemory()
  readonly #arenas = new Map<number, PayloadArena>()
  readonly #formats = new Map<number, TrackFormat>()
  readonly #tracks = new Map<number, WrittenTrack>()
  #waiting: AccessUnit[] = []
  #waitingBytes = 0
  #container: Container | undefined
  #writer: ContainerWriter | undefined

  constructor(options: UploadWriterOptions) {
    this.#options = options
  }

  /** Any access unit was there. */
  get hasMedia(): boolean {
    return this.#writer !== undefined || this.#waiting.length > 0
  }

  /** @throws {TapedeckError} the configuration is malformed */
  track(frame: TrackFrame): void {
    const { codec } = frame
    const made = { ...frame, configuration: new Uint8Array(Buffer.from(frame.configuration, 'base64')) }
    const format = isVideoCodec(codec) ? makeVideoFormat({ ...made, codec }) : makeAudioFormat({ ...made, codec })
    this.#formats.set(frame.trackId, format)
  }

  /** @throws {UploadNotHeldError} no container holds these tracks */
  accessUnit(head: UnitHead, payload: Uint8Array): void {
    const format = this.#formats.get(head.trackId)
    if (format === undefined) return
    if (head.isUnusable) {
      this.#of(format).lost++
      return
    }
    const reservation = this.#arena(head.trackId).reserve(payload.length)
    reservation.bytes.set(payload)
    const lead = LEAD_SECONDS * format.timescale
    const dts = head.dts + lead
    const timing = { dts, pts: Math.max(dts, head.pts + lead), isRandomAccess: head.isRandomAccess }
    const unit = this.#pool.make(format, timing, reservation)
    if (this.#writer !== undefined) {
      this.#write(this.#writer, unit)
      return
    }
    this.#waiting.push(unit)
    this.#waitingBytes += payload.length
    if (this.#mayBegin(unit)) this.#begin()
  }

  /** What is complete goes to the file. Call after every packet. @throws {StorageError} */
  async pass(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined || !writer.hasOutput) return
    await this.#drain(writer)
  }

  /** Everything was taken. @throws {UploadNotHeldError} @throws {StorageError} */
  async finish(): Promise<{ container: Container; summary: PartSummary; tracks: PartTrackDocument[] }> {
    if (this.#writer === undefined) this.#begin()
    const [writer, container] = [this.#writer, this.#container]
    if (writer === undefined || container === undefined) throw new UploadNotHeldError('it holds no access unit')
    writer.flush('end')
    await this.#drain(writer)
    const summary = await container.finish(this.#options.file)
    for (const { trackId, payloadBytes } of summary.tracks) {
      const track = this.#tracks.get(trackId)
      if (track !== undefined) track.payloadBytes = payloadBytes
    }
    const tracks = [...this.#tracks.values()].filter(({ accessUnits }) => accessUnits > 0)
    return { container, summary, tracks: tracks.map(trackDocument).sort((a, b) => a.trackId - b.trackId) }
  }

  /** Access units that could not be kept, by track. */
  get lost(): { trackId: number; accessUnits: number }[] {
    return [...this.#tracks.values()]
      .filter(({ lost }) => lost > 0)
      .map(({ format, lost }) => ({ trackId: format.trackId, accessUnits: lost }))
  }

  #mayBegin(unit: AccessUnit): boolean {
    const begun = new Set(this.#waiting.map(({ format }) => format.trackId))
    if (begun.size >= this.#options.tracks || this.#waitingBytes >= MAX_WAITING_BYTES) return true
    const [first] = this.#waiting
    return first !== undefined && Math.abs(dtsMs(unit) - dtsMs(first)) >= MAX_WAITING_MS
  }

  #begin(): void {
    const units = this.#waiting
    let earliest = units[0]
    for (const unit of units) if (earliest === undefined || dtsMs(unit) < dtsMs(earliest)) earliest = unit
    if (earliest === undefined) return
    // Those of the first units: a change of format that came since is made when its unit is written.
    const formats = new Map<number, TrackFormat>()
    for (const { format } of units) if (!formats.has(format.trackId)) formats.set(format.trackId, format)
    const { containers, fragmentMs, expectedSeconds, createdAtMs } = this.#options
    const container = containerFor([...formats.values()], containers)
    const rest = { createdAtMs, expectedSeconds, fragmentMs, continuation: undefined }
    this.#container = container
    this.#writer = container.open({ formats: [...formats.values()], ...rest })
    for (const format of formats.values()) this.#of(format)
    this.#timeline.begin(earliest.dts, earliest.format.timescale)
    this.#waiting = []
    for (const unit of units) this.#write(this.#writer, unit)
  }

  #write(writer: ContainerWriter, unit: AccessUnit): void {
    const { format } = unit
    const isNew = !this.#tracks.has(format.trackId)
    const track = this.#of(format)
    if (isNew || track.format !== format) {
      if (!mayChange(writer, format)) {
        throw new UploadNotHeldError(`${format.codec} changes on the way, or begins late, and no file can follow`)
      }
      track.format = format
    }
    const timing = this.#timeline.map(unit)
    if (timing === undefined) track.lost++
    else {
      writer.write(unit, timing)
      track.accessUnits++
    }
    unit.release()
  }

  async #drain(writer: ContainerWriter): Promise<void> {
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      await this.#options.file.apply(output.changes)
      for (const unit of output.accessUnits) unit.release()
    }
  }

  #of(format: TrackFormat): WrittenTrack {
    let track = this.#tracks.get(format.trackId)
    if (track === undefined) {
      track = { format, accessUnits: 0, payloadBytes: 0, lost: 0 }
      this.#tracks.set(format.trackId, track)
    }
    return track
  }

  #arena(trackId: number): PayloadArena {
    let arena = this.#arenas.get(trackId)
    if (arena === undefined) {
      arena = this.#memory.arena()
      this.#arenas.set(trackId, arena)
    }
    return arena
  }
}

/** A format that the container can't even describe is one it can't follow. */
function mayChange(writer: ContainerWriter, format: TrackFormat): boolean {
  try {
    return writer.changeFormat(format)
  } catch (error) {
    if (error instanceof TapedeckError) return false
    throw error
  }
}

/**
 * Sound is not transcoded here. Browsers play Opus in MP4, which some players do not; Matroska, where it would go
 * instead, fewer play.
 */
function isAtHome(container: Container, codec: Codec): boolean {
  return container.carries(codec) && (codec === 'opus' || !container.rarelyPlayed?.includes(codec))
}

function containerFor(
  formats: readonly TrackFormat[],
  containers: Readonly<Record<ContainerName, Container>>,
): Container {
  const isFor = (container: Container): boolean => {
    const count = (kind: TrackFormat['kind']) => formats.filter((format) => format.kind === kind).length
    return (
      formats.every(({ codec }) => isAtHome(container, codec)) &&
      count('video') <= container.maxVideoTracks &&
      count('audio') <= container.maxAudioTracks
    )
  }
  const isWebm = formats.some(({ codec }) => codec === 'vp8' || codec === 'vp9') && isFor(containers.webm)
  const name = isWebm ? 'webm' : CONTAINERS.find((each) => isFor(containers[each]))
  if (name !== undefined) return containers[name]
  const codecs = formats.map(({ codec }) => codec).join(' and ')
  throw new UploadNotHeldError(`no container holds ${codecs} together`)
}

function trackDocument({ format, accessUnits, payloadBytes }: WrittenTrack): PartTrackDocument {
  const { trackId, kind, codec } = format
  const common = { trackId, kind, codec, codecString: codecStringOf(format), accessUnits, payloadBytes }
  if (format.kind === 'video') return { ...common, width: format.widthPixels, height: format.heightPixels }
  return { ...common, sampleRateHz: format.sampleRateHz, channels: format.channels }
}

/** Media whose configuration nobody can read is kept all the same: the codec's name has to do. */
function codecStringOf(format: TrackFormat): string {
  try {
    return codecString(format)
  } catch (error) {
    if (error instanceof TapedeckError) return format.codec
    throw error
  }
}

function dtsMs({ dts, format }: AccessUnit): number {
  return (dts * 1000) / format.timescale
}
