import type { Runtime } from '#base/runtime.ts'
import { KeyedQueue } from '#recorder/keyed-queue.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { codecName } from './codec-names.ts'
import { RecordingSwitchedOffError } from './errors.ts'
import type { MediaSession } from './media-sessions.ts'
import { recordName } from './record-name.ts'
import { NO_ROTATION, type Rotation } from './rotation.ts'
import type { RecordSettings } from './settings.ts'
import { tracksKnown } from './tracks-known.ts'

/** Labels of a recording, by which it is known again after a restart. */
export const LABELS = {
  mediaSessionId: 'flashphoner.mediaSessionId',
  streamName: 'flashphoner.streamName',
  recorderUri: 'flashphoner.recorderUri',
} as const

/** A second track comes within this time or not at all. */
const TRACKS_PATIENCE_MS = 1_000

/** What a caller may say about one record, instead of the settings. */
export interface RecordOptions {
  readonly template?: string
  readonly rotation?: Rotation
}

/** Records streams as the settings say: by themselves, or because somebody asked. */
export class Recordings {
  readonly #runtime: Runtime
  readonly #recorder: RecorderApi
  readonly #settings: RecordSettings
  /** One session's commands follow each other. */
  readonly #commands = new KeyedQueue()
  /** Ids of the recordings made of a session, in their order. */
  readonly #made = new WeakMap<MediaSession, string[]>()

  constructor(options: { runtime: Runtime; recorder: RecorderApi; settings: RecordSettings }) {
    this.#runtime = options.runtime
    this.#recorder = options.recorder
    this.#settings = options.settings
  }

  /** False: whoever asks for a record is refused. */
  get isOn(): boolean {
    return this.#settings.recordStreams
  }

  /** Whether streams of this kind are recorded by themselves. */
  isAutomatic({ provider }: MediaSession): boolean {
    const { recordStreams, recordRtmp, recordRtsp, recordMixers } = this.#settings
    // Whether a browser's stream is recorded is said in its signalling, not here.
    return recordStreams && { Flash: recordRtmp, RTSP: recordRtsp, Mixer: recordMixers, WebRTC: false }[provider]
  }

  /** Begins a record; one in progress goes on. @throws {RecordingSwitchedOffError} @throws TapedeckError of the recorder */
  start(session: MediaSession, options: RecordOptions = {}): Promise<void> {
    this.#checkOn()
    return this.#commands.run(session.mediaSessionId, async () => {
      if (this.of(session).length === 0) await this.#begin(session, options)
    })
  }

  /** Begins a record after completing the one in progress. @throws as start() */
  restart(session: MediaSession, options: RecordOptions): Promise<void> {
    this.#checkOn()
    return this.#commands.run(session.mediaSessionId, async () => {
      // First, so that a template that can't be followed does not cost the record in progress.
      const request = await this.#request(session, options)
      await this.#stopAll(session)
      await this.#startRecorder(session, request)
    })
  }

  /** Resolves when what was recorded of the session is final. */
  stop(session: MediaSession): Promise<void> {
    return this.#commands.run(session.mediaSessionId, () => this.#stopAll(session))
  }

  /**
   * Resolves when everything that was recorded of a session is final: the name of the last file, undefined when there
   * is none.
   */
  complete(session: MediaSession): Promise<string | undefined> {
    return this.#commands.run(session.mediaSessionId, async () => {
      const ids = this.#made.get(session) ?? []
      const documents = await Promise.all(ids.map((id) => this.#recorder.stop(id).catch(() => undefined)))
      const last = documents.findLast((document) => document?.parts.some(({ state }) => state === 'ready'))
      return last === undefined ? undefined : recordFileName(last)
    })
  }

  /** What is being recorded of a session. */
  of(session: MediaSession): readonly RecordingDocument[] {
    return this.#recorder
      .active(session.stream.path)
      .filter(({ state, metadata }) => isRunning(state) && metadata[LABELS.mediaSessionId] === session.mediaSessionId)
  }

  /** Everything being recorded for this facade's sessions. */
  all(): readonly RecordingDocument[] {
    return this.#recorder
      .active()
      .filter(({ state, metadata }) => isRunning(state) && metadata[LABELS.mediaSessionId] !== undefined)
  }

  #checkOn(): void {
    if (!this.#settings.recordStreams) throw new RecordingSwitchedOffError()
  }

  async #begin(session: MediaSession, options: RecordOptions): Promise<void> {
    await this.#startRecorder(session, await this.#request(session, options))
  }

  async #startRecorder(session: MediaSession, request: RecordingRequest): Promise<void> {
    const { id } = await this.#recorder.start(request)
    const made = this.#made.get(session)
    if (made === undefined) this.#made.set(session, [id])
    else made.push(id)
  }

  async #stopAll(session: MediaSession): Promise<void> {
    await Promise.all(this.of(session).map(({ id }) => this.#recorder.stop(id)))
  }

  async #request(session: MediaSession, { template, rotation }: RecordOptions): Promise<RecordingRequest> {
    const { stream, mediaSessionId, name } = session
    const settings = this.#settings
    // The one thing that can't wait for the first access unit: which container it is.
    if (settings.h264ToTs) await tracksKnown(stream, TRACKS_PATIENCE_MS)
    const isTs = settings.h264ToTs && codecName(stream.formats.values(), 'video') === 'H264'
    const { seconds, bytes } = this.#rotation(session, rotation)
    return {
      stream: stream.path,
      format: isTs ? 'ts' : 'auto',
      ...recordName(settings, { ...session, streamName: name }, template),
      numbering: 'lastPlain',
      ifExists: 'version',
      rotate: { seconds, bytes },
      // What MP4 and TS can't carry, such as a camera's G.711, becomes AAC of the vendor's sample rate.
      audio: { sampleRate: settings.audioSampleRateHz },
      // A record ends with its stream, whoever comes back under its name.
      reconnectSeconds: 0,
      metadata: { [LABELS.mediaSessionId]: mediaSessionId, [LABELS.streamName]: name },
    }
  }

  #rotation(session: MediaSession, rotation: Rotation | undefined): Rotation {
    const asked = rotation ?? this.#settings.rotation
    if (!session.isInRoom || asked.seconds + asked.bytes === 0) return asked
    this.#runtime.log.info(
      { event: 'facade.rotation-off', mediaSessionId: session.mediaSessionId, stream: session.stream.path },
      'the stream belongs to a room: it is recorded in one piece, so that the room’s streams can be merged',
    )
    return NO_ROTATION
  }
}

function isRunning(state: RecordingDocument['state']): boolean {
  return state === 'waiting' || state === 'recording'
}

/** Name of the record as it is now, of the last part where there are several; undefined before the first media. */
export function recordFileName({ parts }: Pick<RecordingDocument, 'parts'>): string | undefined {
  return parts.at(-1)?.path
}
