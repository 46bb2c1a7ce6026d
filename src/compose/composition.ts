import { ChildLink } from '#base/child-link.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type Stream, type StreamEnd } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { ComposedOutput } from './composed-output.ts'
import { ComposedTile, type TileOwner } from './composed-tile.ts'
import { CpuMeter } from './cpu-meter.ts'
import { ComposerFailedError, ComposingEndedError, CompositionRequestError } from './errors.ts'
import type { Layout } from './layout/layouts.ts'
import type { ChildInput, ChildOutput } from './messages.ts'
import { Overload } from './overload.ts'
import { type CompleteRequest, MAX_TILES, type TileFacts } from './request.ts'
import { RestartSeries } from './restart-series.ts'
import { UnitsBatch } from './units-batch.ts'

/** What the process runs, and what passes between it and us. */
const COMPOSE_CHILD = new URL('./child/compose-child.ts', import.meta.url)
type ComposeLink = ChildLink<ChildInput, ChildOutput>

/** Protocol of the publisher of a composed stream. */
export const COMPOSED_PROTOCOL = 'composed'

/** Access units are gathered for so long before they go to the child: a message costs more than what is in it. */
const GATHER_MS = 20
const GATHER_SOUND_MS = 80

/** Payload that the child has not taken yet. Beyond it video is left out, up to a random access point. */
const MAX_OUTSTANDING_BYTES = 32 * 1024 * 1024

/** A child that says nothing for so long hangs. */
const HANG_MS = 10_000
/** Until it says something at all: a busy machine takes its time to load what it needs. */
const START_MS = 30_000
const WATCH_MS = 500

/** Key frames are made no more often when they are asked for. */
const KEY_EVERY_MS = 500

/** `restarting`: its process has ended, and another one begins. */
export type CompositionState = 'starting' | 'running' | 'restarting' | 'ended'

/** What happens to a composition. `overloaded`: there was no time for some of its pictures. */
export type CompositionChange = 'started' | 'restarted' | 'overloaded' | 'ended'

export interface CompositionOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly id: string
  readonly request: CompleteRequest
  /** `ended` comes once, and last. */
  readonly onChange: (composition: Composition, change: CompositionChange) => void
}

/**
 * Several streams as one picture and one sound, made by a process of its own and published as a stream. It goes on
 * when that process ends: another one takes over, and the stream has a gap.
 */
export class Composition implements AsyncDisposable {
  readonly id: string
  readonly request: CompleteRequest
  readonly startedAtMs: number
  /** CPU cores that it takes. */
  readonly cpu = new CpuMeter()
  readonly #options: CompositionOptions
  readonly #publication: Publication
  readonly #output: ComposedOutput
  readonly #log: Logger
  readonly #zeroMs: number
  readonly #tiles = new Map<number, ComposedTile>()
  readonly #owner: TileOwner
  readonly #batch = new UnitsBatch()
  readonly #overload = new Overload()
  readonly #series = new RestartSeries()
  readonly #watch: NodeJS.Timeout
  readonly #first = Promise.withResolvers<void>()
  readonly #closing: Promise<void>[] = []
  #layout: Layout
  #state: CompositionState = 'starting'
  #encoder = ''
  #link: ComposeLink | undefined
  #linkStartedMs = 0
  #lastHeardMs = 0
  #flushTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #restarts = 0
  #lastTile = 0
  #outstandingBytes = 0
  #lastKeyMs = Number.NEGATIVE_INFINITY

