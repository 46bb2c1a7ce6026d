import type { RecordingDocument, ToldRecording } from '../api/documents.ts'

/** What is known of a recording after an event: the parts it leaves out stay as they were. */
export function afterTold(known: RecordingDocument | undefined, told: ToldRecording): RecordingDocument {
  const { partCount, ...recording } = told
  if (known === undefined || partCount === undefined || partCount === told.parts.length) return recording
  const parts = new Map([...known.parts, ...told.parts].map((part) => [part.index, part]))
  return { ...recording, parts: [...parts.values()].sort((a, b) => a.index - b.index) }
}
