import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { RecordedStream, RecordingFacts } from './recording-facts.ts'

/** One media file of the zip, as the index describes it. spec section 4.6. */
export interface IndexedFile {
  readonly name: string
  readonly connectionId: string
  readonly streamId: string
  readonly size: number
  readonly clientData: string
  readonly serverData: string
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  readonly typeOfVideo?: string
  /** Milliseconds after the recording's `createdAt`; likewise the next. */
  readonly startTimeOffset: number
  readonly endTimeOffset: number
}

/** What the recorder made of one stream. */
export interface FinishedStream {
  readonly stream: RecordedStream
  readonly document: RecordingDocument
}

/** A part and how it is called in the zip. */
export interface IndexedPart {
  readonly part: PartDocument
  readonly file: IndexedFile
}

/** The whole account of an INDIVIDUAL recording. */
export interface IndividualIndex {
  readonly parts: readonly IndexedPart[]
  readonly content: object
  /** Bytes of all media. */
  readonly size: number
  /** Seconds from the first beginning to the last end. */
  readonly duration: number
}

/** Describes what was recorded; parts without media are left out. spec section 4.6. */
export function individualIndex(facts: RecordingFacts, streams: readonly FinishedStream[]): IndividualIndex {
  const parts = streams.flatMap(({ stream, document }) => {
    const usable = document.parts.filter((part) => part.state === 'ready' && part.tracks.some(hasMedia))
    return usable.map((part, index) => indexedPart(facts, stream, part, index))
  })
  const files = parts.map(({ file }) => file)
  const first = Math.min(...files.map(({ startTimeOffset }) => startTimeOffset))
  const last = Math.max(...files.map(({ endTimeOffset }) => endTimeOffset))
  return {
    parts,
    content: { createdAt: facts.createdAt, id: facts.id, name: facts.name, sessionId: facts.sessionId, files },
    size: files.reduce((sum, { size }) => sum + size, 0),
    duration: files.length === 0 ? 0 : (last - first) / 1000,
  }
}

function indexedPart(
  { createdAt }: RecordingFacts,
  stream: RecordedStream,
  part: PartDocument,
  index: number,
): IndexedPart {
  const startTimeOffset = Math.max(0, Date.parse(part.startedAt) - createdAt)
  const hasVideo = part.tracks.some((track) => track.kind === 'video' && hasMedia(track))
  // A stream that came back is recorded into another file of the same stream.
  const suffix = index === 0 ? '' : `-${index}`
  const file = {
    name: `${stream.streamId}${suffix}${extensionOf(part)}`,
    connectionId: stream.connectionId,
    streamId: stream.streamId,
    size: part.bytes,
    clientData: stream.clientData,
    serverData: stream.serverData,
    hasAudio: part.tracks.some((track) => track.kind === 'audio' && hasMedia(track)),
    hasVideo,
    ...(hasVideo && stream.typeOfVideo !== undefined && { typeOfVideo: stream.typeOfVideo }),
    startTimeOffset,
    endTimeOffset: startTimeOffset + Math.round(part.durationMs),
  }
  return { part, file }
}

function hasMedia({ accessUnits }: { readonly accessUnits: number }): boolean {
  return accessUnits > 0
}

function extensionOf({ path }: PartDocument): string {
  return /\.[A-Za-z0-9]{1,8}$/.exec(path)?.[0] ?? ''
}
