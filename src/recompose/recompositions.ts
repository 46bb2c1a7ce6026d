import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TapedeckError } from '#base/error.ts'
import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import { Slots } from '#base/slots.ts'
import { estimatedCores } from '#compose/admission.ts'
import type { Composer } from '#compose/composer.ts'
import { ComposerBusyError, CompositionRequestError } from '#compose/errors.ts'
import { type CompleteRequest, completed, DEFAULT_REQUEST, MAX_TILES } from '#compose/request.ts'
import {
  type NewRecomposition,
  RECOMPOSITION_FORMATS,
  type RecompositionDocument,
  type RecompositionEvent,
  type RecompositionsApi,
} from '#control/recompositions.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { adoptedPath } from '#recorder/adoption.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import { storageErrorFrom } from '#storage/errors.ts'
import { deleteLeftOvers } from '#storage/left-overs.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import {
  RecompositionNotFoundError,
  RecompositionsClosedError,
  TooManyRecompositionsError,
  TracksNotKeptError,
} from './errors.ts'
import { RecompositionJob } from './job.ts'
import { mostAtOnce, planComposition } from './plan.ts'
import { type RoomTracks, roomTracks } from './room-tracks.ts'

/** Hidden, so that nobody takes what is in it for a recording. */
const FOLDER = '.composing'

/** More that wait are refused. */
const MAX_WAITING = 100
/** Of those that are over so many are remembered. */
const MAX_REMEMBERED = 100

export interface RecompositionsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly catalog: Pick<Catalog, 'findByPart'>
  /** Where recordings go. */
  readonly roots: readonly string[]
  /** Why nothing may be written below a root now; undefined when it may. */
  readonly refusal: (root: string) => TapedeckError | undefined
  readonly composer: Pick<Composer, 'load'>
  readonly fragmentMs: number
  readonly mp4IndexBytes: number
}

/**
 * Composes what was recorded, one job after the other, each in a process of its own, with what live compositions leave
 * of the machine. What is made is an ordinary recording. Jobs are not remembered across restarts.
 */
