import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { KeyedQueue } from '#recorder/keyed-queue.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { Channels, User } from './channels.ts'
import { AgoraErrorNumber } from './error-numbers.ts'
import { AgoraRefusedError } from './errors.ts'
import { type ChannelEnd, writeEnd } from './facts-file.ts'
import { firstMedia, onOtherVideo } from './first-media.ts'
import { nameTime } from './names.ts'
import { makeChannelDirectory, type TreeOptions } from './tree.ts'

/** Labels of a recording, by which it is known again after a restart. */
export const LABELS = { channel: 'agora.channel', uid: 'agora.uid', directory: 'agora.directory' } as const

export interface StartOptions {
  readonly tag: string
  readonly audioOnly: boolean
}

/** A channel that is being recorded. */
interface ChannelRecording {
  readonly directory: string
  readonly audioOnly: boolean
  /** Names of files in the directory, without extension. */
  readonly names: Set<string>
  /** Ids of the recordings made of the users. */
  readonly recordings: Set<string>
  /** What has to be seen to the end before everything is closed. */
  readonly beginning: Set<Promise<void>>
  readonly ending: AbortController
  emptyTimer: NodeJS.Timeout | undefined
}

export interface ChannelRecordingsOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly channels: Channels
  readonly tree: TreeOptions
  /** Waits this long for somebody to come back to a channel that lost its last user. */
  readonly emptyMs: number
}

/** Records channels: every user into a file of his own. spec sections 3 and 5.2. Dispose to stop following. */
export class ChannelRecordings implements AsyncDisposable {
  /** The directory of a channel whose recording has ended, all files closed. */
  readonly stopped: Signal<string>
  readonly #options: ChannelRecordingsOptions
  readonly #active = new Map<string, ChannelRecording>()
  /** Starts and stops of one channel follow each other. */
  readonly #commands = new KeyedQueue()
  readonly #following = new DisposableStack()

  constructor(options: ChannelRecordingsOptions) {
    this.#options = options
    this.stopped = new Signal((error) => options.runtime.log.error({ event: 'facade.listener-failed', err: error }))
    const { channels } = options
    this.#following.use(channels.joined.listen((user) => this.#joined(user)))
    this.#following.use(channels.left.listen((user) => this.#left(user)))
  }

  isRecording(channel: string): boolean {
    return this.#active.has(channel)
  }

