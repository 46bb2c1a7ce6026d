import { randomBytes } from 'node:crypto'
import { TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { ComposerApi } from '#compose/composer.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { Channels } from '../channels.ts'
import { type CloudEnd, CloudRecording, type CloudStatus } from './cloud-recording.ts'
import { CloudRefusedError, workerNotFound } from './errors.ts'
import { IndividualSource } from './individual-source.ts'
import { MixedSource } from './mixed-source.ts'
import { Playlists } from './playlists.ts'
import { type ListedFile, RecordedFiles } from './recorded-files.ts'
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

/** Streams of mixed recordings: the first part of their paths. */
const MIX_PREFIX = 'agora-cloud'
/** Recordings at a time. */
const MAX_RECORDINGS = 1_000
/** Ended ones that are known again, to answer a second stop. */
const MAX_ENDED = 10_000

export interface CloudRecordingsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly composer: ComposerApi
  readonly channels: Channels
  /** Of the recordings, absolute. */
  readonly root: string
}

/** What every answer begins with. */
export interface CloudIds extends Caller {
  readonly resourceId: string
}

/** Addresses a recording that goes on. */
export interface CloudTarget {
  readonly resourceId: string
  readonly sid: string
  readonly mode: CloudMode
}

/** A recording in progress, as `query` shows it. */
export interface QueryAnswer extends CloudIds {
  readonly sid: string
  readonly serverResponse: FileListAnswer & { readonly status: CloudStatus; readonly sliceStartTime: number }
}

/** Files as answers carry them: only a name, where only playlists of mixed recordings are made. */
type FileListAnswer =
  | { readonly fileListMode: 'json'; readonly fileList: readonly ListedFile[] }
  | { readonly fileListMode: 'string'; readonly fileList: string }

/** What `stop` answers; `code` 435: nobody has sent anything. */
export type StopAnswer = CloudIds & {
  readonly sid: string
  readonly code?: 435
  readonly serverResponse?: FileListAnswer & { readonly uploadingStatus: 'uploaded' | 'unknown' }
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
  async start(resourceId: string, mode: CloudMode, body: unknown): Promise<CloudIds & { readonly sid: string }> {
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
    const { resource, sid } = running.recording
    const { status, files } = await running.recording.files()
    const sliceStartTime = Math.min(...files.map((file) => file.sliceStartTime))
    return {
      ...idsOf(resource),
      sid,
      serverResponse: {
        status,
        ...fileList(running, files),
        sliceStartTime: Number.isFinite(sliceStartTime) ? sliceStartTime : 0,
      },
    }
  }

  /** Resolves when all files are final. @throws {CloudRefusedError} none goes on */
  async stop(target: CloudTarget, body: unknown): Promise<StopAnswer> {
    const { caller } = readCaller('Stop', body)
    if (this.#ended.get(target.sid) === target.resourceId) throw stoppedAlready()
    const running = this.#require(target)
    requireCaller('Stop', running, caller)
    const { recording } = running
    if (recording.isStopping) throw stoppedAlready()
    await recording.stop('stop')
    const { files, hasFailed } = await recording.files()
    const ids = { ...idsOf(recording.resource), sid: recording.sid }
    if (files.length === 0) return { ...ids, code: 435 }
    const uploadingStatus = hasFailed ? 'unknown' : 'uploaded'
    return { ...ids, serverResponse: { ...fileList(running, files), uploadingStatus } }
  }

  /** Records others from now on. @throws {CloudRefusedError} */
  update(target: CloudTarget, body: unknown): CloudIds & { readonly sid: string } {
    const { caller, request } = readCaller('Update', body)
    const running = this.#require(target)
    requireCaller('Update', running, caller)
    running.recording.update(readUpdate(request))
    return { ...idsOf(running.recording.resource), sid: target.sid }
  }

  /** @throws {CloudRefusedError} */
  updateLayout(target: CloudTarget, body: unknown): CloudIds & { readonly sid: string } {
    const { caller, request } = readCaller('UpdateLayout', body)
    const running = this.#require(target)
    requireCaller('UpdateLayout', running, caller)
    if (running.mixed === undefined) {
      throw new CloudRefusedError({ status: 400, vendorCode: 1028, reason: 'UpdateLayout: only mode mix has a layout' })
    }
    running.mixed.setLayout(readUpdateLayout(request))
    return { ...idsOf(running.recording.resource), sid: target.sid }
  }

  /** Ends what goes on; its files are final when the recorder's are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled([...this.#running.values()].map(({ recording }) => recording.stop('shutdown')))
    await this.#playlists[Symbol.asyncDispose]()
  }

  async #begin(sid: string, resource: Resource, asked: StartRequest): Promise<void> {
    const { runtime, recorder, channels, root } = this.#options
    const { folders, fileTypes, maxIdleMs, mode } = asked
    const { cname } = resource.caller
    const playlists = this.#playlists
    const files = new RecordedFiles({ runtime, recorder, playlists, root, sid, cname, folders, fileTypes })
    const facts = { runtime, sid, files, subscription: asked.subscription }
    const mixed = mode === 'mix' ? await this.#mix(facts, asked) : undefined
    const source: CloudSource = mixed ?? new IndividualSource({ ...facts, audio: asked.audio, video: asked.video })
    if (this.#isClosed) {
      await source.end()
      throw new CloudRefusedError({ status: 503, vendorCode: 65, reason: 'Start: the server is shutting down' })
    }
    const ended = (recording: CloudRecording, end: CloudEnd) => this.#recordingEnded(recording, end)
    const recording = new CloudRecording({ runtime, channels, resource, sid, maxIdleMs, files, source, ended })
    this.#running.set(sid, { recording, mode, fileTypes, mixed })
    runtime.log.info({ event: 'facade.cloud-started', sid, channel: cname, mode, fileTypes })
  }

  async #mix(
    facts: Pick<ConstructorParameters<typeof MixedSource>[0], 'runtime' | 'sid' | 'files' | 'subscription'>,
    { audio, video, mix: { layout, ...size } }: StartRequest,
  ): Promise<MixedSource> {
    const { composer } = this.#options
    const { sid } = facts
    try {
      const output = `${MIX_PREFIX}/${sid}`
      const composition = await composer.start({ output, ...size, audio, video, layout: layout.layout })
      return new MixedSource({ ...facts, composition, layout, lost: () => this.#lost(sid) })
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // What the vendor's clients try again.
      throw new CloudRefusedError({ status: 503, vendorCode: 65, reason: `Start: ${error.message}` })
    }
  }

  #lost(sid: string): void {
    const { log } = this.#options.runtime
    log.error({ event: 'facade.cloud-mix-lost', sid }, 'the composition of a mixed recording has ended: it is stopped')
    this.#running
      .get(sid)
      ?.recording.stop('lost')
      .catch((err: unknown) => log.error({ event: 'facade.cloud-not-stopped', sid, err }))
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

function idsOf({ id, caller }: Resource): CloudIds {
  return { ...caller, resourceId: id }
}

function fileList({ mode, fileTypes }: Running, files: readonly ListedFile[]): FileListAnswer {
  if (mode === 'individual' || fileTypes.includes('mp4')) return { fileListMode: 'json', fileList: files }
  return { fileListMode: 'string', fileList: files[0]?.fileName ?? '' }
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
