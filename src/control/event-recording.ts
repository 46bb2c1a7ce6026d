import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'

/**
 * A recording as events carry it. Until its end its newest part, or the part the event is about, stands for all of them:
 * a recording of thousands of parts is told of with each of them.
 */
export interface EventRecording extends RecordingDocument {
  /** How many parts it has. */
  readonly partCount: number
}

/** Events that have all parts: each comes once, and what there is afterwards does not grow. */
const WHOLE: ReadonlySet<string> = new Set(['recording.ready', 'recording.failed', 'recording.deleted'])

/** What an event of this type says of a recording. @param part the one it is about */
export function eventRecording(type: string, recording: RecordingDocument, part?: PartDocument): EventRecording {
  const partCount = recording.parts.length
  if (WHOLE.has(type)) return { ...recording, partCount }
  const shown = part ?? recording.parts.at(-1)
  return { ...recording, parts: shown === undefined ? [] : [shown], partCount }
}