export class Recompositions implements RecompositionsApi, AsyncDisposable {
  readonly events: Signal<RecompositionEvent>
  readonly #options: RecompositionsOptions
  /** One at a time: it takes a core, and the next is no sooner done beside it. */
  readonly #turns = new Slots(1)
  /** Newest last. */
  readonly #jobs = new Map<string, RecompositionJob>()
  #tidied: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: RecompositionsOptions) {
    this.#options = options
    const { log } = options.runtime
    this.events = new Signal((err) => log.error({ event: 'recomposition.listener-failed', err }))
  }

  /** Deletes what a kill has left of jobs; jobs wait for it. */
  tidy(): Promise<void> {
    const { roots, catalog, runtime } = this.#options
    const tidied = deleteLeftOvers({ roots, catalog, runtime, folder: FOLDER, event: 'recomposition.left-over' })
    this.#tidied = tidied.catch(() => {})
    return tidied
  }

  async begin(
    wanted: NewRecomposition,
    require: (permission: 'view' | 'record', stream: string) => void,
  ): Promise<RecompositionDocument> {
    if (this.#isClosed) throw new RecompositionsClosedError()
    const waiting = [...this.#jobs.values()].filter(({ state }) => state === 'waiting').length
    if (waiting >= MAX_WAITING) throw new TooManyRecompositionsError(MAX_WAITING)
    const { runtime, recorder, roots } = this.#options
    const first = await recorder.get(wanted.recording)
    const { tracks, composed } = await this.#tracksOf(first, wanted)
    for (const { stream } of [first, ...tracks]) require('view', stream)
    const plan = planComposition(tracks, composed)
    if (plan.tracks.length === 0 || plan.durationMs <= 0) throw new TracksNotKeptError(first.id)
    if (mostAtOnce(plan) > MAX_TILES) {
      throw new CompositionRequestError('with', `names too many: a composition has up to ${MAX_TILES} tiles at a time`)
    }
    const stream = normalizeStreamPath(
      wanted.stream ?? composed?.stream ?? `${tracks[0]?.stream ?? first.stream}-composed`,
    )
    require('record', stream)
    const request = requestOf(wanted, stream, tracks, composed)
    const { format = 'mp4', name, metadata } = wanted
    if (!RECOMPOSITION_FORMATS.includes(format)) {
      throw new CompositionRequestError('format', `must be one of ${RECOMPOSITION_FORMATS.join(', ')}`)
    }
    const { capacityCores } = this.#options.composer.load
    if (capacityCores <= 0) throw new ComposerBusyError(0, estimatedCores(request), capacityCores)
    const near = (composed ?? tracks[0])?.parts[0]?.root
    const root = near !== undefined && roots.includes(near) ? near : (roots[0] ?? '')
    const facts = {
      id: runtime.newId(),
      request,
      format,
      plan,
      path: name === undefined ? undefined : adoptedPath(stream, name),
      root,
      metadata: {
        ...metadata,
        origin: 'recomposition',
        layout: request.layout,
        composedFrom: plan.tracks.map(({ recordingId }) => recordingId).join(' '),
        ...(composed !== undefined && { composedBefore: composed.id }),
      },
    }
    const job = this.#job(facts)
    await job.check()
    this.#jobs.set(job.id, job)
    this.#forget()
    runtime.log.info({ event: 'recomposition.accepted', recomposition: job.id, stream, sources: plan.tracks.length })
    this.#tell(job)
    void this.#turns.run(async () => {
      await this.#tidied
      await job.run()
    })
    return job.document()
  }

  list(): readonly RecompositionDocument[] {
    return [...this.#jobs.values()].reverse().map((job) => job.document())
  }

  get(id: string): RecompositionDocument {
    return this.#find(id).document()
  }

  async cancel(id: string): Promise<RecompositionDocument> {
    const job = this.#find(id)
    await job.cancel()
    return job.document()
  }

  /** Breaks off what waits or goes on, and waits until nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const reason = new RecompositionsClosedError()
    await Promise.all(Array.from(this.#jobs.values(), (job) => job.shutDown(reason)))
  }

  async #tracksOf(first: RecordingDocument, wanted: NewRecomposition): Promise<RoomTracks> {
    const { recorder } = this.#options
    if (wanted.with !== undefined) {
      const ids = [...new Set(wanted.with)].filter((id) => id !== first.id)
      return { tracks: [first, ...(await Promise.all(ids.map((id) => recorder.get(id))))], composed: undefined }
    }
    const found = await roomTracks(first, (query) => recorder.list(query))
    if (found === undefined || found.tracks.length === 0) throw new TracksNotKeptError(first.id)
    return found
  }

  #job(facts: ConstructorParameters<typeof RecompositionJob>[0]): RecompositionJob {
    const { runtime, recorder, refusal, composer, fragmentMs, mp4IndexBytes } = this.#options
    const folder = FOLDER
    return new RecompositionJob(facts, {
      runtime,
      recorder,
      folder,
      refusal,
      fragmentMs,
      mp4IndexBytes,
      spareCores: () => composer.load.spareCores,
      makeFolder: () => makeFolder(join(facts.root, folder)),
      onChange: (job) => this.#tell(job),
    })
  }

  #tell(job: RecompositionJob): void {
    this.events.emit({ type: 'compose-job.changed', job: job.document() })
  }

  #find(id: string): RecompositionJob {
    const job = this.#jobs.get(id)
    if (job === undefined) throw new RecompositionNotFoundError(id)
    return job
  }

  #forget(): void {
    const over = [...this.#jobs.values()].filter(({ isOver }) => isOver)
    for (const { id } of over.slice(0, Math.max(0, over.length - MAX_REMEMBERED))) this.#jobs.delete(id)
  }
}

function requestOf(
  wanted: NewRecomposition,
  output: string,
  tracks: readonly RecordingDocument[],
  composed: RecordingDocument | undefined,
): CompleteRequest {
  const { layout, frameRate, videoBitrateBps, audioBitrateBps } = wanted
  const kinds = new Set(tracks.flatMap(({ parts }) => parts.flatMap((part) => part.tracks.map(({ kind }) => kind))))
  const before = composed?.parts[0]?.tracks.find(({ kind }) => kind === 'video')
  return completed({
    output,
    layout: layout ?? DEFAULT_REQUEST.layout,
    widthPixels: wanted.widthPixels ?? before?.width ?? DEFAULT_REQUEST.widthPixels,
    heightPixels: wanted.heightPixels ?? before?.height ?? DEFAULT_REQUEST.heightPixels,
    frameRate: frameRate ?? DEFAULT_REQUEST.frameRate,
    video: wanted.video ?? kinds.has('video'),
    audio: wanted.audio ?? kinds.has('audio'),
    ...(videoBitrateBps !== undefined && { videoBitrateBps }),
    ...(audioBitrateBps !== undefined && { audioBitrateBps }),
  })
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageErrorFrom(error, path)
  }
}
