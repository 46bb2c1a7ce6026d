import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { errorCode } from '#base/error.ts'
import { makePoster } from '#control/poster-process.ts'
import type { RoomComposer } from '#sessions/composing.ts'
import type { Publication } from '#sessions/publication.ts'
import type { SessionEvent } from '#sessions/session.ts'
import type { FileRequest, SessionRecordingRequest } from '#sessions/session-recording.ts'
import { type PartDocument, partFormat, type RecordingDocument } from '#storage/recording-document.ts'
import type { Connection } from '../connection.ts'
import type { Desk } from '../desk.ts'
import {
  RecordingConflictError,
  RecordingStartingError,
  RecordingUnknownError,
  StreamsNotRecordedError,
} from '../errors.ts'
import type { EventSink } from '../events/event-sink.ts'
import type { RecordingProperties } from '../properties.ts'
import { type Room, recordingReason } from '../room.ts'
import { individualIndex } from './individual-index.ts'
import { writeIndividualZip } from './individual-zip.ts'
import { layoutComposer, layoutUrl } from './layout-page.ts'
import { probeReport } from './probe-report.ts'
import { recordingEvent } from './recording-event.ts'
import { isOver, type RecordedStream, type RecordingFacts } from './recording-facts.ts'
import { RecordingFolder, type StoredRecording } from './recording-folder.ts'
import { freeFileName, newRecordingId } from './recording-ids.ts'
import { type Layout, recordingObject } from './recording-object.ts'
import { type RecordingRoot, recordingRoot } from './recording-root.ts'
import { tracksKnown } from './tracks-known.ts'

/** Of `ID.jpg`. spec section 4.5. */
const POSTER_WIDTH_PIXELS = 480
/** What is looked through after a crash, of the recorder's recordings. */
const PAGE = 500

/** A recording that goes on. */
interface Running {
  readonly room: Room
  readonly properties: RecordingProperties
  readonly layout: Layout
  /** Of the media file, without extension. */
  readonly fileName: string
  readonly streams: RecordedStream[]
  readonly finished: PromiseWithResolvers<RecordingFacts>
  facts: RecordingFacts
  /** What there is of it is thrown away when it has stopped. */
  isGivenUp: boolean
  /** Files are written one after the other. */
  written: Promise<void>
}

type Stopped = Extract<SessionEvent, { readonly type: 'recording-stopped' }>

/** The vendor's recordings: what runs, and what is on disk. spec sections 3.6 and 4. */
export class Recordings implements AsyncDisposable {
  readonly folder: RecordingFolder
  readonly #desk: Desk
  readonly #place: RecordingRoot
  readonly #events: EventSink
  readonly #running = new Map<string, Running>()
  /** Pictures being made, by recording. */
  readonly #posters = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()
  #recovered: Promise<void> = Promise.resolve()

  private constructor(desk: Desk, place: RecordingRoot, events: EventSink) {
    this.#desk = desk
    this.#place = place
    this.#events = events
    this.folder = new RecordingFolder(place.path)
  }

