import type { AccessUnit } from '#media/access-unit.ts'
import type { AccessUnitPool } from '#media/access-unit-pool.ts'
import type { VideoCodec } from '#media/codec.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { BitrateMeter } from './bitrate-meter.ts'
import { GopMemory } from './gop-memory.ts'
import { leadingTrackId } from './leading-track.ts'

/** Who publishes: shown to operators, and the way to end it. */
export interface Publisher {
  readonly protocol: string
  /** IP address, without a port. */
  readonly remoteAddress: string
  readonly connectionId: string
  /** What the encoder calls itself (RTMP flashVer), empty when it does not say. */
  readonly encoder: string
  readonly remotePort: number
  /** Where it reached us: IP address, without a port. */
  readonly localAddress: string
  readonly localPort: number
  /** Parameters of the stream name and the connection's URL, such as `?login=x`. */
  readonly query: Readonly<Record<string, string>>
  /** RTMP: the application it connected to, and the instance of it; empty for none, and for other protocols. */
  readonly app: string
  readonly instance: string
  /** Ends the publisher's connection; the stream then ends by way of it. */
  disconnect(reason: string): void
}

/** The facts of a publisher that has none of them: one without a connection of its own. */
export const NO_CONNECTION_FACTS = {
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  query: {},
  app: '',
  instance: '',
} as const satisfies Partial<Publisher>

/** Why a stream ended. `lost`: without a goodbye (broken connection, timeout). */
export interface StreamEnd {
  readonly cause: 'unpublished' | 'lost' | 'disconnected' | 'shutdown'
  readonly message: string
}

/**
 * Takes what a stream carries, synchronously, on the publisher's call: keep it short and never throw. Retain access
 * units to keep them.
 */
export interface StreamSink {
  accessUnit(accessUnit: AccessUnit, startsGop: boolean): void
  /** A track appeared or changed. Called before its first access unit. */
  format(format: TrackFormat): void
  /** Something of a track did not arrive, or arrived damaged. Called before the access unit that follows it. */
  lost?(loss: StreamLoss): void
  /** Something the publisher said at this point of the stream. */
  data?(message: DataMessage): void
  /** A track will bring nothing more, unless it is announced again. Others go on. */
  trackEnded?(trackId: number): void
  ended(end: StreamEnd): void
}

/**
 * The source's own wall clock, milliseconds since 1970 UTC, at a time (milliseconds) of its stream; undefined while it
 * has not told.
 */
export type SourceWallClock = (timeMs: number) => number | undefined

/** What should be in the stream and is not. */
export interface StreamLoss {
  readonly format: TrackFormat
  /** Packets that did not come. */
  readonly packets: number
  /** Access units that came, at least in part, and are not in the stream because they could not be decoded. */
  readonly accessUnits: number
  /** Between these decoding times, in the format's timescale. */
  readonly fromDts: number
  readonly toDts: number
  /**
   * By default the network took it. `restart`: a process that makes the stream was replaced. `publisher`: it came, and
   * nobody can decode it, because it began in the middle of something.
   */
  readonly cause?: 'network' | 'restart' | 'publisher'
}

/** How a sink joins a stream. */
export interface AttachOptions {
  /** `memory`: first what is remembered since the last random access point. `now`: only what comes from now on. */
  readonly from: 'memory' | 'now'
  /**
   * From memory: begin at the last random access point that arrived at least so many milliseconds ago, else at the
   * oldest that is remembered. Default 0: at the newest.
   */
  readonly backMs?: number
  /** Somebody is watching: front doors then read in small pieces, for latency instead of throughput. */
  readonly live: boolean
}

const nobodyToAsk = () => {}

export interface TrackCounters {
  accessUnits: number
  bytes: number
}

/** One publisher's tracks under one path, from publish to end. A path published again is a new Stream. */
export class Stream {
  readonly id: string
  readonly path: string
  readonly publisher: Publisher
  readonly startedAtMs: number
  /** Where payloads of this stream are to be put, and what access units are made by. */
  readonly payloads: PayloadMemory
  readonly accessUnits: AccessUnitPool
  /** Fields the publisher announced about itself (RTMP onMetaData), plain JSON. */
  metadata: Readonly<Record<string, unknown>> = {}
  /** Replaced by front doors whose protocol tells. */
  sourceWallClock: SourceWallClock = () => undefined
  /**
   * Codecs of pictures that are to come, as far as the source has said so before they do. A recording that has to begin
   * with the sound alone then begins in a container for both.
   */
  promisedVideo: readonly VideoCodec[] = []
  /**
   * Asks the source for a random access point soon; may be called as often as one is wanted. Replaced by front doors
   * whose protocol can ask, which see to it that the source is not asked too often. By default nothing is asked.
   */
  askRandomAccess: () => void = nobodyToAsk
  /** Whether asking may help; replaced by streams that only pass on what is asked. */
  canAskRandomAccess: () => boolean = () => this.askRandomAccess !== nobodyToAsk
  readonly bitrate: BitrateMeter

  readonly #formats = new Map<number, TrackFormat>()
  readonly #counters = new Map<number, TrackCounters>()
  /** Replaced, never changed: a sink may leave while others are being served. */
  #sinks: readonly StreamSink[] = []
  readonly #memory: GopMemory
  readonly #onSinkError: (error: unknown) => void
  #liveSinks = 0
  #lostPackets = 0
  #leadingTrackId = 0
  #end: StreamEnd | undefined

