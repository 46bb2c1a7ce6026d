import { errorMessage, TapedeckError } from '#base/error.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import { type StreamItem, StreamQueue } from '#hub/stream-queue.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { isRtcp } from '#protocols/rtp/packet.ts'
import { parseRtcp } from '#protocols/rtp/rtcp.ts'
import { WebRtcIdleError } from './errors.ts'
import { choose, type MediumForPlayer } from './play-plan.ts'
import { FormatReplacedError, ReorderedPicturesError } from './player-errors.ts'
import { PlayerTrack } from './player-track.ts'
import { SendPacer } from './send-pacer.ts'
import type { SessionContent, TransportFacts } from './session-content.ts'
import type { SoundForPlayers } from './sound-for-players.ts'

/** Media waiting for a player that is slow, or away for a moment: some seconds. Beyond it whole GOPs are lost. */
const QUEUE_BYTES = 4 * 1024 * 1024

/** Packets are made when they can soon go out; until then access units wait, which can be dropped sensibly. */
const MAX_WAITING_BYTES = 64 * 1024

/** A remembered random access point older than this is too much to catch up, if the source gives another one … */
const MAX_MEMORY_AGE_MS = 2_000
/** … within this time. */
const ASKING_PATIENCE_MS = 500

/** Between pictures that are caught up, by their timestamps: shown as fast as they are decoded. */
const CATCH_UP_STEP_SECONDS = 0.001

/** Sent again within a second, at least; more when the stream's bitrate is more. Else a player could make us a weapon. */
const MIN_AGAIN_BYTES = 256 * 1024

/** What a play session stands on. */
export interface PlaySessionOptions {
  readonly stream: Stream
  /** From planPlaying(); m-lines without a codec are left out by the answer and here. */
  readonly media: readonly MediumForPlayer[]
  /** Sends RTP or RTCP over the player's transport. */
  readonly send: (packet: Uint8Array) => void
  readonly sound: SoundForPlayers
  readonly runtime: Runtime
  readonly log: Logger
  /** A player that is sent media and says nothing (RTCP) for so long is gone. */
  readonly idleTimeoutMs: number
  /** The stream is over, and all of it was sent. */
  readonly finish: (reason: 'stream-ended', end: StreamEnd) => void
  /** The session is to end, because of an error that showed while nobody had called. */
  readonly fail: (error: unknown) => void
}

/** To be sent. */
interface CatchUp {
  readonly accessUnit: AccessUnit
  /** Of the RTP clock. */
  readonly ticks: number
}

/** One player of one stream over WebRTC: begins with a picture at once, then follows live. */
export class PlaySession implements SessionContent {
  readonly kind = 'play'
  readonly #options: PlaySessionOptions
  readonly #stream: Stream
  readonly #pacer: SendPacer
  readonly #trouble: LogLimit<string>
  /** By the stream's track id. */
  readonly #tracks = new Map<number, PlayerTrack>()
  readonly #transcoded = new Map<number, Disposable>()
  readonly #queue: StreamQueue
  #attachment: Disposable | undefined
  #askingTimer: NodeJS.Timeout | undefined
  #catchUp: CatchUp[] = []
  #nextCatchUp = 0
  #items: StreamItem[] = []
  #nextItem = 0
  #isScheduled = false
  #isFlowing = false
  /** How the stream ended: what was queued before is still to be sent. */
  #streamEnd: StreamEnd | undefined
  #isEnded = false
  /** Wall clock of the stream's zero, by the access unit that was the newest at the beginning. */
  #zeroWallClockMs: number | undefined
  #firstSentMs: number | undefined
  #heardMs = 0
  /** Sound is little, and heard when it is late. */
  readonly #sendNow: (packet: Uint8Array) => void
  readonly #sendPaced = (packet: Uint8Array) => this.#pacer.add(packet)
  #againBytes = 0
  #againSinceMs = Number.NEGATIVE_INFINITY