  /**
   * Begins to finish what a crash left.
   * @throws {RecordingPathError}
   */
  static async open(desk: Desk, events: EventSink): Promise<Recordings> {
    const recordings = new Recordings(desk, await recordingRoot(desk.settings.recordingPath, desk.roots), events)
    recordings.#recovered = recordings.#recover().catch((err: unknown) => {
      desk.runtime.log.error({ event: 'facade.recordings-not-recovered', err })
    })
    return recordings
  }

  /** How a session is recorded by itself. */
  automatic(room: Room): SessionRecordingRequest {
    return this.#request(this.#begin(room, room.properties.defaultRecordingProperties))
  }

  /** Follows what is recorded of a session. */
  follow(room: Room): void {
    room.session.events.listen((event) => this.#happened(event))
  }

  /**
   * Resolves when it records; the caller has made the checks that come before. spec section 3.6.
   * @throws {LayoutMissingError} @throws {StreamsNotRecordedError} @throws {TapedeckError} what starting a recording throws
   */
  async start(room: Room, properties: RecordingProperties): Promise<object> {
    const running = this.#begin(room, properties)
    const { id } = running.facts
    try {
      const recording = await room.session.startRecording(this.#request(running))
      const { failures } = recording
      if (failures.length > 0 && !properties.ignoreFailedStreams) {
        running.isGivenUp = true
        await room.session.stopRecording('failed')
        const streamIds = failures.map(({ publication }) => publication?.id ?? id)
        throw new StreamsNotRecordedError(streamIds, failures[0]?.error)
      }
      await running.written
      return this.#object(running)
    } catch (error) {
      this.#failedToStart(running)
      throw error
    }
  }

  /** Resolves when the file is complete. @throws {RecordingUnknownError | RecordingStartingError | RecordingConflictError} */
  async stop(id: string): Promise<object> {
    const running = this.#running.get(id)
    if (running === undefined) throw new RecordingUnknownError(id)
    if (running.facts.status === 'starting') throw new RecordingStartingError(id)
    const { session } = running.room
    if (session.recording?.id !== id) throw new RecordingConflictError(`recording ${id} is being finished already`)
    await session.stopRecording('requested')
    await running.finished.promise
    return await this.get(id)
  }

  /** @throws {RecordingUnknownError} */
  async get(id: string): Promise<object> {
    this.#prune()
    const running = this.#running.get(id)
    if (running !== undefined) return this.#object(running)
    const stored = await this.folder.get(id)
    if (stored === undefined) throw new RecordingUnknownError(id)
    return await this.#storedObject(stored)
  }

  /** Newest first. */
  async list(): Promise<readonly object[]> {
    this.#prune()
    const running = [...this.#running.values()]
    const stored = (await this.folder.list()).filter(({ facts }) => !this.#running.has(facts.id))
    const all = [
      ...running.map((each) => ({ at: each.facts.createdAt, object: this.#object(each) })),
      ...(await Promise.all(
        stored.map(async (each) => ({ at: each.facts.createdAt, object: await this.#storedObject(each) })),
      )),
    ]
    return all.sort((a, b) => b.at - a.at).map(({ object }) => object)
  }

  /** With all its files. @throws {RecordingUnknownError | RecordingConflictError} @throws {RecordingHeldError} */
  async remove(id: string): Promise<void> {
    this.#prune()
    if (this.#running.has(id)) throw new RecordingConflictError(`recording ${id} goes on: stop it before you delete it`)
    const stored = await this.folder.get(id)
    if (stored === undefined) throw new RecordingUnknownError(id)
    await this.#posters.get(id)
    for (const recording of stored.facts.tapedeck?.recordings ?? []) await this.#removeCore(recording)
    await this.folder.remove(stored)
  }

  /**
   * A file of a recording, by any of the addresses there have been: `NAME.EXT` and `ID/NAME.EXT`, whichever way it is
   * kept. Nothing else that may lie in the folder. Undefined: there is none.
   */
  async find(address: string): Promise<string | undefined> {
    const names = address.split('/')
    const [first = '', second] = names
    if (names.length === 2 && second !== undefined) {
      const stored = await this.folder.get(first)
      return stored === undefined ? undefined : await this.#fileOf(stored, second)
    }
    if (names.length !== 1) return undefined
    const sameName = await this.folder.get(first.slice(0, first.length - extname(first).length))
    const near = sameName === undefined ? undefined : await this.#fileOf(sameName, first)
    if (near !== undefined) return near
    const newestFirst = (await this.folder.list()).toSorted((a, b) => b.facts.createdAt - a.facts.createdAt)
    for (const stored of newestFirst) {
      const path = await this.#fileOf(stored, first)
      if (path !== undefined) return path
    }
    return undefined
  }

  /** Whether a file of the folder is being written. */
  isChanging(path: string): boolean {
    return this.#desk.control.recorder
      .active()
      .some(({ parts }) => parts.some((part) => part.state === 'open' && join(part.root, part.path) === path))
  }

  /** In the folder of a recording everything is its own; beside others', what is called after it. */
  async #fileOf(stored: StoredRecording, name: string): Promise<string | undefined> {
    const { facts, layout } = stored
    if (layout === 'flat' && name !== `${facts.id}.jpg` && name !== `${facts.id}.info`) {
      const media = await this.folder.media(stored)
      return media?.file === name ? media.path : undefined
    }
    return await this.folder.file(this.folder.relative(facts.id, layout, name))
  }

  /** Resolves when what was recorded is finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ finished }) => finished.promise))
    await this.#recovered
    this.#closing.abort()
    await Promise.allSettled(this.#posters.values())
  }

  /** Takes an id, at once. */
  #begin(room: Room, properties: RecordingProperties): Running {
    this.#prune()
    const { compat } = this.#desk.settings
    const { ids, files } = this.folder.taken()
    for (const { facts, fileName } of this.#running.values()) {
      ids.add(facts.id)
      files.add(fileName)
    }
    // In the flat layout a file of another recording takes the id as well. spec section 4.2.
    const id = newRecordingId(room.id, compat, compat === 'classic' ? ids.union(files) : ids)
    const name = properties.name === '' ? id : properties.name
    const layout = compat === 'classic' ? 'flat' : 'folder'
    const isComposed = properties.outputMode !== 'INDIVIDUAL' && properties.hasVideo
    const { resolution, frameRate, recordingLayout, customLayout } = properties
    const running: Running = {
      room,
      properties,
      layout,
      fileName: layout === 'flat' ? freeFileName(name, files) : name,
      streams: [],
      finished: Promise.withResolvers(),
      written: Promise.resolve(),
      isGivenUp: false,
      facts: {
        id,
        name,
        outputMode: properties.outputMode,
        sessionId: room.id,
        createdAt: this.#desk.runtime.nowMs(),
        size: 0,
        duration: 0,
        hasAudio: properties.hasAudio,
        hasVideo: properties.hasVideo,
        status: 'starting',
        uniqueSessionId: room.uniqueId,
        ...(isComposed && { resolution, frameRate, recordingLayout }),
        ...(isComposed && recordingLayout === 'CUSTOM' && { customLayout }),
      },
    }
    // Nobody has to wait for it.
    running.finished.promise.catch(() => {})
    this.#running.set(id, running)
    return running
  }

  #request(running: Running): SessionRecordingRequest {
    const { facts, layout, fileName, properties, room } = running
    const { id, hasAudio, hasVideo } = facts
    const [widthPixels, heightPixels] = properties.resolution.split('x').map(Number)
    const file = { root: this.#place.root, pathText: 'verbatim' } as const
    const composer = this.#composer(running)
    return {
      id,
      ...(composer !== undefined && { composer }),
      mode: facts.outputMode === 'INDIVIDUAL' ? 'individual' : 'composed',
      audio: hasAudio,
      video: hasVideo,
      layout: 'best-fit',
      ...(widthPixels !== undefined && { widthPixels }),
      ...(heightPixels !== undefined && { heightPixels }),
      frameRate: properties.frameRate,
      composedFile: {
        ...file,
        path: this.#place.prefix + this.folder.relative(id, layout, fileName),
        format: hasVideo ? 'mp4' : 'webm',
      },
      individualFile: async (publication) => ({ ...file, ...(await this.#streamFile(running, publication)) }),
      labels: { name: facts.name, uniqueSessionId: room.uniqueId },
    }
  }

  /** The file of one stream. It is WebM where that carries it, else Matroska, which carries everything. */
  async #streamFile(running: Running, publication: Publication): Promise<FileRequest> {
    const { room, facts, streams } = running
    // What it is of is noted right after it was announced.
    await Promise.resolve()
    const { clientData, serverData, typeOfVideo } = streamFacts(room.connection(publication.participant.id))
    streams.push({
      streamId: publication.id,
      connectionId: publication.participant.id,
      clientData,
      serverData,
      ...(typeOfVideo !== undefined && { typeOfVideo }),
    })
    this.#write(running)
    const tracks = await tracksKnown(publication, this.#desk.control.hub)
    const isForWebm = tracks?.every(({ codec }) => ['vp8', 'vp9', 'av1', 'opus', 'vorbis'].includes(codec)) ?? false
    const path = `${this.#place.prefix}${this.#streamsFolder(facts.id, running.layout)}/${publication.id}`
    return { path, format: isForWebm ? 'webm' : 'mkv' }
  }

  /** The flat layout has no place for files that are only on their way into a zip. */
  #streamsFolder(id: string, layout: Layout): string {
    return layout === 'flat' ? `.streams.${id}` : id
  }

  #happened(event: SessionEvent): void {
    if (!('recording' in event)) return
    const running = this.#running.get(event.recording.id)
    if (running === undefined || running.room.session !== event.session) return
    const reason = event.recording.reason === undefined ? undefined : recordingReason(event.recording.reason)
    switch (event.type) {
      case 'recording-started':
        this.#change(running, { status: 'started' })
        this.#tell(running, undefined)
        break
      case 'recording-stopping':
        if (running.facts.status === 'started') this.#tell(running, reason, 'stopped')
        break
      case 'recording-stopped':
        if (running.isGivenUp) this.#discard(running, event.documents)
        else void this.#finish(running, event)
        break
    }
  }

  async #finish(running: Running, { recording, documents }: Stopped): Promise<void> {
    const { facts, layout, room } = running
    const reason = recording.reason === undefined ? undefined : recordingReason(recording.reason)
    await running.written
    const finished = await this.#finished({ ...facts, tapedeck: this.#own(running) }, layout, documents)
    running.facts = finished
    this.#write(running)
    await running.written
    await this.#removeZipped(finished, layout, documents)
    this.#running.delete(facts.id)
    this.#tell(running, reason, finished.status)
    room.recordingIsReady(recording)
    running.finished.resolve(finished)
  }

  /** Everything that is made when the media are final; what can't be made leaves a recording that has failed. */
  async #finished(
    facts: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ): Promise<RecordingFacts> {
    try {
      if (facts.outputMode === 'INDIVIDUAL') return await this.#zipped(facts, layout, documents)
      return await this.#composed(facts, layout, documents)
    } catch (err) {
      this.#desk.runtime.log.error({ event: 'facade.recording-not-finished', recording: facts.id, err })
      return { ...facts, tapedeck: { ...facts.tapedeck, recordings: idsOf(documents) }, status: 'failed' }
    }
  }

  async #zipped(
    facts: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ): Promise<RecordingFacts> {
    const { streams = [], file } = facts.tapedeck ?? {}
    const finished = streams.flatMap((stream) =>
      documents
        .filter(({ metadata }) => metadata['publication'] === stream.streamId)
        .map((document) => ({ stream, document })),
    )
    const index = individualIndex(facts, finished)
    const files = index.parts.map(({ part, file: { name } }) => ({ path: join(part.root, part.path), name }))
    const zip = join(this.folder.path, this.folder.relative(facts.id, layout, file ?? `${facts.name}.zip`))
    await writeIndividualZip(zip, files, { name: facts.name, content: index.content })
    const { size, duration } = index
    return { ...facts, size, duration, tapedeck: { ...facts.tapedeck, recordings: idsOf(documents) }, status: 'ready' }
  }

  /** Files of streams whose media are in the zip; once that is noted, so that a crash can't make an empty zip of none. */
  async #removeZipped(
    { id, outputMode, status }: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ) {
    if (outputMode !== 'INDIVIDUAL' || status !== 'ready') return
    try {
      for (const document of documents) await this.#removeCore(document.id)
      if (layout === 'flat') {
        await rm(join(this.folder.path, this.#streamsFolder(id, layout)), { recursive: true, force: true })
      }
    } catch (err) {
      // They are deleted with the recording.
      this.#desk.runtime.log.warn({ event: 'facade.leftover', recording: id, err })
    }
  }

  async #composed(
    facts: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ): Promise<RecordingFacts> {
    const parts = documents.flatMap((document) => document.parts.map((part) => ({ part, document })))
    const found = parts.find(({ part }) => part.state === 'ready') ?? parts[0]
    const own = { ...facts.tapedeck, recordings: idsOf(documents) }
    if (found === undefined) return { ...facts, tapedeck: own, status: 'failed' }
    const { part, document } = found
    const video = part.tracks.find(({ kind }) => kind === 'video')
    const isSized = video?.width !== undefined && video.height !== undefined
    const finished: RecordingFacts = {
      ...facts,
      size: part.bytes,
      duration: part.durationMs / 1000,
      hasAudio: part.tracks.some(({ kind }) => kind === 'audio'),
      hasVideo: video !== undefined,
      ...(isSized && { resolution: `${video.width}x${video.height}` }),
      tapedeck: { ...own, file: basename(part.path) },
      status: part.state === 'ready' ? 'ready' : 'failed',
    }
    if (layout === 'flat') {
      await writeFile(
        join(this.folder.path, `${facts.id}.info`),
        JSON.stringify(probeReport(part, partFormat(document, part))),
      )
    }
    if (video !== undefined && part.state === 'ready') this.#makePoster(facts.id, layout, part, document)
    return finished
  }

  /** In the background: nobody waits for a picture. */
  #makePoster(id: string, layout: Layout, part: PartDocument, document: RecordingDocument): void {
    const { runtime } = this.#desk
    const output = join(this.folder.path, this.folder.relative(id, layout, `${id}.jpg`))
    const draft = join(this.folder.path, this.folder.relative(id, layout, `.${id}.jpg.new`))
    const made = (async () => {
      try {
        await makePoster({
          input: join(part.root, part.path),
          container: partFormat(document, part),
          output: draft,
          maxWidthPixels: POSTER_WIDTH_PIXELS,
          atMs: part.durationMs / 2,
          signal: this.#closing.signal,
        })
        await rename(draft, output)
      } catch (err) {
        runtime.log.warn({ event: 'facade.poster-not-made', recording: id, err })
        await rm(draft, { force: true })
      }
    })().finally(() => this.#posters.delete(id))
    this.#posters.set(id, made)
  }

  /** What makes the picture, where that is not the grid. */
  #composer({ room, facts, properties }: Running): RoomComposer | undefined {
    const { log } = this.#desk.runtime
    const { recordingLayout, customLayout } = properties
    if (facts.outputMode === 'INDIVIDUAL' || !facts.hasVideo || recordingLayout === 'BEST_FIT') return undefined
    if (recordingLayout !== 'CUSTOM') {
      const layout = recordingLayout
      log.info({ event: 'facade.layout-as-grid', layout }, 'this layout was never shipped: it is a grid')
      return undefined
    }
    const { settings, localUrl, control } = this.#desk
    return {
      start: async (request) => {
        const sessionId = room.id
        const url = await layoutUrl({ settings, localUrl: localUrl(), sessionId, layout: customLayout })
        return await layoutComposer(control.pulls, url).start(request)
      },
    }
  }

  #discard(running: Running, documents: readonly RecordingDocument[]): void {
    running.written = running.written
      .then(async () => {
        for (const { id } of documents) await this.#removeCore(id)
      })
      .catch((err: unknown) => {
        this.#desk.runtime.log.warn({ event: 'facade.leftover', recording: running.facts.id, err })
      })
  }

  #failedToStart(running: Running): void {
    const { id } = running.facts
    if (this.#running.get(id) !== running) return
    this.#running.delete(id)
    running.finished.resolve({ ...running.facts, status: 'failed' })
    this.#tell(running, undefined, 'failed')
    const { folder } = this
    const leftover = { facts: running.facts, layout: running.layout }
    running.written = running.written
      .then(() => folder.remove(leftover))
      .catch((err: unknown) => this.#desk.runtime.log.warn({ event: 'facade.leftover', recording: id, err }))
  }

  /** Forgets automatic recordings whose start has failed: nobody else is told of that. */
  #prune(): void {
    for (const running of this.#running.values()) {
      const { session } = running.room
      const isManual = running.room.properties.recordingMode === 'MANUAL'
      if (isManual || running.facts.status !== 'starting' || session.recording?.id === running.facts.id) continue
      this.#failedToStart(running)
    }
  }

  /** Finishes what was being recorded when the server died. spec section 4.5. */
  async #recover(): Promise<void> {
    const unfinished = (await this.folder.list()).filter(({ facts }) => !isOver(facts) && !this.#running.has(facts.id))
    for (const { facts, layout } of unfinished) {
      const documents = await this.#documentsOf(facts)
      await Promise.all(documents.map(({ id }) => this.#settled(id)))
      const settled = await Promise.all(documents.map(({ id }) => this.#desk.control.recorder.get(id)))
      // Of what was zipped already only the zip is left, or nothing was ever published.
      const isZip = facts.outputMode === 'INDIVIDUAL' && (await this.folder.media({ facts, layout })) === undefined
      const isOurs = settled.length > 0 || isZip
      const finished = isOurs ? await this.#finished(facts, layout, settled) : await this.#salvaged({ facts, layout })
      await this.folder.write({ facts: finished, layout })
      await this.#removeZipped(finished, layout, settled)
      this.#desk.runtime.log.info({ event: 'facade.recording-recovered', recording: facts.id, status: finished.status })
    }
  }

  /** The recorder's recordings that one of the vendor's is made of. */
  async #documentsOf({ id, createdAt, uniqueSessionId }: RecordingFacts): Promise<RecordingDocument[]> {
    const { recorder } = this.#desk.control
    const from = new Date(createdAt - 1000).toISOString()
    const found: RecordingDocument[] = []
    let cursor: string | undefined
    do {
      const page = await recorder.list({ from, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      found.push(
        ...page.recordings.filter(
          ({ metadata }) =>
            metadata['sessionRecording'] === id && metadata['uniqueSessionId'] === (uniqueSessionId ?? ''),
        ),
      )
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return found
  }

  /** Resolves when the recorder has finished what a crash left of a recording. */
  async #settled(id: string): Promise<void> {
    const { recorder } = this.#desk.control
    const settled = Promise.withResolvers<void>()
    using _ = recorder.events.listen((event) => {
      if ((event.type === 'recording.ready' || event.type === 'recording.failed') && event.recording.id === id) {
        settled.resolve()
      }
    })
    const { state } = await recorder.stop(id)
    if (state === 'ready' || state === 'failed') return
    await settled.promise
  }

  /** Of a file that this recorder knows nothing about, its being there is all that can be said. */
  async #salvaged(stored: StoredRecording): Promise<RecordingFacts> {
    const media = await this.folder.media(stored)
    const size = media === undefined ? 0 : (await stat(media.path)).size
    return { ...stored.facts, size, status: size > 0 ? 'ready' : 'failed' }
  }

  #change(running: Running, change: Partial<RecordingFacts>): void {
    running.facts = { ...running.facts, ...change }
    this.#write(running)
  }

  /** Writes what is to be told of it; a disk that refuses must not end the recording. */
  #write(running: Running): void {
    const { folder } = this
    const { log } = this.#desk.runtime
    running.written = running.written
      .then(() => folder.write({ facts: { ...running.facts, tapedeck: this.#own(running) }, layout: running.layout }))
      .catch((err: unknown) => log.error({ event: 'facade.recording-not-noted', recording: running.facts.id, err }))
  }

  #own({ facts, streams, fileName }: Running): NonNullable<RecordingFacts['tapedeck']> {
    const isZip = facts.outputMode === 'INDIVIDUAL'
    const isRenamed = fileName !== facts.name
    return { ...(isZip && { streams }), ...(isZip && isRenamed && { file: `${fileName}.zip` }), ...facts.tapedeck }
  }

  #object({ facts }: Running): object {
    return recordingObject(facts, undefined, this.#objectOptions)
  }

  async #storedObject(stored: StoredRecording): Promise<object> {
    return recordingObject(stored.facts, await this.folder.media(stored), this.#objectOptions)
  }

  get #objectOptions() {
    const { compat, publicAccess } = this.#desk.settings
    return { compat, publicAccess, publicUrl: this.#desk.publicAddress().url }
  }

  #tell({ facts, room }: Running, reason: string | undefined, status: string = facts.status): void {
    const nowMs = this.#desk.runtime.nowMs()
    for (const event of recordingEvent(facts, { status, reason, nowMs, room, compat: this.#desk.settings.compat })) {
      this.#events.emit(event)
    }
  }

  /** One that is gone already is fine. */
  async #removeCore(id: string): Promise<void> {
    try {
      await this.#desk.control.recorder.remove(id)
    } catch (error) {
      if (!errorCode(error).endsWith('not-found')) throw error
    }
  }
}

function idsOf(documents: readonly RecordingDocument[]): string[] {
  return documents.map(({ id }) => id)
}

function streamFacts(connection: Connection | undefined) {
  const typeOfVideo = connection?.published?.stream.typeOfVideo
  return {
    clientData: connection?.arrival?.clientData ?? '',
    serverData: connection?.properties.data ?? '',
    typeOfVideo,
  }
}
