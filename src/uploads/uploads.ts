import { createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { Slots } from '#base/slots.ts'
import type { UploadRequest, UploadsApi } from '#control/uploads.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { adoptedPath } from '#recorder/adoption.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { deleteLeftOvers } from '#storage/left-overs.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import {
  TooManyUploadsError,
  UploadBrokenOffError,
  UploadNotHeldError,
  UploadNothingUsableError,
  UploadNotMediaError,
  UploadReaderError,
  UploadsClosedError,
  UploadTooLargeError,
} from './errors.ts'
import type { MadeFile, TakeOverAnswer } from './messages.ts'
import { takeOver } from './take-over.ts'

/** Hidden, so that nobody takes what is in it for a recording. */
const FOLDER = '.uploads'

/** A sender that is silent for longer has gone. */
const IDLE_MS = 30_000

/** Reading a file and writing it again takes a processor and a disk: not all uploads do it at once. */
const TAKEN_OVER_AT_ONCE = 2

/** How often the room on the disk is looked at while a file is written again. */
const ROOM_CHECK_MS = 500

export interface UploadsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly catalog: Pick<Catalog, 'findByPart'>
  /** Where recordings go: the first is used, all are tidied. */
  readonly roots: readonly string[]
  /** Why nothing may be written below a root now; undefined when it may. */
  readonly refusal: (root: string) => TapedeckError | undefined
  readonly maxBytes: number
  /** At a time. */
  readonly maxUploads: number
  readonly fragmentMs: number
  readonly mp4IndexBytes: number
  /** Default 30,000. */
  readonly idleMs?: number
}

/**
 * Takes files that were recorded elsewhere into the library: received beside the recordings, written again as a file of
 * ours by a process of its own (media as it was), then given its name.
 */
export class Uploads implements UploadsApi, AsyncDisposable {
  readonly #options: UploadsOptions
  readonly #root: string
  readonly #turns = new Slots(TAKEN_OVER_AT_ONCE)
  readonly #closing = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(options: UploadsOptions) {
    this.#options = options
    this.#root = options.roots[0] ?? ''
  }

  /**
   * Deletes what a kill has left of uploads. What was on its way to its name is the recorder's; what another server is
   * writing is left alone.
   */
  async tidy(): Promise<void> {
    const { roots, catalog, runtime } = this.#options
    await deleteLeftOvers({ roots, catalog, runtime, folder: FOLDER, event: 'upload.left-over' })
  }

  async upload(request: UploadRequest, body: Readable): Promise<RecordingDocument> {
    const { maxUploads } = this.#options
    if (this.#closing.signal.aborted) throw new UploadsClosedError()
    if (this.#underWay.size >= maxUploads) throw new TooManyUploadsError(maxUploads)
    const work = this.#upload(request, body)
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  /** Breaks off what is under way and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new UploadsClosedError())
    await Promise.allSettled(this.#underWay)
  }

  async #upload(request: UploadRequest, body: Readable): Promise<RecordingDocument> {
    const { runtime, maxBytes } = this.#options
    const stream = normalizeStreamPath(request.stream)
    const path = request.name === undefined ? undefined : adoptedPath(stream, request.name)
    if ((request.expectedBytes ?? 0) > maxBytes) throw new UploadTooLargeError(maxBytes)
    this.#checkRoom()
    const id = runtime.newId()
    const received = join(this.#root, FOLDER, `${id}.upload`)
    const made = join(this.#root, FOLDER, `${id}.made`)
    try {
      await this.#makeFolder()
      const bytes = await this.#receive(body, received)
      const answer = await this.#turns.run(() => this.#takeOver(received, made, bytes))
      await rm(received, { force: true })
      const file = this.#madeOf(answer, made)
      const endedAtMs = runtime.nowMs()
      return await this.#options.recorder.adopt({
        ...file,
        stream,
        path,
        root: this.#root,
        temporaryPath: `${FOLDER}/${id}.made`,
        startedAtMs: request.startedAtMs ?? endedAtMs - file.durationMs,
        metadata: metadataOf(request, file),
      })
    } finally {
      // What has got its name is not called so any more.
      await Promise.all([received, made].map((each) => rm(each, { force: true }))).catch((err: unknown) =>
        runtime.log.warn({ event: 'upload.not-deleted', err }),
      )
    }
  }

  async #makeFolder(): Promise<void> {
    const folder = join(this.#root, FOLDER)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw storageErrorFrom(error, folder)
    }
  }

  async #receive(body: Readable, path: string): Promise<number> {
    const { maxBytes, idleMs = IDLE_MS } = this.#options
    let bytes = 0
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${idleMs} ms`)), idleMs)
    const check = new Transform({
      transform: (chunk: Uint8Array, _encoding, pass) => {
        timer.refresh()
        bytes += chunk.length
        try {
          if (bytes > maxBytes) throw new UploadTooLargeError(maxBytes)
          this.#checkRoom()
          pass(null, chunk)
        } catch (error) {
          pass(error as Error)
        }
      },
    })
    try {
      const signal = AbortSignal.any([this.#closing.signal, silence.signal])
      await pipeline(body, check, createWriteStream(path, { flags: 'wx', mode: 0o644 }), { signal })
      return bytes
    } catch (error) {
      this.#closing.signal.throwIfAborted()
      if (error instanceof TapedeckError) throw error
      const { path: failed } = error as NodeJS.ErrnoException
      if (failed !== undefined || ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'].includes(systemCode(error) ?? ''))
        throw storageErrorFrom(error, path)
      throw new UploadBrokenOffError(bytes, errorMessage(silence.signal.reason ?? error))
    } finally {
      clearTimeout(timer)
    }
  }

  async #takeOver(input: string, output: string, bytes: number): Promise<TakeOverAnswer> {
    const { fragmentMs, mp4IndexBytes } = this.#options
    this.#closing.signal.throwIfAborted()
    const full = new AbortController()
    const timer = setInterval(() => {
      const refusal = this.#options.refusal(this.#root)
      if (refusal !== undefined) full.abort(refusal)
    }, ROOM_CHECK_MS)
    try {
      await (await open(output, 'wx', 0o644)).close().catch((error: unknown) => {
        throw storageErrorFrom(error, output)
      })
      const signal = AbortSignal.any([this.#closing.signal, full.signal])
      return await takeOver({ input, output, fragmentMs, mp4IndexBytes }, bytes, signal)
    } finally {
      clearInterval(timer)
    }
  }

  #madeOf(answer: TakeOverAnswer, path: string): MadeFile {
    switch (answer.outcome) {
      case 'made':
        return answer.made
      case 'not-media':
        throw new UploadNotMediaError(answer.reason)
      case 'nothing-usable':
        throw new UploadNothingUsableError(answer.reasons)
      case 'not-held':
        throw new UploadNotHeldError(answer.reason)
      case 'storage':
        throw storageErrorFrom(Object.assign(new Error(answer.message), { code: answer.errno }), path)
      default:
        throw new UploadReaderError('it gave no answer')
    }
  }

  #checkRoom(): void {
    const refusal = this.#options.refusal(this.#root)
    if (refusal !== undefined) throw refusal
  }
}

function metadataOf({ name }: UploadRequest, { left, isCutOff }: MadeFile): Record<string, string> {
  return {
    origin: 'upload',
    ...(name !== undefined && { uploadedAs: name.slice(0, 255) }),
    ...(left.length > 0 && { leftOut: left.join('; ').slice(0, 1_000) }),
    ...(isCutOff && { cutOff: 'true' }),
  }
}
