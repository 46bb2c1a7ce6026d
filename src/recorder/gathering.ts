import { leadingTrackId } from '#hub/leading-track.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'

/** Held back at most this long for a random access point; then what there is begins the recording. */
const MAX_WAIT_MS = 10_000
/** And at most this much. */
const MAX_HELD_BYTES = 16 * 1024 * 1024

export interface GatheringOptions {
  readonly startOn: 'keyframe' | 'now'
  readonly audio: boolean
  readonly video: boolean
  /** Wait this long for the second kind of track. */
  readonly trackWaitMs: number
  /** The recording saw the stream from its first access unit on: everything belongs to it. */
  readonly fromFirst: boolean
  readonly monotonicMs: () => number
}

/**
 * Collects a stream's beginning until a file can be begun well: a random access point of the leading track is there,
 * and both audio and video have come or were waited for.
 */
export class Gathering implements Disposable {
  readonly #options: GatheringOptions
  readonly #formats = new Map<number, TrackFormat>()
  readonly #heard = new Set<number>()
  #held: AccessUnit[] = []
  #heldBytes = 0
  /** When the first that is held came. */
  #heldSinceMs: number | undefined
  #sinceMs: number | undefined
  #start: AccessUnit | undefined

  constructor(options: GatheringOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#held.length === 0
  }

  /** Access units so far. */
  get count(): number {
    return this.#held.length
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The first that is held came so long ago. */
  get heldForMs(): number {
    return this.#heldSinceMs === undefined ? 0 : this.#options.monotonicMs() - this.#heldSinceMs
  }

  format(format: TrackFormat): void {
    const leadingBefore = leadingTrackId(this.#formats.values())
    this.#formats.set(format.trackId, format)
    // Video that appears after audio leads from now on; the audio's start no longer counts.
    if (leadingTrackId(this.#formats.values()) !== leadingBefore) this.#start = undefined
  }

  /** Nothing came yet that the recording may begin with. */
  get waitsForRandomAccess(): boolean {
    return this.#start === undefined
  }

  /** Retains what may belong to the recording, which came so long ago; false when it can't begin with that. */
  add(accessUnit: AccessUnit, ageMs = 0): boolean {
    this.#sinceMs ??= this.#options.monotonicMs()
    const { trackId } = accessUnit.format
    const isLeading = trackId === leadingTrackId(this.#formats.values())
    if (this.#start === undefined && isLeading) {
      if (accessUnit.isRandomAccess || this.#options.startOn === 'now') this.#start = accessUnit
      else return false
    }
    this.#heard.add(trackId)
    this.#heldSinceMs ??= this.#options.monotonicMs() - ageMs
    this.#held.push(accessUnit.retain())
    this.#heldBytes += accessUnit.payloadBytes
    return true
  }

  get isReady(): boolean {
    if (this.#held.length === 0 || this.#sinceMs === undefined) return false
    const waitedMs = this.#options.monotonicMs() - this.#sinceMs
    if (waitedMs >= MAX_WAIT_MS || this.#heldBytes > MAX_HELD_BYTES) return true
    if (this.#start === undefined) return false
    return this.#hasAll() || waitedMs >= this.#options.trackWaitMs
  }

  /**
   * Presentation time of the random access point that begins a recording in mid-stream, milliseconds: what other tracks
   * present before it belongs to what was missed. Undefined when nothing was, or nothing decodes.
   */
  get startMs(): number | undefined {
    const start = this.#start
    if (start === undefined || this.#options.fromFirst) return undefined
    return (start.pts * 1000) / start.format.timescale
  }

  /** What came, in the stream's order. The caller owns the references. */
  take(): AccessUnit[] {
    const taken = this.#held
    this.#held = []
    this.#heldBytes = 0
    return taken
  }

  [Symbol.dispose](): void {
    for (const accessUnit of this.#held) accessUnit.release()
    this.#held = []
    this.#heldBytes = 0
  }

  /** Both kinds are known and, where nothing of the stream was missed, every known track has begun. */
  #hasAll(): boolean {
    let audio = !this.#options.audio
    let video = !this.#options.video
    for (const { kind, trackId } of this.#formats.values()) {
      if (kind === 'audio') audio = true
      else video = true
      // Its first access unit may lie before what came so far, and nothing may lie before a recording's zero.
      if (this.#options.fromFirst && !this.#heard.has(trackId)) return false
    }
    return audio && video
  }
}
