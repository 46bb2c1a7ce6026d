import { randomBytes } from 'node:crypto'
import { TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { ComposerApi } from '#compose/composer.ts'
import type { PullsApi } from '#control/pulls.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { Channels } from '../channels.ts'
import {
  type CloudIds,
  type QueryAnswer,
  queriedFiles,
  type RecordingIds,
  type StopAnswer,
  stoppedFiles,
} from './answers.ts'
import { type CloudEnd, CloudRecording } from './cloud-recording.ts'
import { CloudRefusedError, invalidParameter, workerNotFound } from './errors.ts'
import { IndividualSource } from './individual-source.ts'
import { MixedSource } from './mixed-source.ts'
import { PageSource } from './page-source.ts'
import { Playlists } from './playlists.ts'
import { RecordedFiles } from './recorded-files.ts'
import {
  type Caller,
  type CloudFileType,
  type CloudMode,
  readAcquire,
  readCaller,
  readStart,
  readUpdate,
  readUpdateLayout,
  type StartRequest,
} from './request.ts'
import { type Resource, Resources } from './resources.ts'
import type { CloudSource } from './source.ts'
import type { Subscription } from './subscription.ts'

/** Streams of mixed recordings and of pages: the first part of their paths. */
const STREAM_PREFIX = 'agora-cloud'
/** Recordings at a time. */
const MAX_RECORDINGS = 1_000
/** Ended ones that are known again, to answer a second stop. */
const MAX_ENDED = 10_000

export interface CloudRecordingsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly composer: ComposerApi
  /** Opens pages. Undefined: mode web is refused. */
  readonly pulls: Pick<PullsApi, 'add' | 'list' | 'remove' | 'events'> | undefined
  readonly channels: Channels
  /** Of the recordings, absolute. */
  readonly root: string
}

/** Addresses a recording that goes on. */
export interface CloudTarget {
  readonly resourceId: string
  readonly sid: string
  readonly mode: CloudMode
}

/** What sources of all modes are made with. */
interface SourceFacts {
  readonly runtime: Runtime
  readonly sid: string
  readonly files: RecordedFiles
}

/** A recording, and what its calls have to know of its start. */
interface Running {
  readonly recording: CloudRecording
  readonly mode: StartRequest['mode']
  readonly fileTypes: readonly CloudFileType[]
  readonly mixed: MixedSource | undefined
}

/** The vendor's Cloud Recording, over local files. spec section 7. */
export class CloudRecordings implements AsyncDisposable {
  readonly #options: CloudRecordingsOptions
  readonly #resources: Resources
  readonly #playlists: Playlists
  readonly #running = new Map<string, Running>()
  /** Starts under way, by channel and uid, and by resource. */
  readonly #starting = new Set<string>()
  /** Ids of ended recordings, with the resource's: those that were stopped by a call. */
  readonly #ended = new Map<string, string>()
  #isClosed = false

  constructor(options: CloudRecordingsOptions) {
    const { runtime, recorder, root } = options
    this.#options = options
    this.#resources = new Resources(runtime)
    this.#playlists = new Playlists({ runtime, recorder, root })
  }

