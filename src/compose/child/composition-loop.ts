import { availableParallelism } from 'node:os'
import {
  type BeginMessage,
  type ChildInput,
  type ChildOutput,
  FLAG_RANDOM_ACCESS,
  FLAG_REMEMBERED,
  FLAG_VIDEO,
  type MediaMessage,
  OUTPUT_RATE_HZ,
  type TileMessage,
  type UnitsMessage,
} from '../messages.ts'
import { MixedSound } from './mixed-sound.ts'
import { PictureEncoder } from './picture-encoder.ts'
import { Scene } from './scene.ts'
import { SourceClock } from './source-clock.ts'
import { Tile } from './tile.ts'

/** Of a composition without pictures, between its messages. */
const SOUND_INTERVAL_MS = 80
/** What sources wait at least: for what is gathered on its way here. Pictures are sent sooner than sound alone. */
const [MIN_DELAY_MS, MIN_SOUND_DELAY_MS] = [100, 200]
/** Share of a picture's time that decoding of what should have been shown before may take. */
const PATIENCE_SHARE = 0.5

/**
 * Pictures that are later than this are left out. Less is caught up with: the stream's clock is the number of the
 * picture, and nobody sees when it was made.
 */
const MAX_LATE_MS = 250

/** The child's work: every so often what is due of all tiles becomes a picture and a piece of sound. */
export class CompositionLoop {
  readonly #tell: (message: ChildOutput) => void
  /** performance.now() at the composition's zero. */
  readonly #zeroMs: number
  readonly #intervalMs: number
  readonly #minDelayMs: number
  readonly #tiles = new Map<number, Tile>()
  readonly #scene: Scene | undefined
  readonly #pictures: PictureEncoder | undefined
  readonly #sound: MixedSound | undefined
  /** Of the next picture. */
  #number: number
  #ordered: Tile[] = []
  #droppedPictures = 0
  #takenBytes = 0

  /** @throws {Error} an encoder can't be opened */
  constructor(begin: BeginMessage, tell: (message: ChildOutput) => void) {
    const { request, nowMs, sentNs, fromMs } = begin
    this.#tell = tell
    const sentAgoMs = Number(process.hrtime.bigint() - sentNs) / 1e6
    this.#zeroMs = performance.now() - sentAgoMs - nowMs
    this.#intervalMs = request.video ? 1_000 / request.frameRate : SOUND_INTERVAL_MS
    this.#minDelayMs = request.video ? MIN_DELAY_MS : MIN_SOUND_DELAY_MS
    if (request.video) {
      this.#pictures = new PictureEncoder(request, availableParallelism())
      this.#scene = new Scene(request.widthPixels, request.heightPixels, request.layout)
    }
    this.#number = Math.ceil(Math.max(fromMs, this.#nowMs()) / this.#intervalMs)
    if (request.audio) this.#sound = new MixedSound(request.audioBitrateBps, this.#samplesAt(this.#number))
    tell({
      kind: 'ready',
      encoder: this.#pictures?.name ?? '',
      videoConfiguration: this.#pictures?.configuration ?? new Uint8Array(),
    })
    this.#schedule()
  }

  take(message: Exclude<ChildInput, BeginMessage>): void {
    switch (message.kind) {
      case 'units':
        this.#takeUnits(message)
        break
      case 'key':
        this.#pictures?.askKey()
        break
      case 'layout':
        if (this.#scene !== undefined) this.#scene.layout = message.layout
        break
      case 'tile':
        this.#takeTile(message)
        break
      case 'leave':
        this.#tiles.get(message.tile)?.[Symbol.dispose]()
        this.#tiles.delete(message.tile)
        this.#arranged()
        break
      case 'video':
        this.#tiles.get(message.tile)?.followVideo(message.source)
        break
      case 'audio':
        this.#tiles.get(message.tile)?.followAudio(message.source)
        break
    }
  }

  #takeTile(message: TileMessage): void {
    const tile = this.#tiles.get(message.tile)
    if (tile === undefined) this.#tiles.set(message.tile, new Tile(message.facts, new SourceClock(this.#minDelayMs)))
    else tile.facts = message.facts
    this.#arranged()
  }

  #arranged(): void {
    this.#ordered = [...this.#tiles.values()].sort((a, b) => (a.facts.order ?? 0) - (b.facts.order ?? 0))
    this.#scene?.changed()
  }

  #takeUnits({ tiles, flags, dtsMs, ptsMs, arrivedMs, sizes, bytes }: UnitsMessage): void {
    let start = 0
    for (const [index, size] of sizes.entries()) {
      const tile = this.#tiles.get(tiles[index] ?? 0)
      const flag = flags[index] ?? 0
      const payload = bytes.subarray(start, start + size)
      const [dts, pts] = [dtsMs[index] ?? 0, ptsMs[index] ?? 0]
      start += size
      if (tile === undefined) continue
      tile.arrived(dts, arrivedMs[index] ?? 0, (flag & FLAG_REMEMBERED) !== 0)
      if ((flag & FLAG_VIDEO) === 0) tile.takeAudio(payload, pts)
      else tile.takeVideo(payload, dts, pts, (flag & FLAG_RANDOM_ACCESS) !== 0)
    }
    this.#takenBytes += bytes.length
  }

  #schedule(): void {
    const waitMs = this.#number * this.#intervalMs - this.#nowMs()
    // Always by way of the event loop: what has come is taken in between.
    if (waitMs < 1) setImmediate(() => this.#tick())
    else setTimeout(() => this.#tick(), waitMs)
  }

  #tick(): void {
    const atMs = this.#number * this.#intervalMs
    const lateMs = this.#nowMs() - atMs
    if (lateMs < -1) {
      this.#schedule()
      return
    }
    const pictures: { number: number; isKey: boolean; payload: Uint8Array }[] = []
    // Sound first, and always: there is time for it, pictures are what may be left out.
    const audio = this.#mix(this.#samplesAt(this.#number))
    if (lateMs > MAX_LATE_MS) this.#droppedPictures += this.#pictures === undefined ? 0 : 1
    else if (this.#pictures !== undefined && this.#scene !== undefined) {
      // A source's picture may be shown up to half a picture early, so that it is late by no more on average.
      const dueMs = atMs + this.#intervalMs / 2
      const picture = this.#scene.draw(this.#ordered, dueMs, PATIENCE_SHARE * this.#intervalMs)
      this.#pictures.encode(picture, this.#number, (number, isKey, payload) =>
        pictures.push({ number, isKey, payload }),
      )
    }
    const { user, system } = process.cpuUsage()
    this.#tell({
      kind: 'media',
      pictures,
      ...audio,
      takenBytes: this.#takenBytes,
      droppedPictures: this.#droppedPictures,
      cpuMs: (user + system) / 1_000,
    })
    this.#takenBytes = 0
    this.#number++
    this.#schedule()
  }

  #mix(to: number): Pick<MediaMessage, 'audioPositions' | 'audioSizes' | 'audioBytes'> {
    const inputs = [...this.#tiles.values()].flatMap((tile) => tile.sound ?? [])
    const { positions, payloads } = this.#sound?.mixTo(to, inputs) ?? { positions: [], payloads: [] }
    return {
      audioPositions: Float64Array.from(positions),
      audioSizes: Uint32Array.from(payloads, ({ length }) => length),
      audioBytes: Buffer.concat(payloads),
    }
  }

  #samplesAt(number: number): number {
    return Math.round((number * this.#intervalMs * OUTPUT_RATE_HZ) / 1_000)
  }

  #nowMs(): number {
    return performance.now() - this.#zeroMs
  }
}
