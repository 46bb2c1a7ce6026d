import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { KeyedQueue } from '#recorder/keyed-queue.ts'
import type { RecorderApi, RecorderEvent } from '#recorder/recorder-api.ts'
import { type ChannelRecordings, LABELS } from '../channel-recordings.ts'
import { JobRunningError } from '../errors.ts'
import { type JobResult, runJob } from './job.ts'
import { fileJobLog } from './job-log.ts'
import { everyFullHour } from './schedule.ts'

export interface ConversionsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly channels: Pick<ChannelRecordings, 'stopped' | 'isGoingOn'>
  /** Absolute. */
  readonly root: string
  readonly isUtc: boolean
  readonly silenceSeconds: number
  readonly when: 'hourly' | 'atOnce' | 'never'
  /** Absolute. */
  readonly logFile: string
}

/** Makes `.mp4` of `.tmp` when it is time, in this process. Dispose to end: the file in work is completed. */
export class Conversions implements AsyncDisposable {
  readonly #options: ConversionsOptions
  readonly #jobs = new KeyedQueue()
  readonly #ending = new AbortController()
  readonly #owned = new DisposableStack()

  constructor(options: ConversionsOptions) {
    this.#options = options
    const { runtime, recorder, channels, when } = options
    this.#owned.use(recorder.events.listen((event) => this.#follow(event)))
    this.#owned.use(channels.stopped.listen((directory) => this.#convertAtOnce(directory)))
    if (when !== 'never') {
      this.#owned.use(
        everyFullHour(runtime, async () => {
          await this.run()
        }),
      )
    }
  }

  /** A job now, or after the one that is at work. @throws {JobRunningError} another process is at work */
  run(only?: string): Promise<JobResult> {
    const { runtime, recorder, root, isUtc, silenceSeconds, logFile, channels } = this.#options
    const { nowMs } = runtime
    return this.#jobs.run('job', async () => {
      if (this.#ending.signal.aborted) return { converted: 0, failed: 0 }
      const result = await runJob({
        root,
        container: mp4,
        isUtc,
        silenceSeconds,
        only,
        nowMs,
        log: fileJobLog(logFile, runtime),
        isRecorded: (path) =>
          // How the channel ends decides on the silence behind all of its files.
          (silenceSeconds > 0 && channels.isGoingOn(dirname(path))) ||
          recorder.active().some(({ parts }) => parts.some((part) => part.path === path && part.state === 'open')),
        signal: this.#ending.signal,
      })
      runtime.log.debug({ event: 'facade.job-done', ...result })
      return result
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owned.dispose()
    this.#ending.abort()
    await this.#jobs.run('job', () => Promise.resolve())
  }

  #follow(event: RecorderEvent): void {
    if (event.type === 'recording.deleted') this.#forget(event.recording)
    if (event.type !== 'recording.ready' && event.type !== 'recording.failed') return
    const directory = event.recording.metadata[LABELS.directory]
    if (directory !== undefined) this.#convertAtOnce(directory)
  }

  #convertAtOnce(directory: string): void {
    if (this.#options.when === 'atOnce') this.run(directory).catch((error: unknown) => this.#failed(error))
  }

  /** What was made of a recording goes with it: retention counts on the space. */
  #forget({ metadata, parts }: Extract<RecorderEvent, { recording: unknown }>['recording']): void {
    if (metadata[LABELS.directory] === undefined) return
    for (const { root, path } of parts) {
      if (!path.endsWith('.tmp')) continue
      rm(join(root, `${path.slice(0, -'.tmp'.length)}.mp4`), { force: true }).catch((error: unknown) =>
        this.#failed(error),
      )
    }
  }

  #failed(error: unknown): void {
    const { log } = this.#options.runtime
    // The other one does it, or the next hour.
    if (error instanceof JobRunningError) log.info({ event: 'facade.job-elsewhere' }, error.message)
    else log.error({ event: 'facade.job-failed', err: error })
  }
}
