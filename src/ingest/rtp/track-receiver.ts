import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { bytesEqual, copyInto } from '#media/bytes.ts'
import { DecodingTimes } from '#media/decoding-times.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import { describeInBand, isSelfDescribing } from '#media/in-band.ts'
import type { PayloadArena } from '#media/payload-memory.ts'
import { randomAccessCheck } from '#media/random-access.ts'
import { reorderDepth } from '#media/reorder-depth.ts'
import type { TrackFormat } from '#media/track.ts'
import type { RtpPacket } from '#protocols/rtp/packet.ts'
import type {
  Depacketizer,
  FormatHints,
  PayloadFormat,
  UnitFacts,
  UnitSink,
} from '#protocols/rtp/payloads/payload-format.ts'
import type { TrackClock } from '#protocols/rtp/source-clock.ts'
import { LossReport } from './loss-report.ts'
import type { PacketConsumer } from './packet-consumer.ts'

/** Room asked for at once: video payloads of 64 kB chunks, audio of small ones. */
const FIRST_BYTES = { video: 4096, audio: 1400 } as const

/** An access unit larger than this is no picture but an attack on our memory: 8K intra pictures have a third of it. */
const MAX_UNIT_BYTES = 16 * 1024 * 1024

/**
 * A picture of as many packets, the last of which came just now, may be the random access point that was asked for: at
 * the rate a browser begins with, one may take a second.
 */
const LARGE_PACKETS = 4
const COMING_MS = 300

/** Browsers break a picture off to be done sooner with a new one that was asked for: that is waited for so long. */
const PATIENCE_MS = 200

/** Times begin a second after zero, so that those of reordered pictures, which run ahead, are not negative. */
export const LEAD_SECONDS = 1

/** Duration assumed of a picture before two have come. */
const ASSUMED_FRAME_RATE = 30

/** What a track is, from its session description. */
export interface TrackReceiverOptions {
  readonly stream: Stream
  readonly trackId: number
  readonly payloadFormat: PayloadFormat
  readonly clock: TrackClock
  /** From the rtpmap; 1 when it says nothing. */
  readonly channels: number
  /** Format parameters, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
  /** `drop`: after a loss nothing goes to the stream up to the next whole random access point. `keep`: everything does. */
  readonly damaged: 'drop' | 'keep'
  /** Where random access points can be asked for. */
  readonly randomAccess?: RandomAccessRequests
  readonly log: Logger
}

/** The way to ask for random access points: as often as one likes, the other side sees to it that the source isn't asked too often. */
export interface RandomAccessRequests {
  /** Whether one may just be coming: asking now would make the source begin it again. Set by who receives. */
  mayBeComing: (nowMs: number) => boolean
  askRandomAccess(): void
  /** One came. */
  randomAccessCame(): void
}

/** One track of a source: its packets, in order, become formats and access units of a stream. */
export class TrackReceiver implements UnitSink, PacketConsumer {
  readonly #options: TrackReceiverOptions
  readonly #stream: Stream
  readonly #clock: TrackClock
  readonly #arena: PayloadArena
  readonly #depacketizer: Depacketizer
  readonly #loss: LossReport
  readonly #firstBytes: number
  #length = 0
  #overflowed = false
  #format: TrackFormat | undefined
  #isRandomAccess: (payload: Uint8Array) => boolean = () => true
  #times: DecodingTimes | undefined
  /** The access unit that is coming, and the one before it: their timestamps, and when the first packet of each came. */
  #timestamp = -1
  #arrivalMs = 0
  #previousTimestamp = -1
  #previousArrivalMs = 0
  /** Of the access unit that is coming: packets, and when the last of them came. */
  #packets = 0
  #packetMs = 0
  /** Of the access unit written last; before one is, of the first that came. */
  #lastDts = Number.NEGATIVE_INFINITY
  /** Nothing is written until a random access point comes: something before it is missing. */
  #waits = false
  /** When packets were last found missing, and when an access unit was broken off though none was. */
  #lossMs = Number.NEGATIVE_INFINITY
  #brokenMs = Number.NEGATIVE_INFINITY
  /** Before packets that bring nothing themselves. */
  #lostBefore = 0
  #unusable: string | undefined

