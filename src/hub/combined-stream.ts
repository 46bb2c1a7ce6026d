import { TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { CombinedSource, type CombinedTarget } from './combined-source.ts'
import { CombinedTrack } from './combined-track.ts'
import type { Hub, Publication } from './hub.ts'
import { NO_CONNECTION_FACTS, type Stream, type StreamEnd } from './stream.ts'
import { normalizeStreamPath } from './stream-path.ts'

/** Protocol of the publisher of a combined stream. */
const COMBINED_PROTOCOL = 'combined'

/** Sources of one stream; each may have several tracks. */
export const MAX_COMBINED_SOURCES = 64
/** Clocks of different timescales meet to within a tick or two. */
const ROUNDING_MS = 1
/** Tracks there ever were in one stream: each has its place in every file. */
const MAX_COMBINED_TRACKS = 256

export class CombinedSourceError extends TapedeckError {
  readonly code = 'combined/source-refused'
  readonly origin = 'client'
  readonly path: string
  readonly sourcePath: string
  readonly reason: string
  constructor(path: string, sourcePath: string, reason: string) {
    super(`${sourcePath} can't be part of ${path}: ${reason}`)
    this.path = path
    this.sourcePath = sourcePath
    this.reason = reason
  }
}

export interface CombinedStreamOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly path: string
  /** It is over, whoever ended it. Called once. */
  readonly onEnded: () => void
}

/**
 * One stream whose tracks are those of several others. Sources come and go: a source that ends only loses its tracks,
 * and gets them back when it returns. Times are aligned by when the sources' media arrived; within a source nothing is
 * moved. Payloads are shared, not copied.
 */
export class CombinedStream implements Disposable {
  readonly path: string
  readonly sources = new Map<string, CombinedSource>()
  readonly #options: CombinedStreamOptions
  readonly #publication: Publication
  readonly #log: Logger
  readonly #startMs: number
  readonly #arrivals: Disposable
  readonly #target: CombinedTarget
  /** Sources that were part of it and may come again. */
  readonly #former = new Map<string, CombinedSource>()
  #lastVideoId = -1
  #lastAudioId = 0
  #tracks = 0
  /** Time of the first access unit; undefined while there was none. */
  #beganMs: number | undefined
  #isEnded = false