  constructor(options: PlaySessionOptions) {
    const { runtime, stream, send, log } = options
    this.#options = options
    this.#stream = stream
    this.#sendNow = send
    this.#pacer = new SendPacer({
      monotonicMs: runtime.monotonicMs,
      bitrateBps: () => stream.bitrate.bitsPerSecond,
      send,
      drained: () => this.#schedule(),
    })
    this.#queue = new StreamQueue(QUEUE_BYTES, () => this.#schedule())
    this.#trouble = new LogLimit(runtime.monotonicMs, (reason, occurrences) => {
      log.debug({ event: 'webrtc.play-skipped', occurrences, reason })
    })
  }

  get stream(): Stream {
    return this.#stream
  }

  get isFlowing(): boolean {
    return this.#isFlowing
  }

  connected({ remoteAddress }: TransportFacts): void {
    this.#options.log.info({ event: 'webrtc.play-started', remoteAddress }, 'player accepted')
    const ageMs = this.#stream.memoryAgeMs(0)
    const isFresh = ageMs !== undefined && ageMs <= MAX_MEMORY_AGE_MS
    this.#attach(isFresh ? 'memory' : 'now')
    if (isFresh) return
    this.#stream.askRandomAccess()
    if (ageMs === undefined) return
    this.#askingTimer = setTimeout(() => this.#guard(() => this.#fallBack()), ASKING_PATIENCE_MS)
  }

  /** The source gave no random access point, or can't be asked: then what is remembered, old as it is. */
  #fallBack(): void {
    if ([...this.#tracks.values()].some(({ waitsForStart }) => waitsForStart)) this.#attach('memory')
  }

  packet(bytes: Uint8Array, nowMs: number): void {
    if (this.#isEnded || !isRtcp(bytes)) return
    this.#heardMs = nowMs
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'nack') this.#sendAgain(packet.ssrc, packet.sequenceNumbers, nowMs)
      // He can't go on without, whichever of the pictures it is.
      else if (packet.kind === 'pictureLoss') this.#stream.askRandomAccess()
    }
  }

  tick(nowMs: number): void {
    if (this.#isEnded || this.#firstSentMs === undefined) return
    const idleMs = nowMs - Math.max(this.#heardMs, this.#firstSentMs)
    if (idleMs > this.#options.idleTimeoutMs) throw new WebRtcIdleError(idleMs, 'webrtc.idleTimeoutMs')
  }

  /** The remembered access units come within the call: they are what has to be caught up. */
  #attach(from: 'memory' | 'now'): void {
    this.#attachment?.[Symbol.dispose]()
    this.#releaseItems()
    this.#attachment = this.#stream.attach(this.#queue, { from, live: true })
    // Until all formats are known to fit, end() has to find what is to be released.
    this.#items = this.#queue.takeAll()
    for (const item of this.#items) if (item.kind !== 'accessUnit') this.#take(item)
    const pictures: AccessUnit[] = []
    for (const item of this.#items.splice(0)) {
      if (item.kind !== 'accessUnit') continue
      const { kind, trackId } = item.accessUnit.format
      if (kind === 'video' && this.#tracks.has(trackId)) pictures.push(item.accessUnit)
      else item.accessUnit.release() // sound of the past is of no use
    }
    const newest = pictures.at(-1)
    if (newest !== undefined) this.#setZero(newest)
    for (const track of this.#tracks.values()) this.#catchUpWith(track, pictures)
    this.#schedule()
  }

  /**
   * What is remembered is shown in no time, right before what comes live: with its own times the player would show it as
   * slowly as it once came, and be late for ever.
   */
  #catchUpWith(track: PlayerTrack, pictures: readonly AccessUnit[]): void {
    const own = pictures.filter(({ format }) => format.trackId === track.trackId)
    const newest = own.at(-1)
    if (newest === undefined) return
    const newestTicks = track.ticksOf(newest)
    const step = Math.ceil(CATCH_UP_STEP_SECONDS * track.clockRateHz)
    for (const [index, accessUnit] of own.entries()) {
      this.#catchUp.push({ accessUnit, ticks: newestTicks - (own.length - 1 - index) * step })
    }
  }

  /** Items arrive on the publisher's call: they are sent afterwards, many at once. */
  #schedule(): void {
    if (this.#isScheduled || this.#isEnded) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#guard(() => this.#flush())
    })
  }

  /** For what happens when nobody has called. */
  #guard(act: () => void): void {
    if (this.#isEnded) return
    try {
      act()
    } catch (error) {
      this.#options.fail(error)
    }
  }

  #flush(): void {
    while (this.#pacer.waitingBytes < MAX_WAITING_BYTES) {
      const caughtUp = this.#catchUp[this.#nextCatchUp]
      if (caughtUp !== undefined) {
        this.#nextCatchUp++
        this.#sendAndRelease(caughtUp.accessUnit, caughtUp.ticks)
      } else {
        const item = this.#nextQueued()
        if (item === undefined) break
        this.#take(item)
      }
    }
    this.#pacer.flush()
    if (this.#streamEnd !== undefined && this.#pacer.waitingBytes === 0)
      this.#options.finish('stream-ended', this.#streamEnd)
  }

  #nextQueued(): StreamItem | undefined {
    if (this.#nextItem >= this.#items.length) {
      this.#catchUp = []
      this.#nextCatchUp = 0
      this.#items = this.#queue.takeAll()
      this.#nextItem = 0
    }
    return this.#items[this.#nextItem++]
  }

  #take(item: StreamItem): void {
    switch (item.kind) {
      case 'format':
        this.#follow(item.format)
        return
      case 'accessUnit': {
        const { accessUnit } = item
        if (this.#transcoded.has(accessUnit.format.trackId)) accessUnit.release()
        else this.#sendAndRelease(accessUnit)
        return
      }
      case 'data':
        return // for which there is no place
      case 'lost': {
        const { accessUnits, bytes } = item
        for (const track of this.#tracks.values()) track.waitsForStart = track.medium.kind === 'video'
        const { log } = this.#options
        log.warn({ event: 'webrtc.player-lagging', accessUnits, bytes }, 'player too slow, whole GOPs dropped')
        return
      }
      case 'ended': {
        const zeroMs = this.#zeroWallClockMs ?? this.#options.runtime.nowMs()
        if (this.#isFlowing) for (const track of this.#tracks.values()) this.#pacer.add(track.goodbye(zeroMs))
        this.#streamEnd = item.end
        return
      }
    }
  }

  /** A track appeared or changed. @throws {TapedeckError} the player can't have it as it is now */
  #follow(format: TrackFormat): void {
    const known = this.#tracks.get(format.trackId)
    if (known === undefined) this.#begin(format)
    else if (!this.#transcoded.has(format.trackId) && !known.continues(format)) {
      throw new FormatReplacedError(this.#stream.path, format.codec)
    }
  }

  #begin(format: TrackFormat): void {
    const { media, sound } = this.#options
    const taken = new Set([...this.#tracks.values()].map(({ medium }) => medium))
    const isFree = (each: MediumForPlayer) => each.kind === format.kind && each.codecs.length > 0 && !taken.has(each)
    const medium =
      media.find((each) => isFree(each) && each.format?.trackId === format.trackId) ??
      media.find((each) => isFree(each) && each.format === undefined)
    if (medium === undefined) return // he has no place for it
    const choice = choose(this.#stream.path, format, medium.codecs)
    const track = new PlayerTrack(medium, choice.format, choice.codec)
    this.#tracks.set(format.trackId, track)
    if (!choice.transcodes || format.kind === 'video') return
    const take = (accessUnit: AccessUnit) => {
      this.#guard(() => {
        this.#sendAccessUnit(accessUnit)
        this.#pacer.flush()
      })
    }
    this.#transcoded.set(format.trackId, sound.follow(this.#stream, format, take))
  }

  #sendAndRelease(accessUnit: AccessUnit, ticks?: number): void {
    try {
      this.#sendAccessUnit(accessUnit, ticks)
    } finally {
      accessUnit.release()
    }
  }

  #sendAccessUnit(accessUnit: AccessUnit, ticks?: number): void {
    const track = this.#tracks.get(accessUnit.format.trackId)
    if (track === undefined) return
    if (track.waitsForStart) {
      if (!accessUnit.isRandomAccess) return
      track.waitsForStart = false
    }
    if (!track.isInOrder(accessUnit)) throw new ReorderedPicturesError(this.#stream.path)
    const zeroMs = this.#zeroWallClockMs ?? this.#setZero(accessUnit)
    const nowMs = this.#options.runtime.monotonicMs()
    if (ticks === undefined) {
      const report = track.dueReport(nowMs, zeroMs, accessUnit)
      if (report !== undefined) this.#pacer.add(report)
    }
    this.#firstSentMs ??= nowMs
    try {
      track.packetize(accessUnit, track.medium.kind === 'audio' ? this.#sendNow : this.#sendPaced, ticks)
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.#trouble.occurred(errorMessage(error))
      return
    }
    this.#isFlowing = true
  }

  #setZero({ pts, format }: AccessUnit): number {
    this.#zeroWallClockMs ??= this.#options.runtime.nowMs() - (pts * 1000) / format.timescale
    return this.#zeroWallClockMs
  }

  #sendAgain(ssrc: number, sequenceNumbers: readonly number[], nowMs: number): void {
    if (nowMs - this.#againSinceMs >= 1_000) {
      this.#againSinceMs = nowMs
      this.#againBytes = 0
    }
    const maxBytes = Math.max(MIN_AGAIN_BYTES, this.#stream.bitrate.bitsPerSecond / 8)
    for (const track of this.#tracks.values()) {
      if (track.medium.ssrc !== ssrc) continue
      for (const sequenceNumber of sequenceNumbers) {
        if (this.#againBytes > maxBytes) return
        const packet = track.again(sequenceNumber, nowMs)
        if (packet === undefined) continue
        this.#againBytes += packet.length
        // Not behind what waits: the player has less time for these.
        this.#options.send(packet)
      }
    }
  }

  #releaseItems(): void {
    for (const { accessUnit } of this.#catchUp.slice(this.#nextCatchUp)) accessUnit.release()
    this.#catchUp = []
    this.#nextCatchUp = 0
    for (const item of [...this.#items.slice(this.#nextItem), ...this.#queue.takeAll()]) {
      if (item.kind === 'accessUnit') item.accessUnit.release()
    }
    this.#items = []
    this.#nextItem = 0
  }

  end(end: StreamEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#askingTimer)
    for (const followed of this.#transcoded.values()) followed[Symbol.dispose]()
    this.#attachment?.[Symbol.dispose]()
    this.#releaseItems()
    this.#queue[Symbol.dispose]()
    this.#pacer[Symbol.dispose]()
    if (this.#attachment !== undefined) {
      this.#options.log.info({ event: 'webrtc.play-ended', cause: end.cause }, end.message)
    }
  }
}