  constructor(options: TrackReceiverOptions) {
    const { stream, payloadFormat, clock, channels, parameters } = options
    this.#options = options
    this.#stream = stream
    this.#clock = clock
    this.#arena = stream.payloads.arena()
    this.#firstBytes = FIRST_BYTES[payloadFormat.kind]
    this.#loss = new LossReport(stream)
    const { randomAccess } = options
    if (randomAccess !== undefined) {
      randomAccess.mayBeComing = (nowMs) => this.#mayBeComing(nowMs)
    }
    this.#depacketizer = payloadFormat.depacketizer({
      parameters,
      clockRateHz: clock.clockRateHz,
      channels,
      sink: this,
      configured: (configuration, hints) => this.#configured(configuration, hints),
    })
  }

  /** Why nothing of this track can be used, if so. */
  get unusable(): string | undefined {
    return this.#unusable
  }

  /** @param lostBefore packets missing before this one */
  push(packet: RtpPacket, lostBefore: number, arrivalMs: number): void {
    this.#arrived(packet.timestamp, arrivalMs)
    this.#packets++
    this.#packetMs = arrivalMs
    if (lostBefore > 0) {
      this.#loss.packets(lostBefore)
      this.#lossMs = arrivalMs
      // Whatever it was: pictures that refer to it will come, and one that does not is needed soon.
      this.#askRandomAccess()
    }
    this.#lostBefore += lostBefore
    // Padding, which senders use to probe the path.
    if (packet.payloadStart === packet.payloadEnd) return
    this.#depacketizer.push(packet, this.#lostBefore)
    this.#lostBefore = 0
  }

  /** An access unit was sent when its first packet was: a large one takes its time. */
  #arrived(timestamp: number, arrivalMs: number): void {
    if (timestamp === this.#timestamp) {
      this.#arrivalMs = Math.min(this.#arrivalMs, arrivalMs)
      return
    }
    this.#packets = 0
    this.#previousTimestamp = this.#timestamp
    this.#previousArrivalMs = this.#arrivalMs
    this.#timestamp = timestamp
    this.#arrivalMs = arrivalMs
  }

  /** Asks again for what is waited for; call it every few tens of milliseconds. */
  tick(): void {
    if (this.#waits) this.#askRandomAccess()
  }

  #mayBeComing(nowMs: number): boolean {
    const isComing = this.#packets >= LARGE_PACKETS && nowMs - this.#packetMs < COMING_MS
    return isComing || nowMs - this.#brokenMs < PATIENCE_MS
  }

  #askRandomAccess(): void {
    if (this.#options.payloadFormat.kind === 'video') this.#options.randomAccess?.askRandomAccess()
  }

  /** No more packets for now: what is complete goes to the stream, what is missing is told. */
  flush(): void {
    this.#depacketizer.flush()
    this.#loss.flush(this.#format, this.#lastDts)
  }

  get length(): number {
    return this.#length
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const more = end - start
    if (!this.#makeRoom(more)) return
    copyInto(this.#arena.openMemory, this.#arena.openStart + this.#length, bytes, start, end)
    this.#length += more
  }

  reserve(bytes: number): number {
    const offset = this.#length
    if (!this.#makeRoom(bytes)) return offset
    const at = this.#arena.openStart + offset
    this.#arena.openMemory.fill(0, at, at + bytes)
    this.#length += bytes
    return offset
  }

  setUint32(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.setUint8(offset + i, (value >>> (24 - 8 * i)) & 0xff)
  }

  setUint8(offset: number, value: number): void {
    if (offset < this.#length) this.#arena.openMemory[this.#arena.openStart + offset] = value
  }

  abandon(): void {
    this.#packets = 0
    this.#length = 0
    this.#overflowed = false
  }

  finish(facts: UnitFacts): void {
    const isDamaged = facts.isDamaged || this.#overflowed
    if (isDamaged && this.#packetMs - this.#lossMs > COMING_MS) this.#brokenMs = this.#packetMs
    try {
      this.#finish(facts, isDamaged)
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // One damaged access unit is no reason to lose the others.
      this.#loss.unit()
      this.#waits = true
      this.#note(errorMessage(error))
    } finally {
      this.abandon()
    }
  }

  #finish(facts: UnitFacts, isDamaged: boolean): void {
    const { openMemory, openStart } = this.#arena
    const payload = openMemory.subarray(openStart, openStart + this.#length)
    const { codec, kind } = this.#options.payloadFormat
    if (isSelfDescribing(codec) && !isDamaged && (kind === 'audio' || this.#beginsAnew(payload))) {
      const told = describeInBand(codec, payload)
      this.#configured(told.configuration, told)
    }
    const arrivalMs = facts.rtpTimestamp === this.#previousTimestamp ? this.#previousArrivalMs : this.#arrivalMs
    const pts = this.#clock.ticks(facts.rtpTimestamp, arrivalMs) + LEAD_SECONDS * this.#clock.clockRateHz
    const format = this.#format
    if (this.#lastDts === Number.NEGATIVE_INFINITY) this.#lastDts = pts
    if (format === undefined) {
      // What came before its parameter sets can't be shown by anybody.
      this.#waits = true
      this.#loss.skipped()
      this.#note('nothing has described it yet')
      return
    }
    const isRandomAccess = this.#isRandomAccess(payload)
    if (isRandomAccess && !isDamaged) this.#options.randomAccess?.randomAccessCame()
    if (!this.#isWanted(facts, isDamaged, isRandomAccess, kind)) {
      if (isDamaged || facts.followsLoss) this.#loss.unit()
      else this.#loss.skipped()
      this.#loss.report(format, this.#lastDts, pts)
      return
    }
    this.#loss.flush(format, this.#lastDts, pts)
    const dts = this.#times === undefined ? pts : Math.min(pts, this.#times.next(pts))
    this.#lastDts = dts
    const reservation = this.#arena.commit(this.#length)
    this.#stream.write(this.#stream.accessUnits.make(format, { dts, pts, isRandomAccess }, reservation))
    this.#unusable = undefined
  }

  #isWanted(facts: UnitFacts, isDamaged: boolean, isRandomAccess: boolean, kind: 'video' | 'audio'): boolean {
    if (this.#options.damaged === 'keep') return true
    // Sound does not refer to what came before.
    if (kind === 'audio') return !isDamaged
    if (isDamaged || facts.followsLoss) this.#waits = true
    if (isRandomAccess && !isDamaged) this.#waits = false
    return !this.#waits
  }

  /** Whether a picture of a codec without parameter sets tells its own size. */
  #beginsAnew(payload: Uint8Array): boolean {
    const { codec } = this.#options.payloadFormat
    if (codec === 'vp8') return ((payload[0] ?? 1) & 1) === 0
    return this.#format === undefined || this.#isRandomAccess(payload)
  }

  #configured(configuration: Uint8Array, hints: FormatHints): void {
    const { trackId, payloadFormat } = this.#options
    const timescale = this.#clock.clockRateHz
    const { codec } = payloadFormat
    const made = { trackId, timescale, configuration }
    const format =
      payloadFormat.kind === 'video'
        ? makeVideoFormat({ ...hints, ...made, codec: codec as Parameters<typeof makeVideoFormat>[0]['codec'] })
        : makeAudioFormat({ ...hints, ...made, codec: codec as Parameters<typeof makeAudioFormat>[0]['codec'] })
    if (this.#format !== undefined && isSame(this.#format, format)) return
    const depth = reorderDepth(format)
    this.#times = depth === 0 ? undefined : new DecodingTimes(depth, timescale / ASSUMED_FRAME_RATE)
    this.#isRandomAccess = randomAccessCheck(format)
    this.#format = format
    this.#stream.setFormat(format)
  }

  #makeRoom(bytes: number): boolean {
    if (this.#overflowed || this.#length + bytes > MAX_UNIT_BYTES) {
      this.#overflowed = true
      return false
    }
    this.#arena.grow(this.#length, this.#length === 0 ? Math.max(bytes, this.#firstBytes) : bytes)
    return true
  }

  #note(reason: string): void {
    if (this.#unusable === reason) return
    this.#unusable = reason
    this.#options.log.debug({ event: 'rtp.unit-dropped', track: this.#options.trackId, reason })
  }

  [Symbol.dispose](): void {
    this.#arena[Symbol.dispose]()
  }
}

function isSame(left: TrackFormat, right: TrackFormat): boolean {
  if (left.codec !== right.codec || !bytesEqual(left.configuration, right.configuration)) return false
  if (left.kind === 'video' && right.kind === 'video') {
    return left.widthPixels === right.widthPixels && left.heightPixels === right.heightPixels
  }
  if (left.kind === 'audio' && right.kind === 'audio') {
    return left.sampleRateHz === right.sampleRateHz && left.channels === right.channels
  }
  return false
}
