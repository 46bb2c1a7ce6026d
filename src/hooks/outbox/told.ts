import type { DatabaseFile, RowValues } from '#storage/sqlite/database-file.ts'
import { number, text } from './rows.ts'
import type { Removal, StoredEvent, ToldRecording } from './stored.ts'

/** What has been told of a recording that is over is needed only until a kill can't have torn it any more. */
const KEEP_TOLD_MS = 86_400_000

/** What `recording.*` events say of its state; the others don't. */
const STATES = ['waiting', 'started', 'finishing', 'ready', 'failed']

/** What has been told of each recording, so that the next start finds what a kill has kept from being told. */
export class Told {
  readonly #file: DatabaseFile

  constructor(file: DatabaseFile) {
    this.#file = file
  }

  /** Such an event is kept now, or was for nobody. */
  note({ type, recording, part }: StoredEvent, nowMs: number): void {
    if (recording === null) return
    if (type === 'recording.deleted') {
      this.#file.run('DELETE FROM told WHERE recording = ?', [recording])
      this.#file.run('DELETE FROM removals WHERE recording = ?', [recording])
      return
    }
    const state = STATES.find((each) => type === `recording.${each}`)
    if (state !== undefined) {
      this.#file.run(
        `INSERT INTO told (recording, state, at_ms) VALUES (?, ?, ?)
         ON CONFLICT (recording) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms`,
        [recording, state, nowMs],
      )
    }
    if (part === null || (type !== 'part.opened' && type !== 'part.ready')) return
    // A part can be told of before the recording is known to be begun: after a kill that took the beginning.
    this.#file.run(`INSERT OR IGNORE INTO told (recording, state, at_ms) VALUES (?, 'started', ?)`, [recording, nowMs])
    this.#file.run(
      `INSERT INTO told_parts (recording, part, is_ready) VALUES (?, ?, ?)
       ON CONFLICT (recording, part) DO UPDATE SET is_ready = excluded.is_ready`,
      [recording, part, type === 'part.ready' ? 1 : 0],
    )
  }

  /** What is known of these recordings; of all that are not known to be over, when none are named. */
  told(recordings: readonly string[] | undefined): readonly ToldRecording[] {
    const rows =
      recordings === undefined
        ? this.#file.all(`SELECT * FROM told WHERE state NOT IN ('ready', 'failed')`)
        : this.#file.all('SELECT * FROM told WHERE recording IN (SELECT value FROM json_each(?))', [
            JSON.stringify(recordings),
          ])
    return rows.map((row) => {
      const recording = text(row, 'recording')
      const parts = this.#file.all('SELECT part, is_ready FROM told_parts WHERE recording = ?', [recording])
      const indexes = (those: readonly RowValues[]) => those.map((part) => number(part, 'part'))
      return {
        recording,
        state: text(row, 'state'),
        openedParts: indexes(parts),
        readyParts: indexes(parts.filter((part) => number(part, 'is_ready') === 1)),
      }
    })
  }

  /** Before a recording is deleted. */
  noteRemoval({ recording, stream, document }: Removal): void {
    this.#file.run('INSERT OR REPLACE INTO removals (recording, stream, document) VALUES (?, ?, ?)', [
      recording,
      stream,
      document,
    ])
  }

  forgetRemovals(recordings: readonly string[]): void {
    this.#file.run('DELETE FROM removals WHERE recording IN (SELECT value FROM json_each(?))', [
      JSON.stringify(recordings),
    ])
  }

  removals(): readonly Removal[] {
    return this.#file.all('SELECT * FROM removals').map((row) => {
      return { recording: text(row, 'recording'), stream: text(row, 'stream'), document: text(row, 'document') }
    })
  }

  /** Lets go of what is old. */
  prune(nowMs: number): void {
    this.#file.run(`DELETE FROM told WHERE state IN ('ready', 'failed') AND at_ms < ?`, [nowMs - KEEP_TOLD_MS])
  }
}
