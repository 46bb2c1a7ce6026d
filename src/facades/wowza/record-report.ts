import { errorCode, errorMessage } from '#base/error.ts'
import type { Signal } from '#base/events.ts'
import type { SendStatus } from '#ingest/rtmp/extension.ts'
import type { RecorderEvent, RecordingEvent } from '#recorder/recorder-api.ts'
import type { ProblemDocument, RecordingDocument } from '#storage/recording-document.ts'

/** Refusals because of a file that others have, or that nobody may touch: the client may try another name. */
const NO_ACCESS: ReadonlySet<string> = new Set([
  'recorder/recording-busy',
  'recorder/recording-held',
  'recording/not-allowed',
  'wowza/recording-not-permitted',
  'storage/denied',
  'storage/file-in-use',
])

/**
 * Tells a publisher of its recording, in the words of rtmp-recording.md §3: Record.Start when the file is there,
 * Record.Stop when it is complete, Record.Failed (or .NoAccess) when it can't be written; after a disk has recovered
 * there is another Record.Start. Each Start is followed by one Stop or one failure.
 */
export class RecordReport {
  readonly #status: SendStatus
  readonly #name: string
  readonly #stream: string
  readonly #listening: Disposable
  /** Until the id is known: what happened to recordings of this stream. */
  #early: RecordingEvent[] | undefined = []
  #recordingId: string | undefined
  #isTelling = false

  /** Make it before the recording is started, so that nothing is missed. */
  constructor(events: Signal<RecorderEvent>, status: SendStatus, publication: { name: string; stream: string }) {
    this.#status = status
    this.#name = publication.name
    this.#stream = publication.stream
    this.#listening = events.listen((event) => this.#heard(event))
  }

  /** The recording is this one. */
  started(recording: RecordingDocument): void {
    this.#recordingId = recording.id
    const own = (this.#early ?? []).filter((event) => event.recording.id === recording.id)
    this.#early = undefined
    // An appended recording keeps its id: what it went through before it was accepted again is not news.
    const accepted = own.findLastIndex(({ type }) => type === 'recording.waiting')
    for (const event of own.slice(accepted + 1)) this.#take(event)
  }

  /** There is no recording. */
  refused(error: unknown): void {
    this.#failed({ code: errorCode(error), message: errorMessage(error) })
    this.#close()
  }

  #heard(event: RecorderEvent): void {
    if (!('recording' in event)) return
    if (this.#early !== undefined) {
      if (event.recording.stream === this.#stream) this.#early.push(event)
    } else if (event.recording.id === this.#recordingId) this.#take(event)
  }

  #take(event: RecordingEvent): void {
    switch (event.type) {
      case 'part.opened':
      case 'recording.started':
      case 'recording.resumed':
        this.#begun()
        break
      case 'recording.impaired':
        this.#failed(event.recording.error)
        break
      case 'recording.ready':
        if (this.#isTelling) this.#status('status', 'NetStream.Record.Stop', `recording of ${this.#name} ended`)
        this.#close()
        break
      case 'recording.failed':
        this.#failed(event.recording.error)
        this.#close()
        break
      default:
    }
  }

  #begun(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#status('status', 'NetStream.Record.Start', `recording of ${this.#name} began`)
  }

  #failed(problem: ProblemDocument | null): void {
    this.#isTelling = false
    const { code = 'unknown', message = 'unknown reason' } = problem ?? {}
    const status = NO_ACCESS.has(code) ? 'NetStream.Record.NoAccess' : 'NetStream.Record.Failed'
    // Where files lie here is not for strangers.
    const reason = code.startsWith('storage/') || code.startsWith('internal/') ? code : message
    this.#status('error', status, `recording of ${this.#name}: ${reason}`)
  }

  #close(): void {
    this.#listening[Symbol.dispose]()
  }
}
