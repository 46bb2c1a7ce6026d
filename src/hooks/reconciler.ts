import type { Runtime } from '#base/runtime.ts'
import { eventRecording } from '#control/event-recording.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { Intake } from './intake.ts'
import { missedEvents } from './missed.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { OutboxPast } from './outbox/stored.ts'

/** What is compared with the outbox. */
export interface ReconcileSources {
  readonly catalog: Pick<Catalog, 'get' | 'list' | 'unfinished'>
  readonly node: string
  /** Recordings of this run tell for themselves. */
  readonly isActive: (id: string) => boolean
}

export interface ReconcilerOptions {
  readonly outbox: Outbox
  readonly intake: Intake
  readonly past: OutboxPast
  /** Hooks that were there before: one that is new is not told of the past. */
  readonly known: ReadonlySet<string>
  /** When this run began. */
  readonly beganMs: number
  readonly runtime: Pick<Runtime, 'nowMs' | 'newId'>
}

/** Events are stored within milliseconds; clocks that are set while the server runs need some room. */
const MARGIN_MS = 60_000
const PAGE = 1_000

/**
 * An event is on its way to the outbox for a moment, and a kill in that moment loses it there. The catalog, which is
 * written on another way, then knows more than the outbox was told, or has less: from the difference follow the events.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** Resolves with the number of events that were missed, all stored. */
  async run({ catalog, node, isActive }: ReconcileSources): Promise<number> {
    const { outbox, intake, past, beganMs } = this.#options
    if (past.storedUntilMs === undefined) return 0
    const recordings = new Map<string, RecordingDocument>()
    const add = (recording: RecordingDocument): void => {
      if (recording.node !== node || isActive(recording.id) || Date.parse(recording.requestedAt) >= beganMs) return
      recordings.set(recording.id, recording)
    }
    for (const recording of await catalog.unfinished(node)) add(recording)
    const open = await outbox.call('told', undefined)
    for (const { recording: id } of open) {
      const recording = await catalog.get(id)
      if (recording !== undefined) add(recording)
      // It never got as far as the catalog, or has been deleted, which follows below.
      else if (!isActive(id)) this.#forget(id)
    }
    for await (const recording of since(catalog, past.storedUntilMs - MARGIN_MS)) add(recording)

    let missed = 0
    const told = new Map((await outbox.call('told', [...recordings.keys()])).map((each) => [each.recording, each]))
    for (const recording of [...recordings.values()].sort((a, b) => (a.requestedAt < b.requestedAt ? -1 : 1))) {
      for (const { type, part } of missedEvents(recording, told.get(recording.id))) {
        this.#take(type, recording.stream, recording.id, { recording, ...(part !== undefined && { part }) })
        missed++
      }
    }
    const stillThere: string[] = []
    for (const { recording: id, stream, document } of past.removals) {
      if ((await catalog.get(id)) !== undefined) {
        stillThere.push(id)
        continue
      }
      this.#take('recording.deleted', stream, id, { recording: JSON.parse(document) as RecordingDocument })
      missed++
    }
    if (stillThere.length > 0) await outbox.call('forgetRemovals', stillThere)
    await intake.settled()
    return missed
  }

  #take(type: string, stream: string, id: string, data: { recording: RecordingDocument; part?: PartDocument }): void {
    const { intake, runtime, known } = this.#options
    const eventId = runtime.newId()
    const at = new Date(runtime.nowMs()).toISOString()
    const part = data.part?.index ?? null
    const told = { ...data, recording: eventRecording(type, data.recording, data.part) }
    const json = JSON.stringify({ id: eventId, type, at, data: told })
    intake.take({ id: eventId, type, stream, recording: id, part, json }, known)
  }

  /** Takes it as deleted, without telling anybody. */
  #forget(id: string): void {
    const event = {
      id: this.#options.runtime.newId(),
      type: 'recording.deleted',
      stream: '',
      recording: id,
      part: null,
    }
    this.#options.intake.take({ ...event, json: '' }, new Set())
  }
}

async function* since(catalog: Pick<Catalog, 'list'>, fromMs: number): AsyncGenerator<RecordingDocument> {
  const from = new Date(fromMs).toISOString()
  for (let cursor: string | undefined; ; ) {
    const page = await catalog.list({ from, limit: PAGE, ...(cursor !== undefined && { cursor }) })
    yield* page.recordings
    if (page.nextCursor === undefined) return
    cursor = page.nextCursor
  }
}
