import { join } from 'node:path'
import { newUlid } from '#base/id.ts'
import type { Runtime } from '#base/runtime.ts'
import { callAboutPart } from '#control/call-about-part.ts'
import type { ScriptCall, Scripts } from '#control/scripts.ts'
import type { RecorderApi, RecorderEvent } from '#recorder/recorder-api.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { HookLedger } from './hook-ledger.ts'
import { LABELS } from './recordings.ts'

const MARGIN_MS = 1_000

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
export class RecordHooks implements AsyncDisposable {
  readonly #options: RecordHookOptions
  readonly #listening: Disposable
  /** Recordings of which something may still be owed: when they were requested, and what the script runs for. */
  readonly #open = new Map<string, OpenRecording>()
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(options: RecordHookOptions) {
    this.#options = options
    this.#listening = options.recorder.events.listen((event) => this.#onEvent(event))
  }

  /** Runs what earlier runs of the server have left owing; resolves when everything is asked for. */
  async catchUp(): Promise<void> {
    const { recorder, ledger } = this.#options
    const from = ledger.since
    let cursor: string | undefined
    do {
      const page = await recorder.list({
        limit: PAGE,
        ...(from !== '' && { from }),
        ...(cursor !== undefined && { cursor }),
      })
      const ours = page.recordings.filter((recording) => isOurs(recording))
      for (const recording of ours) {
        if (!isOver(recording) || this.#owed(recording).length > 0) this.#opened(recording)
      }
      cursor = page.nextCursor
    } while (cursor !== undefined && !this.#closed)
    await this.#forget()
    // The list begins with the newest, and identifiers sort by age.
    for (const id of [...this.#open.keys()].sort()) {
      const recording = await recorder.get(id).catch(() => undefined)
      if (recording !== undefined) this.#runAll(recording)
    }
  }

  #onEvent(event: RecorderEvent): void {
    if (!('recording' in event) || !isOurs(event.recording) || this.#closed) return
    const { recording } = event
    if (event.type === 'recording.deleted') {
      this.#open.delete(recording.id)
      return
    }
    if (isOver(recording)) this.#runAll(recording)
    else if (event.type === 'part.ready') this.#run(recording, event.part)
    else this.#opened(recording)
  }

  #opened({ id, requestedAt }: RecordingDocument): OpenRecording {
    const open = this.#open.get(id) ?? { requestedAt, asked: new Set(), running: 0, isOver: false, isOwing: false }
    this.#open.set(id, open)
    return open
  }

  /** What recovery has finished is told of as a whole. */
  #runAll(recording: RecordingDocument): void {
    const owed = this.#owed(recording)
    // What is done with has been noted, and maybe forgotten since.
    const isForgotten = recording.requestedAt < this.#options.ledger.since
    if (!this.#open.has(recording.id) && (owed.length === 0 || isForgotten)) return
    for (const part of owed) this.#run(recording, part)
    if (isOver(recording)) this.#opened(recording).isOver = true
    this.#settle(recording.id)
  }

  /** Files the script has not run for. */
  #owed({ id, parts }: RecordingDocument): readonly PartDocument[] {
    return parts.filter(({ state, index }) => state === 'ready' && !this.#options.ledger.has(id, index))
  }

  #run(recording: RecordingDocument, part: PartDocument): void {
    const { ledger, runtime } = this.#options
    const { id } = recording
    const open = this.#opened(recording)
    if (this.#closed || open.asked.has(part.index) || ledger.has(id, part.index)) return
    open.asked.add(part.index)
    open.running++
    const running = this.#runScript(recording, part)
      .then(async (isDone) => {
        if (isDone) await ledger.add(id, part.index)
        else open.isOwing = true
      })
      .catch((error: unknown) => {
        open.isOwing = true
        runtime.log.warn({ event: 'facade.hook-not-noted', recording: id, err: error })
      })
      .finally(() => {
        open.running--
        this.#running.delete(running)
        this.#settle(id)
      })
    this.#running.add(running)
  }

  /** Of a recording that is over and done with, one line is enough. */
  #settle(id: string): void {
    const open = this.#open.get(id)
    if (open === undefined || !open.isOver || open.isOwing || open.running > 0) return
    const { ledger, runtime } = this.#options
    this.#open.delete(id)
    ledger
      .addAll(id)
      .then(() => (ledger.isLong ? this.#forget() : undefined))
      .catch((error: unknown) => runtime.log.warn({ event: 'facade.hook-not-noted', recording: id, err: error }))
  }

  async #forget(): Promise<void> {
    const { ledger, runtime } = this.#options
    const nowIso = new Date(runtime.nowMs()).toISOString()
    const times = Array.from(this.#open.values(), ({ requestedAt }) => requestedAt)
    const [since = nowIso] = [nowIso, ...times].sort()
    // Identifiers begin with the time they were made, which is a little before their recording was requested.
    const oldestId = newUlid(Date.parse(since) - MARGIN_MS).slice(0, 10)
    await ledger.forgetBefore(since, (id) => id >= oldestId)
  }

  async #runScript({ id, stream, metadata }: RecordingDocument, finished: PartDocument): Promise<boolean> {
    const { recorder, scripts, script, multipleScript } = this.#options
    const uri = metadata[LABELS.recorderUri]
    const command = uri === undefined ? script : multipleScript
    if (command === '') return true
    const call = (part: PartDocument): ScriptCall => {
      const path = join(part.root, part.path)
      const args =
        uri === undefined
          ? [metadata[LABELS.streamName] ?? '', path]
          : [path, String(Date.parse(part.startedAt)), String(Math.round(part.durationMs)), uri]
      return { args, workingDirectory: part.root }
    }
    // Other scripts come first, and meanwhile the file may be called otherwise.
    const latest = () => callAboutPart(recorder, id, finished.index, call)
    const outcome = await scripts.run({ key: stream, command, ...call(finished), latest })
    return !outcome.isPassing
  }

  /** Asks for nothing more; resolves when what was asked for has run and is noted, so that it need not run again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#listening[Symbol.dispose]()
    await Promise.all(this.#running)
  }
}

interface OpenRecording {
  readonly requestedAt: string
  /** Parts that this run of the server has asked the script for. */
  readonly asked: Set<number>
  running: number
  isOver: boolean
  /** A script did not run to its end: the next start tries again. */
  isOwing: boolean
}

function isOver({ state }: RecordingDocument): boolean {
  return state === 'ready' || state === 'failed'
}

function isOurs({ metadata }: RecordingDocument): boolean {
  return metadata[LABELS.streamName] !== undefined || metadata[LABELS.recorderUri] !== undefined
}
