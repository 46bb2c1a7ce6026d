import { TapedeckError } from '#base/error.ts'
import type { RecordingState } from '#storage/recording-document.ts'

/** waiting: no byte in a file yet. finishing: no more media accepted, indexes being written. */
const ARCS: Readonly<Record<RecordingState, readonly RecordingState[]>> = {
  waiting: ['recording', 'finishing', 'failed'],
  recording: ['finishing', 'failed'],
  finishing: ['ready', 'failed'],
  ready: [],
  failed: [],
}

/** A recording was asked to move where it can't: an error of ours. */
export class RecordingStateError extends TapedeckError {
  readonly code = 'internal/recording-state'
  readonly origin = 'internal'
  readonly from: RecordingState
  readonly to: RecordingState
  constructor(from: RecordingState, to: RecordingState) {
    super(
      `a recording can't go from ${from} to ${to}, only to ${ARCS[from].join(' or ') || 'nothing'}; please report this`,
    )
    this.from = from
    this.to = to
  }
}

/** The next state. @throws {RecordingStateError} */
export function advance(from: RecordingState, to: RecordingState): RecordingState {
  if (!ARCS[from].includes(to)) throw new RecordingStateError(from, to)
  return to
}

/** True when nothing more will happen to the recording by itself. */
export function isFinal(state: RecordingState): boolean {
  return ARCS[state].length === 0
}
