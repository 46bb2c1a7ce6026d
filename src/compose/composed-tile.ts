import type { Stream, StreamEnd, StreamSink } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { AudioFormat, TrackFormat, VideoFormat } from '#media/track.ts'
import type { ChildInput } from './messages.ts'
import type { TileFacts } from './request.ts'

/** What a tile needs of its composition. */
export interface TileOwner {
  readonly video: boolean
  readonly audio: boolean
  send(message: ChildInput): void
  /** Lent for the call. */
  unit(tile: ComposedTile, accessUnit: AccessUnit, isRemembered: boolean): void
  left(tile: ComposedTile): void
}

/** One stream's place in a composition: its first video track and its first audio track. Dispose to leave. */
export class ComposedTile implements StreamSink, Disposable {
  readonly id: number
  readonly stream: Stream
  /** Video was dropped for want of room: what follows is useless before the next random access point. */
  awaitsRandomAccess = false
  #facts: TileFacts
  readonly #owner: TileOwner
  #video: VideoFormat | undefined
  #audio: AudioFormat | undefined
  #attachment: Disposable | undefined
  #isRemembered = false
  #hasLeft = false

  constructor(id: number, stream: Stream, facts: TileFacts, owner: TileOwner) {
    this.id = id
    this.stream = stream
    this.#facts = facts
    this.#owner = owner
  }

  get facts(): TileFacts {
    return this.#facts
  }

  /** Shows the tile otherwise. */
  update(facts: TileFacts): void {
    if (this.#hasLeft) return
    const wasMuted = this.#facts.isVideoMuted === true
    this.#facts = facts
    this.#owner.send({ kind: 'tile', tile: this.id, facts })
    if (wasMuted !== (facts.isVideoMuted === true)) this.#tellVideo()
    if (wasMuted && facts.isVideoMuted !== true) {
      this.awaitsRandomAccess = true
      this.stream.askRandomAccess()
    }
  }

  /** Tells a child all about it: the first one, or one that replaces another. */
  enter(): void {
    this.#attachment?.[Symbol.dispose]()
    this.#attachment = undefined
    this.#video = undefined
    this.#audio = undefined
    this.awaitsRandomAccess = false
    this.#owner.send({ kind: 'tile', tile: this.id, facts: this.#facts })
    this.#isRemembered = true
    const attachment = this.stream.attach(this, { from: 'memory', live: this.#owner.video })
    this.#isRemembered = false
    if (this.#hasLeft) {
      attachment[Symbol.dispose]()
      return
    }
    this.#attachment = attachment
    // Nothing to decode from on.
    if (this.stream.memoryAgeMs(0) === undefined) this.stream.askRandomAccess()
  }

  format(format: TrackFormat): void {
    if (format.kind === 'video') {
      if (!this.#owner.video || (this.#video !== undefined && this.#video.trackId !== format.trackId)) return
      this.#video = format
      this.#tellVideo()
    } else {
      if (!this.#owner.audio || (this.#audio !== undefined && this.#audio.trackId !== format.trackId)) return
      this.#audio = format
      const { codec, configuration, sampleRateHz, channels } = format
      this.#owner.send({ kind: 'audio', tile: this.id, source: { codec, configuration, sampleRateHz, channels } })
    }
  }

  accessUnit(accessUnit: AccessUnit): void {
    const { format } = accessUnit
    if (this.#hasLeft) return
    if (format.kind === 'video') {
      if (format.trackId !== this.#video?.trackId || this.#facts.isVideoMuted === true) return
      // What was remembered may be of the format before.
      if (format !== this.#video) this.format(format)
    } else {
      if (format.trackId !== this.#audio?.trackId || this.#facts.isAudioMuted === true) return
      if (format !== this.#audio) this.format(format)
    }
    this.#owner.unit(this, accessUnit, this.#isRemembered)
  }

  trackEnded(trackId: number): void {
    if (this.#video?.trackId === trackId) {
      this.#video = undefined
      this.#owner.send({ kind: 'video', tile: this.id, source: undefined })
    } else if (this.#audio?.trackId === trackId) {
      this.#audio = undefined
      this.#owner.send({ kind: 'audio', tile: this.id, source: undefined })
    }
  }

  ended(_end: StreamEnd): void {
    this[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#attachment?.[Symbol.dispose]()
    this.#owner.send({ kind: 'leave', tile: this.id })
    this.#owner.left(this)
  }

  #tellVideo(): void {
    const format = this.#facts.isVideoMuted === true ? undefined : this.#video
    if (format === undefined) {
      this.#owner.send({ kind: 'video', tile: this.id, source: undefined })
      return
    }
    const { codec, configuration, pixelAspect } = format
    const aspect = pixelAspect.horizontal / pixelAspect.vertical
    const source = { codec, configuration, pixelAspect: aspect > 0 && Number.isFinite(aspect) ? aspect : 1 }
    this.#owner.send({ kind: 'video', tile: this.id, source })
  }
}
