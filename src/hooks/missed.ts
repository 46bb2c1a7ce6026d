import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { ToldRecording } from './outbox/stored.ts'

/** An event that nobody has been told of. */
export interface MissedEvent {
  readonly type:
    | 'recording.waiting'
    | 'recording.started'
    | 'recording.finishing'
    | 'recording.ready'
    | 'recording.failed'
    | 'part.opened'
    | 'part.ready'
  readonly part?: PartDocument
}

/**
 * What a kill has kept from the outbox, from a recording as the catalog has it and what the outbox knows was told: the
 * same events in the order in which they would have come.
 */
export function missedEvents(recording: RecordingDocument, told: ToldRecording | undefined): readonly MissedEvent[] {
  const missed: MissedEvent[] = []
  if (told === undefined) missed.push({ type: 'recording.waiting' })
  let startUntold =
    // What had not got as far as a file when a kill came was not begun, whatever became of it.
    recording.state !== 'waiting' && recording.parts.length > 0 && (told === undefined || told.state === 'waiting')
  const tellStart = (): void => {
    if (startUntold) missed.push({ type: 'recording.started' })
    startUntold = false
  }
  for (const part of recording.parts) {
    // Before its first byte a part has no name.
    if (part.path === '') continue
    if (told?.openedParts.includes(part.index) !== true) missed.push({ type: 'part.opened', part })
    tellStart()
    if (part.state === 'ready' && told?.readyParts.includes(part.index) !== true)
      missed.push({ type: 'part.ready', part })
  }
  tellStart()
  const { state } = recording
  if (state === 'finishing' && told?.state !== 'finishing') missed.push({ type: 'recording.finishing' })
  if ((state === 'ready' || state === 'failed') && told?.state !== state) missed.push({ type: `recording.${state}` })
  return missed
}