  /** @throws {StreamPathError | StreamPathInUseError | TooManyPublishersError} */
  constructor(options: CombinedStreamOptions) {
    const { runtime, hub } = options
    this.#options = options
    this.#publication = hub.publish(options.path, {
      ...NO_CONNECTION_FACTS,
      protocol: COMBINED_PROTOCOL,
      remoteAddress: '',
      connectionId: runtime.newId(),
      encoder: '',
      disconnect: (reason) => this.end({ cause: 'disconnected', message: reason }),
    })
    this.path = this.#publication.stream.path
    const { stream } = this.#publication
    stream.askRandomAccess = () => {
      for (const source of this.sources.values()) source.askRandomAccess()
    }
    stream.canAskRandomAccess = () => [...this.sources.values()].some(({ canAskRandomAccess }) => canAskRandomAccess)
    this.#log = runtime.log.child({ stream: this.path, protocol: COMBINED_PROTOCOL })
    this.#startMs = runtime.monotonicMs()
    this.#target = this.#makeTarget()
    this.#arrivals = hub.streamStarted.listen((stream) => {
      const source = this.sources.get(stream.path)
      if (source !== undefined) this.#attach(source, stream)
    })
  }

  /**
   * From now on the tracks of this path are part of the stream, whenever somebody publishes it. Idempotent.
   * @throws {StreamPathError | CombinedSourceError}
   */
  add(sourcePath: string): void {
    const path = normalizeStreamPath(sourcePath)
    if (this.#isEnded || this.sources.has(path)) return
    if (path === this.path) throw new CombinedSourceError(this.path, path, 'a stream can’t be a part of itself')
    if (this.sources.size >= MAX_COMBINED_SOURCES) {
      throw new CombinedSourceError(this.path, path, `there are ${MAX_COMBINED_SOURCES} already, which is the limit`)
    }
    const stream = this.#options.hub.get(path)
    if (stream?.publisher.protocol === COMBINED_PROTOCOL) {
      throw new CombinedSourceError(this.path, path, 'it is a combined stream itself; add its sources instead')
    }
    const source = this.#former.get(path) ?? new CombinedSource(path, this.#target)
    this.#former.delete(path)
    this.sources.set(path, source)
    this.#log.info({ event: 'combined.added', source: path })
    if (stream !== undefined) this.#attach(source, stream)
  }

  /** Ends the tracks of this path. Unknown ones are left alone. */
  remove(sourcePath: string): void {
    const path = normalizeStreamPath(sourcePath)
    const source = this.sources.get(path)
    if (source === undefined) return
    this.sources.delete(path)
    source.detach()
    this.#former.set(path, source)
    this.#log.info({ event: 'combined.removed', source: path })
    // Of those that were ever part of it, the oldest are forgotten: their tracks would come back as new ones.
    const [oldest] = this.#former.keys()
    if (this.#former.size > MAX_COMBINED_SOURCES && oldest !== undefined) this.#former.delete(oldest)
  }

  /** Ends the stream; its sources go on. Idempotent. */
  end(end: StreamEnd): void {
    if (this.#isEnded) return
    // What is held back is part of it.
    this.#join([...this.sources.values()].filter(({ isJoining }) => isJoining))
    this.#isEnded = true
    this.#arrivals[Symbol.dispose]()
    this.#publication.end(end)
    for (const source of this.sources.values()) source.detach()
    this.sources.clear()
    this.#options.onEnded()
  }

  [Symbol.dispose](): void {
    this.end({ cause: 'unpublished', message: `${this.path} is not combined any more` })
  }

  #attach(source: CombinedSource, stream: Stream): void {
    if (stream.publisher.protocol === COMBINED_PROTOCOL) {
      // Two that are part of each other would never come to an end.
      this.#log.warn({ event: 'combined.source-refused', source: source.path }, 'a combined stream is no source')
      return
    }
    source.attach(stream)
  }

  /**
   * Whoever waits when the first source is ready begins with it, in the order of time: no track may begin before the
   * stream does, or recordings would have to leave its beginning out.
   */
  #ready(source: CombinedSource): void {
    const isFirst = this.#beganMs === undefined
    this.#join(isFirst ? [...this.sources.values()].filter(({ isJoining }) => isJoining) : [source])
  }

  #join(sources: readonly CombinedSource[]): void {
    const units: { readonly source: CombinedSource; readonly accessUnit: AccessUnit; readonly atMs: number }[] = []
    for (const source of sources) {
      for (const item of source.begin()) {
        if (!('payloadBytes' in item)) {
          source.take(item)
          continue
        }
        const atMs = (item.dts * 1000) / item.format.timescale + source.clock.offsetMs
        units.push({ source, accessUnit: item, atMs })
      }
    }
    units.sort((a, b) => a.atMs - b.atMs)
    this.#beganMs ??= units[0]?.atMs
    for (const { source, accessUnit } of units) {
      source.take(accessUnit)
      accessUnit.release()
    }
  }

  #makeTarget(): CombinedTarget {
    const { stream } = this.#publication
    const { monotonicMs } = this.#options.runtime
    return {
      nowMs: () => monotonicMs() - this.#startMs,
      track: (source, format) => this.#newTrack(source, format),
      announce: (format) => stream.setFormat(format),
      write: (accessUnit) => stream.write(accessUnit),
      ended: (trackId) => stream.endTrack(trackId),
      ready: (source) => this.#ready(source),
    }
  }

  /** Video tracks have odd ids and audio tracks even ones, in the order in which they first came. */
  #newTrack(source: CombinedSource, { kind, trackId }: TrackFormat): CombinedTrack | undefined {
    if (this.#tracks >= MAX_COMBINED_TRACKS) {
      this.#log.warn({ event: 'combined.track-ignored', source: source.path, trackId }, 'there are too many tracks')
      return undefined
    }
    this.#tracks++
    if (kind === 'video') this.#lastVideoId += 2
    else this.#lastAudioId += 2
    const id = kind === 'video' ? this.#lastVideoId : this.#lastAudioId
    const floorMs = this.#beganMs === undefined ? Number.NEGATIVE_INFINITY : this.#beganMs - ROUNDING_MS
    return new CombinedTrack(id, source.clock, this.#publication.stream.accessUnits, floorMs)
  }
}
