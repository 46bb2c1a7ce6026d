import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import type { CombinedTrack, SourceClock } from './combined-track.ts'
import type { Stream, StreamEnd, StreamSink } from './stream.ts'

/**
 * A source is watched this long before its clock is placed: what comes first may have waited somewhere (an origin's or
 * a player's buffer), and the access unit that waited least tells best when all of them were made.
 */
const JOIN_MS = 500
/** Held back meanwhile at most. */
const MAX_HELD_BYTES = 8 * 1024 * 1024

/** What a source needs of the stream it is part of. */
export interface CombinedTarget {
  /** Present time of the combined stream, milliseconds. */
  nowMs(): number
  /** Places a track among those of the stream; the same one again when it returns. Undefined: there are too many. */
  track(source: CombinedSource, format: TrackFormat): CombinedTrack | undefined
  announce(format: TrackFormat): void
  /** Takes the reference over. */
  write(accessUnit: AccessUnit): void
  ended(trackId: number): void
  /** The source knows where its clock lies: begin() it. */
  ready(source: CombinedSource): void
}

/** A path whose stream is part of a combined one, whenever somebody publishes it. */
export class CombinedSource implements StreamSink {
  readonly path: string
  readonly clock: SourceClock
  readonly #target: CombinedTarget
  /** By the source's own track ids; kept when it leaves. */
  readonly #tracks = new Map<number, CombinedTrack>()
  readonly #live = new Set<number>()
  #stream: Stream | undefined
  #attachment: Disposable | undefined
  #held: (AccessUnit | TrackFormat)[] | undefined
  #heldBytes = 0
  /** Of the stream whose clock was placed last. */
  #streamId = ''
  #attachedId = ''
  #leastLagMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #isListening = false

  constructor(path: string, target: CombinedTarget) {
    this.path = path
    this.#target = target
    this.clock = { offsetMs: 0, nowMs: () => target.nowMs() }
  }

  get isLive(): boolean {
    return this.#isListening
  }

  /** It waits for its clock to be placed. */
  get isJoining(): boolean {
    return this.#held !== undefined && this.#held.length > 0
  }

  /** Ids in the combined stream, of the tracks that bring something now. */
  get trackIds(): readonly number[] {
    return [...this.#live].map((id) => this.#tracks.get(id)?.id ?? 0).sort((a, b) => a - b)
  }

  attach(stream: Stream): void {
    this.detach()
    this.#isListening = true
    this.#stream = stream
    if (stream.id === this.#streamId) {
      // Removed and added again: its clock is known, and what it remembers has been passed on in part.
      for (const track of this.#tracks.values()) track.enter()
    } else {
      this.#held = []
    }
    this.#leastLagMs = Number.POSITIVE_INFINITY
    this.#attachedId = stream.id
    const attachment = stream.attach(this, { from: 'memory', live: false })
    if (!this.#isListening) return
    this.#attachment = attachment
    // Nothing to decode from on, or the stream has been past it.
    if (stream.id === this.#streamId || stream.memoryAgeMs(0) === undefined) stream.askRandomAccess()
  }

  get canAskRandomAccess(): boolean {
    return this.#stream?.canAskRandomAccess() === true
  }

  askRandomAccess(): void {
    this.#stream?.askRandomAccess()
  }

  /** Leaves its stream; its tracks end. */
  detach(): void {
    this.#isListening = false
    this.#stream = undefined
    this.#attachment?.[Symbol.dispose]()
    this.#attachment = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const item of this.#held ?? []) if ('payloadBytes' in item) item.release()
    this.#held = undefined
    this.#heldBytes = 0
    for (const id of this.#live) {
      const track = this.#tracks.get(id)
      if (track !== undefined) this.#target.ended(track.id)
    }
    this.#live.clear()
  }

  /**
   * The clock is placed by what has come: everything goes on from now. Gives what was held back; the caller hands it to
   * take() and releases it.
   */
  begin(): readonly (AccessUnit | TrackFormat)[] {
    const held = this.#held ?? []
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#held = undefined
    this.#heldBytes = 0
    this.clock.offsetMs = this.#leastLagMs
    this.#streamId = this.#attachedId
    for (const track of this.#tracks.values()) track.enter()
    return held
  }

  /** Passes on what was held back, or has come. */
  take(item: AccessUnit | TrackFormat): void {
    if ('payloadBytes' in item) this.#pass(item)
    else this.#follow(item)
  }

  format(format: TrackFormat): void {
    if (this.#held === undefined) this.#follow(format)
    else this.#held.push(format)
  }

  accessUnit(accessUnit: AccessUnit): void {
    if (!this.#isListening) return
    if (this.#held === undefined) {
      this.#pass(accessUnit)
      return
    }
    const { format, dts, payloadBytes } = accessUnit
    this.#held.push(accessUnit.retain())
    this.#heldBytes += payloadBytes
    this.#leastLagMs = Math.min(this.#leastLagMs, this.#target.nowMs() - (dts * 1000) / format.timescale)
    this.#timer ??= setTimeout(() => this.#target.ready(this), JOIN_MS)
    if (this.#heldBytes > MAX_HELD_BYTES) this.#target.ready(this)
  }

  trackEnded(trackId: number): void {
    const track = this.#tracks.get(trackId)
    if (this.#live.delete(trackId) && track !== undefined) this.#target.ended(track.id)
  }

  ended(_end: StreamEnd): void {
    if (!this.#isListening) return
    // Shorter than the wait, and no less part of it.
    if (this.isJoining) this.#target.ready(this)
    this.detach()
  }

  #follow(format: TrackFormat): void {
    let track = this.#tracks.get(format.trackId)
    if (track === undefined) {
      track = this.#target.track(this, format)
      if (track === undefined) return
      this.#tracks.set(format.trackId, track)
    }
    this.#live.add(format.trackId)
    this.#target.announce(track.follow(format))
  }

  #pass(accessUnit: AccessUnit): void {
    const { format } = accessUnit
    // What was remembered or held back may be of the formats before.
    if (this.#tracks.get(format.trackId)?.follows(format) !== true) this.#follow(format)
    const placed = this.#tracks.get(format.trackId)?.place(accessUnit)
    if (placed !== undefined) this.#target.write(placed)
  }
}
