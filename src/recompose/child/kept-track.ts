import { access } from 'node:fs/promises'
import { errorMessage } from '#base/error.ts'
import { Tile } from '#compose/child/tile.ts'
import type { TrackFormat, VideoFormat } from '#media/track.ts'
import { TrackDamagedError, TrackGoneError } from '../errors.ts'
import type { TaskPart, TaskTrack } from '../messages.ts'
import { type FileUnit, FileUnits } from './file-units.ts'

/** A file's tracks lie no further apart than this: one that has nothing to say for longer isn't waited for. */
const MAX_APART_MS = 3_000

/** Its times are the composition's already. */
const COMPOSITION_CLOCK = { dueMs: (sourceMs: number) => sourceMs, arrived() {} }

/** A unit, and where it lies in the composition. */
interface PlacedUnit {
  readonly unit: FileUnit
  readonly dtsMs: number
  readonly ptsMs: number
}

/** A kept track as a tile: read from its files, part after part, as far as the composition has come. */
export class KeptTrack implements AsyncDisposable {
  readonly #task: TaskTrack
  readonly #wanted: Readonly<Record<TrackFormat['kind'], boolean>>
  readonly #parts: TaskPart[]
  #part: TaskPart | undefined
  #units: FileUnits | undefined
  /** The part's zero on the clock of its file; undefined before anything of it was read. */
  #zeroMs: number | undefined
  /** Read, and not yet due. */
  #waiting: PlacedUnit[] = []
  /** What was read last of each kind, and what the tile follows. */
  readonly #readMs = { video: Number.NEGATIVE_INFINITY, audio: Number.NEGATIVE_INFINITY }
  readonly #followed: Partial<Record<TrackFormat['kind'], TrackFormat>> = {}
  #tile: Tile | undefined
  /** It does not come back. */
  #isOver = false

  /** @param wanted kinds that are composed; others are passed over */
  constructor(task: TaskTrack, wanted: Readonly<Record<TrackFormat['kind'], boolean>>) {
    this.#task = task
    this.#wanted = wanted
    this.#parts = [...task.parts]
  }

  /** Undefined while it is away. Valid until the next call of goTo(). */
  get tile(): Tile | undefined {
    return this.#tile
  }

  /** Comes and goes. @returns whether it has done so */
  goTo(atMs: number): boolean {
    const isThere = this.#task.presences.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)
    this.#isOver = this.#task.presences.every(({ toMs }) => toMs <= atMs)
    if (isThere === (this.#tile !== undefined)) return false
    this.#leave()
    if (isThere) this.#tile = new Tile(this.#task.facts, COMPOSITION_CLOCK)
    return true
  }

  /** Gives the tile what lies before. @throws {TrackGoneError} @throws {TrackDamagedError} */
  async read(untilMs: number): Promise<void> {
    if (this.#tile === undefined) {
      if (this.#isOver) await this.#close()
      return
    }
    while (!this.#isReadTo(untilMs)) if (!(await this.#readMore())) break
    const later: PlacedUnit[] = []
    for (const placed of this.#waiting) {
      if (placed.dtsMs > untilMs) later.push(placed)
      else this.#give(this.#tile, placed)
    }
    this.#waiting = later
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave()
    await this.#close()
  }

  async #close(): Promise<void> {
    const units = this.#units
    this.#units = undefined
    this.#waiting = []
    await units?.[Symbol.asyncDispose]()
  }

  #leave(): void {
    this.#tile?.[Symbol.dispose]()
    this.#tile = undefined
    delete this.#followed.video
    delete this.#followed.audio
  }

  #isReadTo(untilMs: number): boolean {
    const { video, audio } = this.#readMs
    return Math.min(video, audio) > untilMs || Math.max(video, audio) > untilMs + MAX_APART_MS
  }

  /** False: there is no more. */
  async #readMore(): Promise<boolean> {
    this.#units ??= await this.#openNext()
    if (this.#units === undefined) return false
    const read = await this.#guarded(this.#units.next())
    if (read === undefined) {
      const units = this.#units
      this.#units = undefined
      await units[Symbol.asyncDispose]()
      return true
    }
    for (const unit of read) this.#place(unit)
    return true
  }

  async #openNext(): Promise<FileUnits | undefined> {
    this.#part = this.#parts.shift()
    if (this.#part === undefined) return undefined
    this.#zeroMs = this.#part.hasOwnZero ? undefined : 0
    return await this.#guarded(FileUnits.open(this.#part.path))
  }

  #place(unit: FileUnit): void {
    this.#zeroMs ??= unit.dtsMs
    const recordedMs = unit.dtsMs - this.#zeroMs + (this.#part?.startMs ?? 0)
    const { spans, rate } = this.#task
    // A millisecond: files count in coarser ticks than ledgers.
    const span = spans.findLast(({ startMs }) => startMs <= recordedMs + 1) ?? spans[0]
    const dtsMs = span === undefined ? recordedMs : span.fromMs + (recordedMs - span.startMs) * rate
    if (!this.#wanted[unit.format.kind]) return
    this.#readMs[unit.format.kind] = dtsMs
    this.#waiting.push({ unit, dtsMs, ptsMs: dtsMs + unit.ptsMs - unit.dtsMs })
  }

  #give(tile: Tile, { unit, dtsMs, ptsMs }: PlacedUnit): void {
    const { format, payload, isRandomAccess } = unit
    const followed = this.#followed[format.kind]
    if (followed === undefined || !isSame(followed, format)) follow(tile, format)
    this.#followed[format.kind] = format
    if (format.kind === 'video') tile.takeVideo(payload, dtsMs, ptsMs, isRandomAccess)
    else tile.takeAudio(payload, ptsMs)
  }

  async #guarded<Value>(reading: Promise<Value>): Promise<Value> {
    try {
      return await reading
    } catch (error) {
      const path = this.#part?.path ?? ''
      const { recordingId } = this.#task
      await access(path).catch(() => {
        throw new TrackGoneError(recordingId, path)
      })
      throw new TrackDamagedError(recordingId, path, errorMessage(error))
    }
  }
}

function follow(tile: Tile, format: TrackFormat): void {
  const { configuration } = format
  if (format.kind === 'video') {
    tile.followVideo({ codec: format.codec, configuration, pixelAspect: aspectOf(format) })
  } else {
    const { codec, sampleRateHz, channels } = format
    tile.followAudio({ codec, configuration, sampleRateHz, channels })
  }
}

function aspectOf({ pixelAspect }: VideoFormat): number {
  const aspect = pixelAspect.horizontal / pixelAspect.vertical
  return aspect > 0 && Number.isFinite(aspect) ? aspect : 1
}

/** Whether a decoder goes on with it: the parts of a recording describe their tracks anew. */
function isSame(a: TrackFormat, b: TrackFormat): boolean {
  return a === b || (a.codec === b.codec && Buffer.compare(a.configuration, b.configuration) === 0)
}