  /** @throws {StreamPathError | StreamPathInUseError | TooManyPublishersError} */
  constructor(options: CompositionOptions) {
    const { runtime, hub, id, request } = options
    this.#options = options
    this.id = id
    this.request = request
    this.startedAtMs = runtime.nowMs()
    this.#layout = request.layout
    this.#publication = hub.publish(request.output, {
      ...NO_CONNECTION_FACTS,
      protocol: COMPOSED_PROTOCOL,
      remoteAddress: '',
      connectionId: id,
      encoder: '',
      disconnect: (reason) => this.#end({ cause: 'disconnected', message: reason }),
    })
    const { stream } = this.#publication
    if (request.video) {
      stream.promisedVideo = ['h264']
      stream.askRandomAccess = () => this.#askKey()
    }
    this.#output = new ComposedOutput(stream, request)
    this.#log = runtime.log.child({ stream: stream.path, composition: id })
    this.#zeroMs = runtime.monotonicMs()
    this.#owner = {
      video: request.video,
      audio: request.audio,
      send: (message) => this.#send(message),
      unit: (tile, accessUnit, isRemembered) => this.#unit(tile, accessUnit, isRemembered),
      left: (tile) => this.#tiles.delete(tile.id),
    }
    // Nobody may wait for it.
    this.#first.promise.catch(() => {})
    this.#watch = setInterval(() => this.#look(), WATCH_MS)
    this.#start()
  }

  get output(): string {
    return this.#publication.stream.path
  }

  get stream(): Stream {
    return this.#publication.stream
  }

  get state(): CompositionState {
    return this.#state
  }

  get layout(): Layout {
    return this.#layout
  }

  /** libavcodec's name of the video encoder; empty without video, and while none is known. */
  get encoder(): string {
    return this.#encoder
  }

  /** How often the composing process was replaced. */
  get restarts(): number {
    return this.#restarts
  }

  /** The composing process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#link?.pid
  }

  /** What the machine had no time for. */
  get overload(): { readonly droppedPictures: number } {
    return { droppedPictures: this.#overload.droppedPictures }
  }

  /** How much of what should have come out by now has not, seconds: a little always, and what overload makes of it. */
  get behindSeconds(): number {
    return Math.max(0, (this.#nowMs() - this.#output.untilMs) / 1_000)
  }

  /** Pictures were left out within this, and not only a few. */
  isOverloaded(withinMs: number): boolean {
    return this.#overload.isPresent(withinMs, this.#nowMs())
  }

  get tiles(): readonly ComposedTile[] {
    return [...this.#tiles.values()]
  }

  /** Resolves with the first picture or sound. @throws {ComposerFailedError} it ended before */
  begun(): Promise<void> {
    return this.#first.promise
  }

  /**
   * A stream becomes part of it until the result is disposed, or the stream ends.
   * @throws {CompositionRequestError} it is the composed stream itself, or there are too many
   */
  add(stream: Stream, facts: TileFacts): ComposedTile {
    if (stream === this.stream) throw new CompositionRequestError(stream.path, 'can’t be a part of itself')
    if (this.#tiles.size >= MAX_TILES) {
      throw new CompositionRequestError(stream.path, `is one too many: a composition has up to ${MAX_TILES} tiles`)
    }
    const tile = new ComposedTile(++this.#lastTile, stream, facts, this.#owner)
    if (this.#state === 'ended') return tile
    this.#tiles.set(tile.id, tile)
    this.#log.info({ event: 'composition.added', source: stream.path, name: facts.name })
    if (this.#link !== undefined) tile.enter()
    return tile
  }

  setLayout(layout: Layout): void {
    this.#layout = layout
    this.#send({ kind: 'layout', layout })
  }

  /** Ends the stream; its sources go on. Idempotent. */
  async end(): Promise<void> {
    this.#end({ cause: 'unpublished', message: 'the composition was ended' })
    await Promise.all(this.#closing)
  }

  /** As end(), because the server ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end({ cause: 'shutdown', message: 'the server is shutting down' })
    await Promise.all(this.#closing)
  }

  #end(end: StreamEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearInterval(this.#watch)
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#restartTimer)
    const link = this.#link
    this.#link = undefined
    for (const tile of this.tiles) tile[Symbol.dispose]()
    if (link !== undefined) this.#close(link)
    this.#publication.end(end)
    this.#output[Symbol.dispose]()
    this.#first.reject(new ComposerFailedError(this.output, end.message))
    this.#options.onChange(this, 'ended')
  }

  #close(link: ComposeLink): void {
    const closed = link.close().catch((error: unknown) => {
      this.#log.warn({ event: 'composition.not-closed', err: error })
    })
    this.#closing.push(closed)
  }

  #nowMs(): number {
    return this.#options.runtime.monotonicMs() - this.#zeroMs
  }

  #start(): void {
    const nowMs = this.#nowMs()
    this.#linkStartedMs = nowMs
    this.#lastHeardMs = nowMs
    this.#outstandingBytes = 0
    const link: ComposeLink = new ChildLink(COMPOSE_CHILD, {
      message: (message) => {
        if (this.#link === link) this.#heard(message)
      },
      ended: ({ how, output, isCrash }) => {
        if (this.#link === link) this.#linkEnded(new ComposingEndedError(how, output, isCrash))
      },
    })
    this.#link = link
    link.send({
      kind: 'begin',
      request: { ...this.request, layout: this.#layout },
      nowMs,
      sentNs: process.hrtime.bigint(),
      fromMs: this.#output.untilMs,
    })
    for (const tile of this.tiles) tile.enter()
    this.#log.debug({ event: 'composition.process-started', pid: link.pid })
  }

  #heard(message: ChildOutput): void {
    this.#lastHeardMs = this.#nowMs()
    if (message.kind === 'ready') {
      this.#encoder = message.encoder
      this.#output.begin(message.videoConfiguration)
      return
    }
    this.#outstandingBytes = Math.max(0, this.#outstandingBytes - message.takenBytes)
    this.cpu.update(message.cpuMs, this.#lastHeardMs)
    this.#output.write(message)
    if (this.#state !== 'running' && this.#state !== 'ended') {
      const change = this.#state === 'starting' ? 'started' : 'restarted'
      this.#state = 'running'
      this.#first.resolve()
      this.#options.onChange(this, change)
      this.#log.info({ event: 'composition.running', encoder: this.#encoder, pid: this.#link?.pid })
    }
    this.#noteDropped(message.droppedPictures)
  }

  #noteDropped(processPictures: number): void {
    const dropped = this.#overload.note(processPictures, this.#nowMs())
    if (dropped === undefined) return
    this.#log.warn(
      { event: 'composition.overloaded', dropped, droppedPictures: this.#overload.droppedPictures },
      'there was no time for some pictures of a composition; its sound is complete',
    )
    this.#options.onChange(this, 'overloaded')
  }

  #linkEnded(error: ComposingEndedError): void {
    this.#link = undefined
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    this.#batch.clear()
    this.cpu.reset()
    this.#overload.processEnded()
    this.#series.ended(this.#nowMs() - this.#linkStartedMs, error.isCrash)
    this.#log.error({ event: 'composition.process-ended', code: error.code, err: error })
    if (this.#state === 'starting' || this.#series.isHopeless) {
      const failed = new ComposerFailedError(this.output, error.message)
      this.#first.reject(failed)
      this.#end({ cause: 'lost', message: failed.message })
      return
    }
    if (this.#series.blamesNewest) this.#giveUpNewest()
    this.#state = 'restarting'
    this.#restarts++
    this.#restartTimer = setTimeout(() => this.#start(), this.#series.pauseMs)
  }

  #giveUpNewest(): void {
    const tile = this.tiles.at(-1)
    if (tile === undefined) return
    this.#series.startOver()
    this.#log.error(
      { event: 'composition.tile-given-up', source: tile.stream.path },
      'the composing process has crashed again and again: what came last is left out of the picture',
    )
    tile[Symbol.dispose]()
  }

  #look(): void {
    const patienceMs = this.#lastHeardMs === this.#linkStartedMs ? START_MS : HANG_MS
    if (this.#link === undefined || this.#nowMs() - this.#lastHeardMs <= patienceMs) return
    this.#lastHeardMs = this.#nowMs()
    this.#link.kill(`said nothing for ${patienceMs} ms`)
  }

  #askKey(): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lastKeyMs < KEY_EVERY_MS) return
    this.#lastKeyMs = nowMs
    this.#send({ kind: 'key' })
  }

  /** Messages keep their order: what was gathered goes first. */
  #send(message: ChildInput): void {
    if (this.#link === undefined) return
    this.#flush()
    this.#link.send(message)
  }

  #unit(tile: ComposedTile, accessUnit: AccessUnit, isRemembered: boolean): void {
    if (this.#link === undefined) return
    if (accessUnit.format.kind === 'video') {
      const isFull = this.#outstandingBytes + this.#batch.byteLength > MAX_OUTSTANDING_BYTES
      if (isFull || (tile.awaitsRandomAccess && !accessUnit.isRandomAccess)) {
        tile.awaitsRandomAccess = true
        return
      }
      tile.awaitsRandomAccess = false
    } else if (this.#outstandingBytes > 2 * MAX_OUTSTANDING_BYTES) return
    this.#batch.add(tile.id, accessUnit, this.#nowMs(), isRemembered)
    this.#flushTimer ??= setTimeout(() => this.#flush(), this.request.video ? GATHER_MS : GATHER_SOUND_MS)
  }

  #flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#batch.isEmpty) return
    this.#outstandingBytes += this.#batch.byteLength
    this.#link?.send(this.#batch.message())
    this.#batch.clear()
  }
}
