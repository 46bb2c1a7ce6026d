import type { RecordingPage, RecordingQuery } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'

/** Looked through at a time. */
const PAGE = 500
/** Clocks are set, and labels made a moment before their recordings are. */
const EARLIER_MS = 1_000

/** What was kept of a room's recording, and what was composed of it live. */
export interface RoomTracks {
  readonly tracks: readonly RecordingDocument[]
  readonly composed: RecordingDocument | undefined
}

/**
 * Everything of the room's recording that this one is a part of; undefined: it is none of a room's.
 * @param list of the recorder
 */
export async function roomTracks(
  { metadata, endedAt }: RecordingDocument,
  list: (query: RecordingQuery) => Promise<RecordingPage>,
): Promise<RoomTracks | undefined> {
  const { session, sessionRecording, sessionRecordingStartedAt: startedAt } = metadata
  if (session === undefined || sessionRecording === undefined || startedAt === undefined) return undefined
  const from = new Date(Date.parse(startedAt) - EARLIER_MS).toISOString()
  // Nothing is kept besides what was composed once that has ended.
  const to = metadata['publication'] === undefined ? endedAt : null
  const found: RecordingDocument[] = []
  let cursor: string | undefined
  do {
    const page = await list({ from, ...(to !== null && { to }), limit: PAGE, ...(cursor !== undefined && { cursor }) })
    for (const recording of page.recordings) {
      const { metadata: own } = recording
      const isOfIt =
        own['session'] === session &&
        own['sessionRecording'] === sessionRecording &&
        own['sessionRecordingStartedAt'] === startedAt
      if (isOfIt) found.push(recording)
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  const isTrack = (recording: RecordingDocument) => recording.metadata['publication'] !== undefined
  return { tracks: found.filter(isTrack), composed: found.find((recording) => !isTrack(recording)) }
}
