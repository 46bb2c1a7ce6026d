import type { Runtime } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { RoomComposer, RoomComposition, RoomLayout } from './composing.ts'
import { ComposingUnavailableError } from './errors.ts'
import type { Publication } from './publication.ts'

/** What of a recording only the front end decides: names, folders, formats. The stream is the room's business. */
export type FileRequest = Omit<RecordingRequest, 'stream' | 'tracks' | 'waitForStream' | 'metadata'>

/** How a room is to be recorded. */
export interface SessionRecordingRequest {
  /** Unique while it goes on; the front end's name of it. */
  readonly id: string
  /** Every publication in a file of its own, one picture and sound of all, or both. */
  readonly mode: 'individual' | 'composed' | 'both'
  readonly audio: boolean
  readonly video: boolean
  readonly layout?: RoomLayout
  /** Of the composed picture; default 1280 × 720 at 25. */
  readonly widthPixels?: number
  readonly heightPixels?: number
  readonly frameRate?: number
  /** Files of publications: asked once for each. */
  readonly individualFile?: (publication: Publication) => FileRequest | Promise<FileRequest>
  /** The composed file. */
  readonly composedFile?: FileRequest
  /**
   * Composed: every publication is kept in a file of its own all the same, so that the room can be composed again later,
   * in another layout. Default true.
   */
  readonly keepTracks?: boolean
  /** Makes this recording's picture and sound instead of the server's composer. */
  readonly composer?: RoomComposer
  /** Into the metadata of all its files. */
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * Why a recording of a room ended. `unused`: nobody published, or nobody was there, for as long as the room's policy
 * allows.
 */
export type RecordingStopReason = 'requested' | 'everybody-left' | 'unused' | 'session-closed' | 'shutdown' | 'failed'

/** A recording of the core that is part of a room's. */
export interface SessionRecordingFile {
  readonly recordingId: string
  /** Undefined: the composed one. */
  readonly publication: Publication | undefined
}

export interface SessionRecordingOptions {
  readonly request: SessionRecordingRequest
  readonly sessionId: string
  /** Path of the composed stream. */
  readonly composedPath: string
  readonly runtime: Runtime
  readonly recorder: Pick<RecorderApi, 'start' | 'stop' | 'get'>
  /** Undefined: nothing composes. */
  readonly composer: RoomComposer | undefined
}

/** Seconds a publication's media may be away, as when a browser's network changes, and still go on in one file. */
const RECONNECT_SECONDS = 15

/** What a room's recording is made of: ordinary recordings, one of each publication, one of all, or both. */
export class SessionRecording {
  readonly id: string
  readonly request: SessionRecordingRequest
  readonly startedAtMs: number
  readonly #options: SessionRecordingOptions
  readonly #files: SessionRecordingFile[] = []
  /** Recordings of publications that are there, by publication; each resolves with the core's id. */
  readonly #following = new Map<Publication, Promise<string | undefined>>()
  readonly #tiles = new Map<Publication, Disposable>()
  readonly #failures: { readonly publication: Publication | undefined; readonly error: unknown }[] = []
  /** Files being finished. */
  readonly #finishing = new Set<Promise<void>>()
  #composition: RoomComposition | undefined
  #state: 'starting' | 'started' | 'stopping' | 'stopped' = 'starting'
  #reason: RecordingStopReason | undefined
  #starting: Promise<void> | undefined
  #stopped: Promise<readonly RecordingDocument[]> | undefined

  constructor(options: SessionRecordingOptions) {
    this.#options = options
    this.id = options.request.id
    this.request = options.request
    this.startedAtMs = options.runtime.nowMs()
  }

  get state(): 'starting' | 'started' | 'stopping' | 'stopped' {
    return this.#state
  }

  /** Set once it is being stopped. */
  get reason(): RecordingStopReason | undefined {
    return this.#reason
  }

  /** In the order they were begun; those of streams that have ended are among them. */
  get files(): readonly SessionRecordingFile[] {
    return this.#files
  }

  /** Streams that could not be recorded, and why. `publication` undefined: the composed one. */
  get failures(): readonly { readonly publication: Publication | undefined; readonly error: unknown }[] {
    return this.#failures
  }

  /**
   * Resolves when it records, or would if anybody published.
   * @throws {ComposingUnavailableError} @throws {TapedeckError} as RecorderApi.start() and the composer
   */
  start(publications: Iterable<Publication>): Promise<void> {
    this.#starting ??= this.#start(publications)
    return this.#starting
  }

