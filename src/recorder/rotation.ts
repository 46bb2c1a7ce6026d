import type { CutOutlook } from './cutter.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import { Schedule } from './schedule.ts'

/**
 * A GOP that begins this little before the rotation time still begins the new part: timestamps are rounded. Of short
 * GOPs (sound alone) at most half of one, or every part would be too short.
 */
const ROTATION_TOLERANCE_MS = 50

/** Other tracks run ahead of the leading one by no more than this, so near a cut this much is watched. */
const WATCH_MS = 1_000

/** The wall clock that `rotate.at` goes by. */
export interface RotationClock {
  readonly nowMs: () => number
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string
}

/**
 * Decides when a recording's parts are to be cut: by time, by size, by the clock on the wall, or because somebody asked.
 * A GOP is here what lies between two points where a cut may be; with exact cuts that is every access unit of the leading
 * track.
 */
export class Rotation {
  readonly #seconds: number
  readonly #bytes: number
  readonly #schedule: Schedule | undefined
  readonly #nowMs: () => number
  #splitRequested = false
  #gopStartMs = Number.NEGATIVE_INFINITY
  #gopMs = Number.POSITIVE_INFINITY
  #gopBytes = 0
  #lastGopBytes = 0

  constructor(
    request: Pick<ResolvedRequest, 'rotateSeconds' | 'rotateBytes' | 'rotateAt'>,
    { nowMs, timeZone }: RotationClock,
  ) {
    this.#seconds = request.rotateSeconds
    this.#bytes = request.rotateBytes
    this.#nowMs = nowMs
    this.#schedule = request.rotateAt === '' ? undefined : new Schedule(request.rotateAt, timeZone, nowMs())
  }

  /** Asks for a new part at the next point where a cut may be. */
  split(): void {
    this.#splitRequested = true
  }

  /** A new part was begun. */
  wasCut(): void {
    this.#splitRequested = false
    this.#schedule?.restart(this.#nowMs())
  }

  /** Counts an access unit of any track, which lies at `atMs` of the recording. */
  add(payloadBytes: number, atMs: number, startsGop: boolean): void {
    if (startsGop) {
      this.#gopMs = atMs - this.#gopStartMs
      this.#gopStartMs = atMs
      this.#lastGopBytes = this.#gopBytes
      this.#gopBytes = 0
    }
    this.#gopBytes += payloadBytes
  }

  /**
   * What to do at `atMs` of the recording, where the newest access unit lies.
   * @param zeroMs where the present part begins @param bytes everything accepted for it
   */
  outlook(atMs: number, zeroMs: number, bytes: number): CutOutlook {
    if (this.#splitRequested) return 'due'
    const dueInMs = this.#schedule === undefined ? Infinity : this.#schedule.dueInMs(this.#nowMs())
    if (dueInMs <= 0) return 'due'
    if (this.#seconds + this.#bytes === 0) return dueInMs <= WATCH_MS ? 'possible' : 'never'
    const toleranceMs = Math.min(ROTATION_TOLERANCE_MS, this.#gopMs / 2)
    const dueMs = this.#seconds === 0 ? Infinity : zeroMs + this.#seconds * 1000 - toleranceMs
    if (this.#bytes > 0 && bytes + this.#lastGopBytes >= this.#bytes) return 'due'
    if (atMs >= dueMs) return 'due'
    // What other tracks bring past the time of a coming cut has to wait for it.
    if (this.#bytes > 0 && bytes + 2 * this.#lastGopBytes >= this.#bytes) return 'possible'
    return atMs >= dueMs - WATCH_MS || dueInMs <= WATCH_MS ? 'possible' : 'never'
  }
}
