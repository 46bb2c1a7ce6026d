import type { CombinedApi } from '#control/combined-streams.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import {
  MediaSessionUnknownError,
  RecorderUriTakenError,
  RecorderUriUnknownError,
  RecordingSwitchedOffError,
} from './errors.ts'
import { type MediaSession, type MediaSessions, MULTI_RECORDER_APP } from './media-sessions.ts'
import { LABELS, recordFileName } from './recordings.ts'
import type { RestBody } from './rest-body.ts'
import { found, type RestMethod } from './rest-methods.ts'
import type { RecordSettings } from './settings.ts'

export interface MultiRecorderOptions {
  readonly combined: CombinedApi
  readonly recorder: RecorderApi
  readonly sessions: MediaSessions
  readonly settings: RecordSettings
}

interface MultiRecorder {
  readonly path: string
  readonly recordingId: string
}

/** Several streams in one MP4, each with tracks of its own: `/multipleRecorder/*`. spec section 6.3. */
export class MultiRecorders {
  readonly #options: MultiRecorderOptions
  readonly #byUri = new Map<string, MultiRecorder>()
  /** Uris of those that are being started. */
  readonly #starting = new Set<string>()

  constructor(options: MultiRecorderOptions) {
    this.#options = options
  }

  /** By path below `/rest-api`. */
  methods(): Readonly<Record<string, RestMethod>> {
    return {
      '/multipleRecorder/startup': (body) => this.#startup(body.text('uri'), body.optionalText('mediaSessionId')),
      '/multipleRecorder/add': (body) => {
        const { path } = this.#recorder(body)
        this.#options.combined.add(path, this.#session(body.text('mediaSessionId')).stream.path)
      },
      '/multipleRecorder/remove': (body) => {
        const { path } = this.#recorder(body)
        const { stream } = this.#session(body.text('mediaSessionId'))
        if (!this.#sources(path).includes(stream.path)) throw new MediaSessionUnknownError(body.text('mediaSessionId'))
        this.#options.combined.remove(path, stream.path)
      },
      '/multipleRecorder/find_all': () => {
        this.#forgetEnded()
        return found(
          Array.from(this.#byUri, (entry) => this.#describe(entry)),
          'multiple recorder',
        )
      },
      '/multipleRecorder/terminate': async (body) => {
        const { path, recordingId } = this.#recorder(body)
        this.#byUri.delete(body.text('uri'))
        await this.#options.recorder.stop(recordingId)
        this.#options.combined.end(path)
      },
    }
  }

  async #startup(uri: string, mediaSessionId: string | undefined): Promise<void> {
    const { combined, recorder, settings } = this.#options
    if (!settings.recordStreams) throw new RecordingSwitchedOffError()
    this.#forgetEnded()
    if (this.#byUri.has(uri) || this.#starting.has(uri)) throw new RecorderUriTakenError(uri)
    const first = mediaSessionId === undefined ? undefined : this.#session(mediaSessionId)
    const path = `${MULTI_RECORDER_APP}/${encodeURIComponent(uri)}`
    this.#starting.add(uri)
    try {
      combined.create(path)
      const { id } = await recorder.start({
        stream: path,
        format: 'mp4',
        path: uri.replace(/[^\p{L}\p{N}._-]/gu, '_'),
        numbering: 'lastPlain',
        reconnectSeconds: 0,
        metadata: { [LABELS.recorderUri]: uri },
      })
      this.#byUri.set(uri, { path, recordingId: id })
      if (first !== undefined) combined.add(path, first.stream.path)
    } catch (error) {
      if (!this.#byUri.has(uri) && combined.list().some((each) => each.path === path)) combined.end(path)
      throw error
    } finally {
      this.#starting.delete(uri)
    }
  }

  /** Somebody may have ended the stream or its recording by other means. */
  #forgetEnded(): void {
    for (const [uri, { path, recordingId }] of this.#byUri) {
      const isOver = this.#document(path, recordingId) === undefined
      if (isOver || !this.#options.combined.list().some((each) => each.path === path)) this.#byUri.delete(uri)
    }
  }

  #describe([uri, { path, recordingId }]: [string, MultiRecorder]): Readonly<Record<string, unknown>> {
    const sources = this.#sources(path)
    const document = this.#document(path, recordingId)
    return {
      uri,
      mediaSessionsId: [...this.#options.sessions.all()]
        .filter(({ stream }) => sources.includes(stream.path))
        .map(({ mediaSessionId }) => mediaSessionId),
      fileName: document === undefined ? '' : (recordFileName(document) ?? ''),
    }
  }

  #document(path: string, recordingId: string): RecordingDocument | undefined {
    return this.#options.recorder.active(path).find(({ id }) => id === recordingId)
  }

  #sources(path: string): readonly string[] {
    const document = this.#options.combined.list().find((each) => each.path === path)
    return document?.sources.map((source) => source.path) ?? []
  }

  #recorder(body: RestBody): MultiRecorder {
    const uri = body.text('uri')
    this.#forgetEnded()
    const recorder = this.#byUri.get(uri)
    if (recorder === undefined) throw new RecorderUriUnknownError(uri)
    return recorder
  }

  #session(mediaSessionId: string): MediaSession {
    const session = this.#options.sessions.get(mediaSessionId)
    if (session === undefined) throw new MediaSessionUnknownError(mediaSessionId)
    return session
  }
}