  async #start(publications: Iterable<Publication>): Promise<void> {
    const { mode } = this.request
    if (mode !== 'individual') await this.#compose()
    for (const publication of publications) this.published(publication)
    await Promise.all(this.#following.values())
    if (this.#state === 'starting') this.#state = 'started'
  }

  /** Somebody publishes. */
  published(publication: Publication): void {
    if (this.#state === 'stopping' || this.#state === 'stopped' || publication.ended !== undefined) return
    if (this.request.mode !== 'composed' || this.request.keepTracks !== false) this.#follow(publication)
    if (publication.stream !== undefined) this.flowing(publication, publication.stream)
  }

  /** The media of a publication begin, or begin again. */
  flowing(publication: Publication, stream: Stream): void {
    const composition = this.#composition
    if (composition === undefined || this.#state === 'stopping' || this.#state === 'stopped') return
    this.#tiles.get(publication)?.[Symbol.dispose]()
    const kind = publication.kind === 'screen' ? 'screen' : 'camera'
    try {
      this.#tiles.set(publication, composition.add(stream, { name: publication.participant.id, kind }))
    } catch (error) {
      this.#failed(publication, error)
    }
  }

  unpublished(publication: Publication): void {
    this.#tiles.get(publication)?.[Symbol.dispose]()
    this.#tiles.delete(publication)
    const following = this.#following.get(publication)
    this.#following.delete(publication)
    if (following !== undefined) this.#finish(publication, following)
  }

  /** Resolves when every file is final, with the recordings it is made of. Idempotent; the first reason counts. */
  stop(reason: RecordingStopReason): Promise<readonly RecordingDocument[]> {
    this.#reason ??= reason
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** The recordings it is made of, as they are now. Those that were deleted meanwhile are left out. */
  async documents(): Promise<readonly RecordingDocument[]> {
    const { recorder } = this.#options
    const found = await Promise.allSettled(this.#files.map(({ recordingId }) => recorder.get(recordingId)))
    return found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  async #compose(): Promise<void> {
    const { composedPath, recorder } = this.#options
    const composer = this.request.composer ?? this.#options.composer
    if (composer === undefined) throw new ComposingUnavailableError()
    const { audio, video, layout = 'best-fit', composedFile } = this.request
    const { widthPixels = 1280, heightPixels = 720, frameRate = 25 } = this.request
    const size = { widthPixels, heightPixels, frameRate }
    const composition = await composer.start({ output: composedPath, ...size, audio, video, layout })
    this.#composition = composition
    try {
      const { id } = await recorder.start({
        ...composedFile,
        stream: composition.output,
        tracks: { audio, video },
        waitForStream: true,
        metadata: this.#metadata(undefined),
      })
      this.#files.push({ recordingId: id, publication: undefined })
    } catch (error) {
      await composition.end()
      throw error
    }
  }

  #follow(publication: Publication): void {
    if (this.#following.has(publication) || !publication.participant.isRecorded) return
    const audio = this.request.audio && publication.hasAudio
    const video = this.request.video && publication.hasVideo
    if (!audio && !video) return
    this.#following.set(publication, this.#begin(publication, { audio, video }))
  }

  /** Undefined: it can't be recorded. */
  async #begin(
    publication: Publication,
    tracks: { readonly audio: boolean; readonly video: boolean },
  ): Promise<string | undefined> {
    try {
      const { id } = await this.#options.recorder.start({
        reconnectSeconds: RECONNECT_SECONDS,
        ...(await this.request.individualFile?.(publication)),
        stream: publication.path,
        tracks,
        waitForStream: true,
        metadata: this.#metadata(publication),
      })
      this.#files.push({ recordingId: id, publication })
      return id
    } catch (error) {
      // Composed, the recording is what it was asked to be without the track as well; the log has it.
      this.#failed(publication, error, this.request.mode === 'composed')
      return undefined
    }
  }

  #metadata(publication: Publication | undefined): Readonly<Record<string, string>> {
    const { sessionId, request } = this.#options
    const common = {
      ...request.labels,
      session: sessionId,
      sessionRecording: request.id,
      // Ids come again, in another room of the same id: together they don't.
      sessionRecordingStartedAt: new Date(this.startedAtMs).toISOString(),
    }
    if (publication === undefined) return common
    const { participant, id, kind } = publication
    return { ...participant.labels, ...common, participant: participant.id, publication: id, kind }
  }

  #finish(publication: Publication | undefined, started: Promise<string | undefined>): void {
    const finished = (async () => {
      const id = await started
      if (id === undefined) return
      try {
        await this.#options.recorder.stop(id)
      } catch (error) {
        this.#failed(publication, error)
      }
    })().finally(() => this.#finishing.delete(finished))
    this.#finishing.add(finished)
  }

  async #stop(): Promise<readonly RecordingDocument[]> {
    // What is half begun would go on for ever.
    await Promise.allSettled([this.#starting])
    this.#state = 'stopping'
    for (const publication of [...this.#following.keys(), ...this.#tiles.keys()]) this.unpublished(publication)
    const composed = this.#files.find(({ publication }) => publication === undefined)
    if (composed !== undefined) this.#finish(undefined, Promise.resolve(composed.recordingId))
    await Promise.all(this.#finishing)
    try {
      await this.#composition?.end()
    } catch (error) {
      this.#failed(undefined, error)
    }
    this.#state = 'stopped'
    return this.documents()
  }

  #failed(publication: Publication | undefined, err: unknown, isAside = false): void {
    const { runtime, sessionId } = this.#options
    if (!isAside) this.#failures.push({ publication, error: err })
    const facts = { session: sessionId, sessionRecording: this.id, stream: publication?.path }
    runtime.log.warn({ event: 'session.stream-not-recorded', ...facts, err })
  }
}