  /** @throws {CloudRefusedError} */
  acquire(body: unknown): CloudIds {
    const { caller, request } = readCaller('Acquire', body)
    const { expiresHours } = readAcquire(request)
    return { ...caller, resourceId: this.#resources.acquire(caller, expiresHours).id }
  }

  /** Resolves when it records, or would if anybody published. @throws {CloudRefusedError} */
  async start(resourceId: string, mode: CloudMode, body: unknown): Promise<RecordingIds> {
    const { caller, request } = readCaller('Start', body)
    const asked = readStart(mode, request)
    this.#requireUnused(resourceId)
    const resource = this.#resources.require(resourceId, caller)
    this.#requireFree(caller)
    // A resource is one recording's, and so is a uid in a channel.
    const claims = [resourceId, `${caller.uid} ${caller.cname}`]
    if (claims.some((claim) => this.#starting.has(claim))) throw alreadyRunning(53)
    for (const claim of claims) this.#starting.add(claim)
    try {
      const sid = randomBytes(16).toString('hex')
      await this.#begin(sid, resource, asked)
      this.#resources.used(resource)
      return { ...caller, resourceId, sid }
    } finally {
      for (const claim of claims) this.#starting.delete(claim)
    }
  }

  /** @throws {CloudRefusedError} none goes on */
  async query(target: CloudTarget): Promise<QueryAnswer> {
    const running = this.#require(target)
    const serverResponse = queriedFiles(running, await running.recording.files())
    return { ...idsOf(running.recording), serverResponse }
  }

  /** Resolves when all files are final. @throws {CloudRefusedError} none goes on */
  async stop(target: CloudTarget, body: unknown): Promise<StopAnswer> {
    const { caller, request } = readCaller('Stop', body)
    const isAwaited = !request.flag('async_stop')
    if (this.#ended.get(target.sid) === target.resourceId) throw stoppedAlready()
    const running = this.#require(target)
    requireCaller('Stop', running, caller)
    const { recording } = running
    if (recording.isStopping) throw stoppedAlready()
    const ids = idsOf(recording)
    const stopped = recording.stop('stop')
    if (!isAwaited) {
      stopped.catch((err: unknown) => this.#notStopped(recording.sid, err))
      return ids
    }
    await stopped
    return { ...ids, ...stoppedFiles(running, await recording.files()) }
  }

  /** Records others from now on. @throws {CloudRefusedError} */
  update(target: CloudTarget, body: unknown): RecordingIds {
    const { caller, request } = readCaller('Update', body)
    const running = this.#require(target)
    requireCaller('Update', running, caller)
    if (running.mode === 'web') throw invalidParameter('Update', 'a page can’t be paused here')
    running.recording.update(readUpdate(request))
    return idsOf(running.recording)
  }

  /** @throws {CloudRefusedError} */
  updateLayout(target: CloudTarget, body: unknown): RecordingIds {
    const { caller, request } = readCaller('UpdateLayout', body)
    const running = this.#require(target)
    requireCaller('UpdateLayout', running, caller)
    if (running.mixed === undefined) {
      throw new CloudRefusedError({ status: 400, vendorCode: 1028, reason: 'UpdateLayout: only mode mix has a layout' })
    }
    running.mixed.setLayout(readUpdateLayout(request))
    return idsOf(running.recording)
  }

  /** Ends what goes on; its files are final when the recorder's are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled([...this.#running.values()].map(({ recording }) => recording.stop('shutdown')))
    await this.#playlists[Symbol.asyncDispose]()
  }

  async #begin(sid: string, resource: Resource, asked: StartRequest): Promise<void> {
    const { runtime, recorder, channels, root } = this.#options
    const { folders, fileTypes, mode, page } = asked
    const { cname } = resource.caller
    const playlists = this.#playlists
    const files = new RecordedFiles({ runtime, recorder, playlists, root, sid, cname, folders, fileTypes })
    const facts = { runtime, sid, files, subscription: asked.subscription }
    const mixed = mode === 'mix' ? await this.#mix(facts, asked) : undefined
    const source: CloudSource =
      page !== undefined
        ? await this.#page(facts, page.url)
        : (mixed ?? new IndividualSource({ ...facts, audio: asked.audio, video: asked.video }))
    if (this.#isClosed) {
      await source.end()
      throw new CloudRefusedError({ status: 503, vendorCode: 65, reason: 'Start: the server is shutting down' })
    }
    const ended = (recording: CloudRecording, end: CloudEnd) => this.#recordingEnded(recording, end)
    const recording = new CloudRecording({
      runtime,
      channels,
      resource,
      sid,
      maxIdleMs: page === undefined ? asked.maxIdleMs : undefined,
      endsAtMs: Math.min(resource.expiresAtMs, runtime.nowMs() + (page?.maxHours ?? Infinity) * 3_600_000),
      files,
      source,
      ended,
    })
    this.#running.set(sid, { recording, mode, fileTypes, mixed })
    runtime.log.info({ event: 'facade.cloud-started', sid, channel: cname, mode, fileTypes })
  }

  async #mix(
    facts: SourceFacts & { readonly subscription: Subscription },
    { audio, video, mix: { layout, ...size } }: StartRequest,
  ): Promise<MixedSource> {
    const { composer } = this.#options
    const { sid } = facts
    try {
      const output = `${STREAM_PREFIX}/${sid}`
      const composition = await composer.start({ output, ...size, audio, video, layout: layout.layout })
      return new MixedSource({ ...facts, composition, layout, lost: () => this.#lost(sid) })
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // What the vendor's clients try again.
      throw new CloudRefusedError({ status: 503, vendorCode: 65, reason: `Start: ${error.message}` })
    }
  }

  async #page({ runtime, sid, files }: SourceFacts, url: string): Promise<PageSource> {
    const { pulls } = this.#options
    if (pulls === undefined) {
      throw invalidParameter('Start', 'mode web is not available here: facades.agora.cloud.web switches it on')
    }
    const output = `${STREAM_PREFIX}/${sid}`
    try {
      return await PageSource.open({ runtime, sid, files, pulls, output, url, lost: () => this.#lost(sid) })
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      throw new CloudRefusedError({ status: 503, vendorCode: 65, reason: `Start: ${error.message}` })
    }
  }

  /** What it records has ended before it. */
  #lost(sid: string): void {
    const { log } = this.#options.runtime
    log.error({ event: 'facade.cloud-source-lost', sid }, 'what a cloud recording records has ended: it is stopped')
    // It may be lost before its start is complete.
    setImmediate(() => {
      const stopped = this.#running.get(sid)?.recording.stop('lost')
      stopped?.catch((err: unknown) => this.#notStopped(sid, err))
    })
  }

  #notStopped(sid: string, err: unknown): void {
    this.#options.runtime.log.error({ event: 'facade.cloud-not-stopped', sid, err })
  }

  #recordingEnded({ sid, resource }: CloudRecording, end: CloudEnd): void {
    this.#running.delete(sid)
    if (end === 'stop') this.#ended.set(sid, resource.id)
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest)
    this.#options.runtime.log.info({ event: 'facade.cloud-stopped', sid, channel: resource.caller.cname, end })
  }

  #require({ resourceId, sid, mode }: CloudTarget): Running {
    const running = this.#running.get(sid)
    if (running === undefined || running.mode !== mode) throw workerNotFound()
    if (running.recording.resource.id !== resourceId) {
      throw new CloudRefusedError({ status: 400, vendorCode: 1003, reason: 'the sid does not match the resourceId' })
    }
    return running
  }

  #requireUnused(resourceId: string): void {
    for (const { recording } of this.#running.values()) {
      if (recording.resource.id === resourceId) throw alreadyRunning(7)
    }
    for (const used of this.#ended.values()) {
      if (used === resourceId) throw alreadyRunning(7)
    }
  }