  /** Whether a directory is that of a recording that has not ended. */
  isGoingOn(directory: string): boolean {
    return [...this.#active.values()].some((recording) => recording.directory === directory)
  }

  /**
   * Begins; what is being recorded already goes on. Gives the directory, below the root.
   * @throws {AgoraRefusedError} nobody is in the channel @throws {StorageError}
   */
  start(channel: string, { tag, audioOnly }: StartOptions): Promise<string> {
    return this.#commands.run(channel, async () => {
      const present = this.#active.get(channel)
      if (present !== undefined) return present.directory
      const { channels, runtime, tree } = this.#options
      if (channels.users(channel).length === 0) {
        throw new AgoraRefusedError(AgoraErrorNumber.invalidArgument, 'nobody is in the channel: publish into it first')
      }
      const directory = await makeChannelDirectory(tree, { channel, tag, nowMs: runtime.nowMs() })
      const recording: ChannelRecording = {
        directory,
        audioOnly,
        names: new Set(),
        recordings: new Set(),
        beginning: new Set(),
        ending: new AbortController(),
        emptyTimer: undefined,
      }
      // As many as there are users.
      setMaxListeners(0, recording.ending.signal)
      this.#active.set(channel, recording)
      runtime.log.info({ event: 'facade.channel-started', channel, directory, audioOnly })
      const users = channels.users(channel)
      for (const user of users) this.#record(recording, user)
      // They may have left while the directory was made.
      if (users.length === 0) this.#stopWhenEmpty(channel, recording)
      return directory
    })
  }

  /** Ends. Resolves when all files are closed; a channel that is not being recorded is left so. */
  stop(channel: string, end: ChannelEnd = 'stop'): Promise<void> {
    return this.#commands.run(channel, async () => {
      const recording = this.#active.get(channel)
      if (recording === undefined) return
      this.#active.delete(channel)
      clearTimeout(recording.emptyTimer)
      recording.ending.abort()
      const { directory } = recording
      // Before the files are closed, which may be converted then.
      await writeEnd(join(this.#options.tree.root, directory), end).catch((error: unknown) =>
        this.#failed(channel, error),
      )
      await Promise.all(recording.beginning)
      const ends = [...recording.recordings].map((id) => this.#options.recorder.stop(id))
      for (const ended of await Promise.allSettled(ends)) {
        // One that somebody has deleted, most likely: the others are closed all the same.
        if (ended.status === 'rejected') this.#failed(channel, ended.reason)
      }
      this.#options.runtime.log.info({ event: 'facade.channel-stopped', channel, directory, end })
      this.stopped.emit(directory)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following.dispose()
    for (const { ending, emptyTimer } of this.#active.values()) {
      clearTimeout(emptyTimer)
      ending.abort()
    }
    await Promise.all([...this.#active.values()].flatMap(({ beginning }) => [...beginning]))
  }

  #joined(user: User): void {
    const recording = this.#active.get(user.channel)
    if (recording === undefined) return
    clearTimeout(recording.emptyTimer)
    this.#record(recording, user)
  }

  #left({ channel, stream }: User): void {
    const recording = this.#active.get(channel)
    if (recording === undefined || this.#options.channels.users(channel).length > 0) return
    this.#stopWhenEmpty(channel, recording, stream.end?.cause)
  }

  #stopWhenEmpty(channel: string, recording: ChannelRecording, cause: StreamEnd['cause'] = 'lost'): void {
    // Who says goodbye is gone; who is lost may find his way back.
    const patienceMs = cause === 'lost' ? this.#options.emptyMs : 0
    recording.emptyTimer = setTimeout(() => {
      if (this.#active.get(channel) !== recording || this.#options.channels.users(channel).length > 0) return
      this.stop(channel, 'empty').catch((error: unknown) => this.#failed(channel, error))
    }, patienceMs)
  }

  #record(recording: ChannelRecording, user: User): void {
    const beginning = this.#begin(recording, user)
      .catch((error: unknown) => this.#failed(user.channel, error))
      .finally(() => recording.beginning.delete(beginning))
    recording.beginning.add(beginning)
  }

  async #begin(recording: ChannelRecording, { channel, uid, stream }: User): Promise<void> {
    const { runtime, recorder, tree } = this.#options
    if (!(await firstMedia(stream, recording.ending.signal)) || recording.ending.signal.aborted) return
    const refuse = (codec: string) => {
      const facts = { event: 'facade.user-not-recorded', channel, uid, codec }
      runtime.log.warn(facts, 'only H.264 is recorded of pictures: let this user send it')
    }
    const other = [...stream.formats.values()].find(({ kind, codec }) => kind === 'video' && codec !== 'h264')
    if (other !== undefined && !recording.audioOnly) {
      refuse(other.codec)
      return
    }
    const { directory, audioOnly } = recording
    const document = await recorder.start({
      stream: stream.path,
      format: 'mp4',
      root: tree.root,
      path: `${directory}/${this.#fileName(recording, uid)}`,
      pathText: 'verbatim',
      extension: '.tmp',
      ifExists: 'fail',
      tracks: { audio: true, video: !audioOnly },
      audio: { codec: 'aac' },
      // Leaving and returning makes a new file.
      reconnectSeconds: 0,
      metadata: { [LABELS.channel]: channel, [LABELS.uid]: String(uid), [LABELS.directory]: directory },
    })
    recording.recordings.add(document.id)
    if (audioOnly) return
    const watching = onOtherVideo(stream, (codec) => {
      refuse(codec)
      recorder.stop(document.id).catch((error: unknown) => this.#failed(channel, error))
    })
    recording.ending.signal.addEventListener('abort', () => watching[Symbol.dispose](), { once: true })
  }

  /** `<UID>_<HHMMSS>`; `_1` is appended to the second of a second. */
  #fileName({ names }: ChannelRecording, uid: number): string {
    const { runtime, tree } = this.#options
    const plain = `${uid}_${nameTime(runtime.nowMs(), tree.isUtc).time}`
    let name = plain
    for (let number = 1; names.has(name); number++) name = `${plain}_${number}`
    names.add(name)
    return name
  }

  #failed(channel: string, error: unknown): void {
    this.#options.runtime.log.error({ event: 'facade.channel-failed', channel, err: error })
  }
}
