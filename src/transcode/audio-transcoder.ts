import { ChildLink } from '#base/child-link.ts'
import type { Runtime } from '#base/runtime.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import { AudioTranscode, type TranscodeEvents } from './audio-transcode.ts'
import { EncoderMissingError, TranscoderEndedError } from './errors.ts'
import type { ChildInput, ChildOutput } from './messages.ts'
import type { AacEncoder, Target } from './target.ts'

/** What the process runs. */
const TRANSCODE_CHILD = new URL('./transcode-child.ts', import.meta.url)

/** Access units are gathered for so long before they go to the child: a message costs more than what is in it. */
const GATHER_MS = 100

/** A child that has not answered a message for so long hangs. */
const HANG_MS = 10_000

/** Pauses before another child is started when one after the other ends. */
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 10_000
/** A child that lived longer than this was no part of a series. */
const SERIES_MS = 60_000

/** A child without work is ended after this. */
const IDLE_MS = 30_000

/** libavcodec's; of AAC there are several. */
const ENCODERS = { opus: 'libopus', vorbis: 'libvorbis' } as const

export interface AudioTranscoderOptions {
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'log'>
  readonly aacEncoder: AacEncoder
}

/** A child and what is known of it. */
interface Child {
  readonly link: ChildLink<ChildInput, ChildOutput>
  readonly startedMs: number
  /** It takes messages before, and answers them once it is. */
  isReady: boolean
  /** Since when it has had nothing to answer, or has worked at the first message of `sent`. */
  sinceMs: number
  /** Tracks whose messages it has, in order. */
  readonly sent: AudioTranscode[]
}

/**
 * Turns sound of one codec into another, for all recordings in one child process: it is native code that reads bytes a
 * stranger sent, so it may crash or hang, and costs then the sound of a moment. Started when first needed.
 */
export class AudioTranscoder implements AsyncDisposable {
  readonly #options: AudioTranscoderOptions
  readonly #memory = new PayloadMemory()
  readonly #tracks = new Map<number, AudioTranscode>()
  #lastId = 0
  #child: Child | undefined
  #timer: NodeJS.Timeout | undefined
  #nextStartMs = 0
  #pauseMs = FIRST_PAUSE_MS
  #lastWorkMs = 0
  #isClosed = false
  #readiness: PromiseWithResolvers<readonly string[]> | undefined

  constructor(options: AudioTranscoderOptions) {
    this.#options = options
  }

  /** The child's process id; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.link.pid
  }

  /** Bytes of encoded sound that somebody still holds. */
  get inUseBytes(): number {
    return this.#memory.inUseBytes
  }

  /**
   * Starts the child once to see whether it has the encoders that are configured.
   * @throws {EncoderMissingError} @throws {TranscoderEndedError}
   */
  async check(): Promise<void> {
    this.#readiness = Promise.withResolvers()
    this.#tick()
    const encoders = await this.#readiness.promise
    const { aacEncoder } = this.#options
    if (!encoders.includes(aacEncoder)) throw new EncoderMissingError(aacEncoder, encoders)
  }

  /** @param capacityBytes of payload that may wait for the child */
  open(source: AudioFormat, target: Target, capacityBytes: number, events: TranscodeEvents): AudioTranscode {
    const track = new AudioTranscode({
      id: ++this.#lastId,
      source,
      target,
      capacityBytes,
      events,
      owner: {
        memory: this.#memory,
        encoderOf: ({ codec }) => (codec === 'aac' ? this.#options.aacEncoder : ENCODERS[codec]),
        hurry: (hurried) => this.#send(hurried),
        closed: ({ id }) => {
          this.#tracks.delete(id)
          this.#child?.link.send({ kind: 'close', track: id })
        },
      },
    })
    this.#tracks.set(track.id, track)
    // So that it is there when there is something to do.
    this.#tick()
    return track
  }

  /** Ends the child. Tracks that are still open lose what they have not got. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const track of [...this.#tracks.values()]) track[Symbol.dispose]()
    await this.#child?.link.close()
  }

  #tick(): void {
    if (this.#isClosed) return
    const { monotonicMs } = this.#options.runtime
    const nowMs = monotonicMs()
    const isWanted = this.#tracks.size > 0 || this.#readiness !== undefined
    if (isWanted) this.#lastWorkMs = nowMs
    if (this.#child === undefined && isWanted && nowMs >= this.#nextStartMs) this.#start(nowMs)
    if (this.#child === undefined && !isWanted) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    this.#timer ??= setInterval(() => this.#tick(), GATHER_MS)
    const child = this.#child
    if (child === undefined) return
    const isBusy = child.sent.length > 0 || !child.isReady
    if (isBusy && nowMs - child.sinceMs > HANG_MS) child.link.kill(`did not answer for ${HANG_MS} ms`)
    else if (nowMs - this.#lastWorkMs > IDLE_MS) this.#end(child)
    else for (const track of this.#tracks.values()) this.#send(track)
  }

  #start(nowMs: number): void {
    const child: Child = {
      startedMs: nowMs,
      sinceMs: nowMs,
      sent: [],
      isReady: false,
      link: new ChildLink(TRANSCODE_CHILD, {
        message: (message) => this.#heard(child, message),
        ended: ({ how, output, isCrash }) => this.#ended(child, new TranscoderEndedError(how, output, isCrash)),
      }),
    }
    this.#child = child
    this.#options.runtime.log.debug({ event: 'transcoder.started', pid: child.link.pid })
  }

  #heard(child: Child, message: ChildOutput): void {
    child.sinceMs = this.#options.runtime.monotonicMs()
    if (message.kind === 'ready') {
      child.isReady = true
      this.#readiness?.resolve(message.encoders)
      this.#readiness = undefined
      return
    }
    child.sent.shift()
    const track = this.#tracks.get(message.track)
    track?.answered(message)
    // What had to wait for the answer and is waited for.
    if (track?.isHurried === true) this.#send(track)
  }

  #send(track: AudioTranscode): void {
    const child = this.#child
    const message = child === undefined ? undefined : track.takeMessage(child)
    if (child === undefined || message === undefined) return
    if (child.sent.length === 0) child.sinceMs = this.#options.runtime.monotonicMs()
    child.sent.push(track)
    child.link.send(message)
  }

  /** It is not needed for now. */
  #end(child: Child): void {
    this.#child = undefined
    child.link.close().catch((error: unknown) => {
      this.#options.runtime.log.warn({ event: 'transcoder.not-closed', err: error })
    })
  }

  #ended(child: Child, error: TranscoderEndedError): void {
    if (this.#child !== child) return
    this.#child = undefined
    if (this.#isClosed) return
    const { log, monotonicMs } = this.#options.runtime
    const nowMs = monotonicMs()
    const [atWork] = child.sent
    if (nowMs - child.startedMs > SERIES_MS) this.#pauseMs = FIRST_PAUSE_MS
    this.#nextStartMs = nowMs + this.#pauseMs
    this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * this.#pauseMs)
    log.error({ event: 'transcoder.ended', code: error.code, tracks: this.#tracks.size, err: error })
    this.#readiness?.reject(error)
    this.#readiness = undefined
    for (const track of [...this.#tracks.values()]) track.childEnded(track === atWork && error.isCrash)
  }
}