  constructor(options: {
    id: string
    path: string
    publisher: Publisher
    nowMs: number
    payloads: PayloadMemory
    accessUnits: AccessUnitPool
    gopMemoryBytes: number
    monotonicMs: () => number
    onSinkError: (error: unknown) => void
  }) {
    this.id = options.id
    this.path = options.path
    this.publisher = options.publisher
    this.startedAtMs = options.nowMs
    this.payloads = options.payloads
    this.accessUnits = options.accessUnits
    this.bitrate = new BitrateMeter(options.monotonicMs)
    this.#memory = new GopMemory(options.gopMemoryBytes, options.monotonicMs)
    this.#onSinkError = options.onSinkError
  }

  get formats(): ReadonlyMap<number, TrackFormat> {
    return this.#formats
  }

  get counters(): ReadonlyMap<number, Readonly<TrackCounters>> {
    return this.#counters
  }

  /** Packets of all tracks that the network took. */
  get lostPackets(): number {
    return this.#lostPackets
  }

  /** Set once the stream has ended. */
  get end(): StreamEnd | undefined {
    return this.#end
  }

  /** True while a player watches: front doors then favour latency. */
  get isWatched(): boolean {
    return this.#liveSinks > 0
  }

  get sinkCount(): number {
    return this.#sinks.length
  }

  get memoryBytes(): number {
    return this.#memory.bytes
  }

  /**
   * From now on remembers what is needed to begin `reachMs` in the past, within `bytes`. 0 is the default: what came
   * since the last random access point, within the bound that the hub sets.
   */
  reachBack(reachMs: number, bytes: number): void {
    this.#memory.reachBack(reachMs, bytes)
  }

  /** How long ago what a sink attached from memory is given first has arrived; undefined when nothing is remembered. */
  memoryAgeMs(backMs: number): number | undefined {
    return this.#memory.since(backMs)?.ageMs
  }

  /** Track whose random access points start GOPs: the first video track, else the first track. 0 when there is none. */
  get leadingTrackId(): number {
    return this.#leadingTrackId
  }

  /** Announces a track, or the new format of a known one. */
  setFormat(format: TrackFormat): void {
    if (this.#end !== undefined) return
    this.#formats.set(format.trackId, format)
    if (!this.#counters.has(format.trackId)) this.#counters.set(format.trackId, { accessUnits: 0, bytes: 0 })
    this.#leadingTrackId = leadingTrackId(this.#formats.values())
    for (const sink of this.#sinks) this.#guard(() => sink.format(format))
  }

  /** A track is over while others go on; it may be announced again. */
  endTrack(trackId: number): void {
    if (this.#end !== undefined || !this.#formats.delete(trackId)) return
    this.#leadingTrackId = leadingTrackId(this.#formats.values())
    for (const sink of this.#sinks) this.#guard(() => sink.trackEnded?.(trackId))
  }

  /** Hands an access unit to everyone. Takes over the caller's reference, also when the stream has ended. */
  write(accessUnit: AccessUnit): void {
    if (this.#end !== undefined) {
      accessUnit.release()
      return
    }
    const { format } = accessUnit
    const counters = this.#counters.get(format.trackId)
    if (counters !== undefined) {
      counters.accessUnits++
      counters.bytes += accessUnit.payloadBytes
    }
    this.bitrate.add(accessUnit.payloadBytes)
    const startsGop = accessUnit.isRandomAccess && format.trackId === this.#leadingTrackId
    this.#memory.add(accessUnit, startsGop)
    const sinks = this.#sinks
    for (let i = 0; i < sinks.length; i++) {
      try {
        sinks[i]?.accessUnit(accessUnit, startsGop)
      } catch (error) {
        this.#onSinkError(error)
      }
    }
    accessUnit.release()
  }

  /** Hands what the publisher said to everyone. */
  data(message: DataMessage): void {
    if (this.#end !== undefined) return
    this.#memory.addData(message)
    for (const sink of this.#sinks) this.#guard(() => sink.data?.(message))
  }

  /** Tells everyone of what did not arrive. */
  lost(loss: StreamLoss): void {
    if (this.#end !== undefined) return
    this.#lostPackets += loss.packets
    for (const sink of this.#sinks) this.#guard(() => sink.lost?.(loss))
  }

  /** Adds a sink: it is told all formats, then (from memory) what is remembered, then what comes. Dispose to leave. */
  attach(sink: StreamSink, options: AttachOptions): Disposable {
    for (const format of this.#formats.values()) sink.format(format)
    if (options.from === 'memory') {
      for (const item of this.#memory.since(options.backMs ?? 0)?.items ?? []) {
        if ('body' in item) sink.data?.(item)
        else sink.accessUnit(item, item.isRandomAccess && item.format.trackId === this.#leadingTrackId)
      }
    }
    if (this.#end !== undefined) {
      sink.ended(this.#end)
      return { [Symbol.dispose]() {} }
    }
    this.#sinks = [...this.#sinks, sink]
    if (options.live) this.#liveSinks++
    let attached = true
    return {
      [Symbol.dispose]: () => {
        if (!attached) return
        attached = false
        this.#sinks = this.#sinks.filter((other) => other !== sink)
        if (options.live) this.#liveSinks--
      },
    }
  }

  /** Called by the hub's publication; idempotent. */
  finish(end: StreamEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    const sinks = this.#sinks
    this.#sinks = []
    for (const sink of sinks) this.#guard(() => sink.ended(end))
    this.#memory[Symbol.dispose]()
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#onSinkError(error)
    }
  }
}
