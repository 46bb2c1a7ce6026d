import { join } from 'node:path'
import { Signal } from '#base/events.ts'
import type { Logger } from '#base/runtime.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { Journal, Urgency } from './journal.ts'
import type { RecorderEvent } from './recorder-api.ts'
import type { Recording } from './recording.ts'
import type { RecordingEvents } from './recording-options.ts'
import type { Tally } from './tally.ts'

export interface ReporterOptions {
  readonly journal: Journal
  readonly tally: Tally
  readonly log: Logger
  /** The recording is over; its last document is on its way to the store. */
  readonly onFinal: (recording: Recording) => void
  /** A part of the recording has taken the place of a file that was there before. */
  readonly onReplaced: (recording: Recording, path: { root: string; path: string }) => void
}

/** Everything that happens to recordings goes from here to the journal, to the counters and to whoever listens. */
export class Reporter {
  readonly events: Signal<RecorderEvent>
  readonly #options: ReporterOptions

  constructor(options: ReporterOptions) {
    this.#options = options
    this.events = new Signal((error) => options.log.error({ event: 'recorder.listener-failed', err: error }))
  }

  /** A recording was accepted. */
  accepted(recording: Recording): void {
    this.events.emit({ type: 'recording.waiting', recording: this.note(recording) })
  }

  /** What a crash left open is final, and stored. @param before as the catalog had it */
  recovered(before: RecordingDocument | undefined, recording: RecordingDocument): void {
    // Its first bytes reached the disk and nobody was told any more.
    const isBegun = before?.state === 'waiting' && recording.state === 'ready'
    if (isBegun) this.events.emit({ type: 'recording.started', recording })
    const wereOpen = new Set(before?.parts.filter(({ state }) => state === 'open').map(({ index }) => index))
    for (const part of recording.parts) {
      if (wereOpen.has(part.index) && part.state === 'ready') this.events.emit({ type: 'part.ready', recording, part })
    }
    this.events.emit({ type: recording.state === 'ready' ? 'recording.ready' : 'recording.failed', recording })
  }

  /** What a recording reports to. */
  readonly recordingEvents: RecordingEvents = {
    stateChanged: (recording) => this.#stateChanged(recording),
    impaired: (recording) => this.events.emit({ type: 'recording.impaired', recording: this.note(recording) }),
    resumed: (recording) => this.events.emit({ type: 'recording.resumed', recording: this.note(recording) }),
    gap: (recording, gap) => this.events.emit({ type: 'recording.gap', recording: this.note(recording), gap }),
    partOpened: (recording, part) => {
      this.events.emit({ type: 'part.opened', recording: this.note(recording, 'now'), part })
    },
    partRenaming: (recording) => void this.note(recording, 'now'),
    partDated: (recording) => void this.note(recording),
    partReady: (recording, part, finishMs) => {
      this.#options.tally.finished(finishMs)
      const { index, bytes, durationMs } = part
      recording.log.info({ event: 'part.ready', index, path: join(part.root, part.path), bytes, durationMs })
      this.events.emit({ type: 'part.ready', recording: this.note(recording, 'now'), part })
      if (recording.request.ifExists === 'overwrite') this.#options.onReplaced(recording, part)
    },
    written: (accessUnits, bytes, latencyMs) => this.#options.tally.written(accessUnits, bytes, latencyMs),
    received: () => this.#options.tally.received(),
    lost: (accessUnits, cause) => this.#options.tally.lost(accessUnits, cause),
  }

  /** Hands the recording's document to the journal. */
  note(recording: Recording, urgency: Urgency = recording.isFinal ? 'now' : 'soon'): RecordingDocument {
    const document = recording.toDocument()
    this.#options.journal.note(document, urgency)
    return document
  }

  #stateChanged(recording: Recording): void {
    const document = this.note(recording)
    switch (recording.state) {
      case 'waiting':
        return
      case 'recording':
        this.events.emit({ type: 'recording.started', recording: document })
        return
      case 'finishing':
        this.events.emit({ type: 'recording.finishing', recording: document })
        return
      case 'ready':
      case 'failed':
        this.events.emit({ type: `recording.${recording.state}`, recording: document })
        this.#options.onFinal(recording)
    }
  }
}
