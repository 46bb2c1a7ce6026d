import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ChildLink } from '#base/child-link.ts'
import { errorCode, errorMessage, type TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { CompleteRequest } from '#compose/request.ts'
import type { RecompositionDocument, RecompositionFormat, RecompositionState } from '#control/recompositions.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { storageErrorFrom } from '#storage/errors.ts'
import { RecomposingFailedError, RecompositionOverError, TrackDamagedError, TrackGoneError } from './errors.ts'
import type { ChildInput, ChildOutput, FailedMessage, MadeMessage, TaskTrack } from './messages.ts'
import type { CompositionPlan } from './plan.ts'

/** What the process runs. */
const RECOMPOSE_CHILD = new URL('./child/recompose-child.ts', import.meta.url)

/** A child that says nothing for so long hangs: on a busy machine it comes last. */
const HANG_MS = 120_000
/** How often it is looked how much room there is, on the machine and on the disk. */
const LOOK_MS = 500
/** Less of a core than this is left to those who need it now. */
const LEAST_SHARE = 0.05

/** What a job makes. */
export interface JobFacts {
  readonly id: string
  /** `output` is what it is filed under. */
  readonly request: CompleteRequest
  readonly format: RecompositionFormat
  readonly plan: CompositionPlan
  /** Its name, relative to the root and without extension; undefined: the template's. */
  readonly path: string | undefined
  readonly root: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface JobOptions {
  readonly runtime: Runtime
  readonly recorder: Pick<RecorderApi, 'adopt' | 'partFile' | 'lendPart'>
  /** Below the root: where the file is made. */
  readonly folder: string
  readonly refusal: (root: string) => TapedeckError | undefined
  /** CPU cores that live compositions leave. */
  readonly spareCores: () => number
  readonly fragmentMs: number
  readonly mp4IndexBytes: number
  readonly makeFolder: () => Promise<void>
  /** It begins, or is over. */
  readonly onChange: (job: RecompositionJob) => void
}

/** One composition of recordings, from its request to the finished recording. */
export class RecompositionJob {
  readonly id: string
  readonly facts: JobFacts
  readonly #options: JobOptions
  readonly #log: Logger
  readonly #requestedAtMs: number
  readonly #ending = new AbortController()
  #state: RecompositionState = 'waiting'
  #composedMs = 0
  #startedAtMs: number | undefined
  #endedAtMs: number | undefined
  #recordingId: string | undefined
  #error: unknown
  #run: Promise<void> | undefined

  constructor(facts: JobFacts, options: JobOptions) {
    this.id = facts.id
    this.facts = facts
    this.#options = options
    this.#requestedAtMs = options.runtime.nowMs()
    this.#log = options.runtime.log.child({ recomposition: facts.id, stream: facts.request.output })
  }

  get state(): RecompositionState {
    return this.#state
  }

  get isOver(): boolean {
    return this.#state !== 'waiting' && this.#state !== 'composing'
  }

  document(): RecompositionDocument {
    const { request, format, plan } = this.facts
    const { output, layout, video, audio, widthPixels, heightPixels, frameRate } = request
    const { durationMs } = plan
    const isReady = this.#state === 'ready'
    return {
      id: this.id,
      state: this.#state,
      // One only when it is there: the last step is to give it its name.
      progress: isReady ? 1 : Math.min(0.999, durationMs > 0 ? this.#composedMs / durationMs : 0),
      stream: output,
      recordings: plan.tracks.map(({ recordingId }) => recordingId),
      layout,
      video,
      audio,
      widthPixels,
      heightPixels,
      frameRate,
      format,
      durationMs,
      requestedAt: isoTime(this.#requestedAtMs),
      startedAt: this.#startedAtMs === undefined ? null : isoTime(this.#startedAtMs),
      endedAt: this.#endedAtMs === undefined ? null : isoTime(this.#endedAtMs),
      recording: this.#recordingId ?? null,
      error: this.#error === undefined ? null : { code: errorCode(this.#error), message: errorMessage(this.#error) },
    }
  }

  /** Resolves when it is over, however; never rejects. Idempotent. */
  run(): Promise<void> {
    this.#run ??= this.#toItsEnd()
    return this.#run
  }

  /** Breaks it off; resolves when nothing is left of it. @throws {RecompositionOverError} */
  async cancel(): Promise<void> {
    if (this.isOver) throw new RecompositionOverError(this.id, this.#state)
    await this.#breakOff('cancelled', undefined)
  }

  /** Breaks it off because the server ends. Idempotent. */
  async shutDown(reason: TapedeckError): Promise<void> {
    if (!this.isOver) await this.#breakOff('failed', reason)
  }

  async #breakOff(state: 'cancelled' | 'failed', reason: TapedeckError | undefined): Promise<void> {
    const hasBegun = this.#run !== undefined
    this.#ending.abort(new BrokenOff(state, reason))
    if (hasBegun) await this.#run
    else this.#end(state, reason)
  }

  async #toItsEnd(): Promise<void> {
    if (this.isOver) return
    this.#state = 'composing'
    this.#startedAtMs = this.#options.runtime.nowMs()
    this.#options.onChange(this)
    const { root } = this.facts
    const temporaryPath = `${this.#options.folder}/${this.id}.made`
    const output = join(root, temporaryPath)
    try {
      const made = await this.#make(output)
      this.#ending.signal.throwIfAborted()
      const recording = await this.#adopt(made, temporaryPath)
      this.#recordingId = recording.id
      this.#end('ready', undefined)
    } catch (error) {
      if (error instanceof BrokenOff) this.#end(error.state, error.reason)
      else this.#end('failed', error)
    } finally {
      // What has got its name is not called so any more.
      await rm(output, { force: true }).catch((err: unknown) =>
        this.#log.warn({ event: 'recomposition.left-over', err }),
      )
    }
  }

  #end(state: RecompositionState, error: unknown): void {
    this.#state = state
    this.#error = error
    this.#endedAtMs = this.#options.runtime.nowMs()
    const facts = { state, recording: this.#recordingId, ...(error === undefined ? {} : { err: error }) }
    this.#log[error === undefined ? 'info' : 'warn']({ event: 'recomposition.ended', ...facts })
    this.#options.onChange(this)
  }

  async #make(output: string): Promise<MadeMessage> {
    const { facts } = this
    const { recorder, spareCores, refusal, fragmentMs, mp4IndexBytes } = this.#options
    // Files keep their names meanwhile, whatever is recorded under the same.
    using lent = new DisposableStack()
    for (const { recordingId, parts } of facts.plan.tracks) {
      for (const { index } of parts) lent.use(await recorder.lendPart(recordingId, index))
    }
    const tracks = await Promise.all(facts.plan.tracks.map((track) => this.#task(track)))
    await this.#options.makeFolder()
    await createEmpty(output)
    const settled = Promise.withResolvers<MadeMessage>()
    let heardMs = performance.now()
    const link = new ChildLink<ChildInput, ChildOutput>(RECOMPOSE_CHILD, {
      message: (message) => {
        heardMs = performance.now()
        if (message.kind === 'made') settled.resolve(message)
        else if (message.kind === 'failed') settled.reject(errorOf(message, output))
        else this.#composedMs = message.composedMs
      },
      ended: ({ how, output: said }) => {
        settled.reject(new RecomposingFailedError(said.trim() === '' ? how : `${how}: ${said.trim()}`))
      },
    })
    const { request, format, plan } = facts
    const { durationMs, startedAtMs } = plan
    const file = { container: format, output, createdAtMs: startedAtMs, fragmentMs, mp4IndexBytes }
    link.send({ kind: 'begin', request, tracks, durationMs, ...file })
    let share = 0
    const look = () => {
      const spare = Math.min(1, spareCores())
      const next = spare < LEAST_SHARE ? 0 : spare
      if (next !== share) link.send({ kind: 'share', share: next })
      share = next
      const refused = refusal(facts.root)
      if (refused !== undefined) settled.reject(refused)
      if (performance.now() - heardMs > HANG_MS) link.kill(`said nothing for ${HANG_MS} ms`)
    }
    const timer = setInterval(look, LOOK_MS)
    const breakOff = () => {
      settled.reject(this.#ending.signal.reason)
      link.kill('was broken off')
    }
    this.#ending.signal.addEventListener('abort', breakOff)
    try {
      if (this.#ending.signal.aborted) breakOff()
      look()
      return await settled.promise
    } finally {
      clearInterval(timer)
      this.#ending.signal.removeEventListener('abort', breakOff)
      await link.close()
    }
  }

  async #task({
    recordingId,
    facts,
    spans,
    rate,
    presences,
    parts,
  }: CompositionPlan['tracks'][number]): Promise<TaskTrack> {
    const found = parts.map(async ({ index, path, bytes, startMs, hasOwnZero }) => {
      const file = await this.#options.recorder.partFile(recordingId, index)
      const { size } = await stat(file.path).catch(() => {
        throw new TrackGoneError(recordingId, path)
      })
      // A reader would not notice that the end is missing.
      if (size !== bytes) throw new TrackDamagedError(recordingId, path, `it has ${size} bytes, and had ${bytes}`)
      return { path: file.path, startMs, hasOwnZero }
    })
    return { recordingId, facts, spans, rate, presences, parts: await Promise.all(found) }
  }

  #adopt({ durationMs, bytes, tracks }: MadeMessage, temporaryPath: string) {
    const { request, plan, format, path, root, metadata } = this.facts
    const file = { stream: request.output, root, temporaryPath, path, format, durationMs, bytes, tracks, lost: [] }
    return this.#options.recorder.adopt({ ...file, startedAtMs: plan.startedAtMs, metadata })
  }

  /** Every file is there, and whole. @throws {TrackGoneError} @throws {TrackDamagedError} @throws {TapedeckError} */
  async check(): Promise<void> {
    for (const track of this.facts.plan.tracks) await this.#task(track)
  }
}

/** Somebody wanted it to end. */
class BrokenOff extends Error {
  readonly state: 'cancelled' | 'failed'
  readonly reason: TapedeckError | undefined
  constructor(state: 'cancelled' | 'failed', reason: TapedeckError | undefined) {
    super(state)
    this.state = state
    this.reason = reason
  }
}

function errorOf(failed: FailedMessage, output: string): Error {
  switch (failed.cause) {
    case 'gone':
      return new TrackGoneError(failed.recordingId, failed.path)
    case 'damaged':
      return new TrackDamagedError(failed.recordingId, failed.path, failed.reason)
    case 'storage':
      return storageErrorFrom(Object.assign(new Error(failed.message), { code: failed.errno }), output)
  }
}

async function createEmpty(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o644)).close()
  } catch (error) {
    throw storageErrorFrom(error, path)
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