  #requireFree({ cname, uid }: Caller): void {
    if (this.#running.size + this.#starting.size / 2 >= MAX_RECORDINGS) {
      throw new CloudRefusedError({ status: 429, reason: 'API rate limit exceeded' })
    }
    for (const { recording } of this.#running.values()) {
      const { caller } = recording.resource
      if (caller.cname === cname && caller.uid === uid) throw alreadyRunning(53)
    }
  }
}

function idsOf({ sid, resource: { id, caller } }: CloudRecording): RecordingIds {
  return { ...caller, resourceId: id, sid }
}

function requireCaller(call: string, { recording }: Running, { cname, uid }: Caller): void {
  const { caller } = recording.resource
  if (caller.cname === cname && caller.uid === uid) return
  const reason = `${call}: cname or uid does not match the resourceId`
  throw new CloudRefusedError({ status: 400, vendorCode: 432, reason })
}

function alreadyRunning(vendorCode: 7 | 53): CloudRefusedError {
  const reason =
    vendorCode === 7
      ? 'Start: the resourceId is a recording’s already, call acquire'
      : 'Start: the channel is recorded with this uid already, use another'
  return new CloudRefusedError({ status: 400, vendorCode, reason })
}

function stoppedAlready(): CloudRefusedError {
  return new CloudRefusedError({ status: 400, vendorCode: 49, reason: 'Stop: the recording was stopped already' })
}
