import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { Scripts } from '#control/scripts.ts'
import type { RecorderApi, RecorderEvent } from '#recorder/recorder-api.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { HookLedger } from './hook-ledger.ts'
import { LABELS } from './recordings.ts'

/** Recordings looked at at a time when it is looked for what is owed. */
const PAGE = 100

export interface RecordHookOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly scripts: Scripts
  /** Absolute path of `on_record_hook_script`; empty: none. */
  readonly script: string
  /** The same of `on_multiple_record_hook_script`. */
  readonly multipleScript: string
  readonly ledger: HookLedger
}

/**
 * Runs the operator's script for every file that has become final, with the stream's name and the file's absolute path
 * and nothing else; those of one stream after each other. Records of multiple recorders have a script of their own. What became final while nobody was there (a kill, a server
 * that was stopped) is made up for. spec section 5.
 */
export class RecordHooks implements Disposable {
  readonly #options: RecordHookOptions
  readonly #listening: Disposable
  /** Asked for and not over. */
  readonly #running = new Set<string>()
  #closed = false

  constructor(options: RecordHookOptions) {
    this.#options = options
    this.#listening = options.recorder.events.listen((event) => this.#onEvent(event))
  }

  /** Runs what earlier runs of the server have left owing; resolves when everything is asked for. */
  async catchUp(): Promise<void> {
    const { recorder, ledger, runtime } = this.#options
    const nowIso = new Date(runtime.nowMs()).toISOString()
    const owed: RecordingDocument[] = []
    let oldestOpen = nowIso
    const requestedAt = new Map<string, string>()
    let cursor: string | undefined
    do {
      const page = await recorder.list({
        limit: PAGE,
        ...(ledger.since !== '' && { from: ledger.since }),
        ...(cursor !== undefined && { cursor }),
      })
      for (const recording of page.recordings) {
        requestedAt.set(recording.id, recording.requestedAt)
        const isFinal = recording.state === 'ready' || recording.state === 'failed'
        const isOwed = this.#owed(recording).length > 0
        if (isOwed) owed.push(recording)
        if ((isOwed || !isFinal) && recording.requestedAt < oldestOpen) oldestOpen = recording.requestedAt
      }
      cursor = page.nextCursor
    } while (cursor !== undefined && !this.#closed)
    if (this.#closed) return
    // What is not listed has begun since.
    await ledger.forgetBefore(oldestOpen, (file) => (requestedAt.get(recordingOf(file)) ?? nowIso) >= oldestOpen)
    // The list begins with the newest.
    for (const recording of owed.reverse()) this.#runAll(recording)
  }

  #onEvent(event: RecorderEvent): void {
    if (event.type === 'part.ready') this.#run(event.recording, event.part)
    // What recovery has finished is told of as a whole.
    else if (event.type === 'recording.ready' || event.type === 'recording.failed') this.#runAll(event.recording)
  }

  #runAll(recording: RecordingDocument): void {
    for (const part of this.#owed(recording)) this.#run(recording, part)
  }

  /** Files the script has not run for. */
  #owed(recording: RecordingDocument): readonly PartDocument[] {
    if (!isOurs(recording)) return []
    const { ledger } = this.#options
    return recording.parts.filter(({ state, index }) => state === 'ready' && !ledger.has(fileOf(recording, index)))
  }

  #run(recording: RecordingDocument, part: PartDocument): void {
    const file = fileOf(recording, part.index)
    if (!isOurs(recording) || this.#closed || this.#running.has(file) || this.#options.ledger.has(file)) return
    this.#running.add(file)
    this.#runScript(recording, part)
      // A server that is stopped interrupts its scripts; those run at the next start.
      .then((isOver) => (isOver ? this.#options.ledger.add(file) : undefined))
      .catch((error: unknown) => {
        this.#options.runtime.log.warn({ event: 'facade.hook-not-noted', file, err: error })
      })
      .finally(() => this.#running.delete(file))
  }

  async #runScript({ stream, metadata }: RecordingDocument, part: PartDocument): Promise<boolean> {
    const { scripts, script, multipleScript } = this.#options
    const uri = metadata[LABELS.recorderUri]
    const command = uri === undefined ? script : multipleScript
    if (command === '') return true
    const path = join(part.root, part.path)
    const args =
      uri === undefined
        ? [metadata[LABELS.streamName] ?? '', path]
        : [path, String(Date.parse(part.startedAt)), String(Math.round(part.durationMs)), uri]
    const outcome = await scripts.run({ key: stream, command, args, workingDirectory: part.root })
    return outcome.result !== 'not-run'
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#listening[Symbol.dispose]()
  }
}

function isOurs({ metadata }: RecordingDocument): boolean {
  return metadata[LABELS.streamName] !== undefined || metadata[LABELS.recorderUri] !== undefined
}

function fileOf(recording: RecordingDocument, partIndex: number): string {
  return `${recording.id}/${partIndex}`
}

function recordingOf(file: string): string {
  return file.slice(0, file.indexOf('/'))
}
