/** What a recording is made into. spec section 4.1. */
export const OUTPUT_MODES = ['COMPOSED', 'INDIVIDUAL', 'COMPOSED_QUICK_START'] as const
/** One of {@link OUTPUT_MODES}. */
export type OutputMode = (typeof OUTPUT_MODES)[number]

/** How pictures are placed; the last three were announced and never shipped. spec section 3.6. */
export const RECORDING_LAYOUTS = [
  'BEST_FIT',
  'CUSTOM',
  'PICTURE_IN_PICTURE',
  'VERTICAL_PRESENTATION',
  'HORIZONTAL_PRESENTATION',
] as const
/** One of {@link RECORDING_LAYOUTS}. */
export type RecordingLayout = (typeof RECORDING_LAYOUTS)[number]

/** Life of a recording, in the words of all versions. spec section 4.3. */
export const RECORDING_STATUSES = ['starting', 'started', 'stopped', 'available', 'ready', 'failed'] as const
/** One of {@link RECORDING_STATUSES}. */
export type RecordingStatus = (typeof RECORDING_STATUSES)[number]

/** One stream of an INDIVIDUAL recording, as its file is described in the index. */
export interface RecordedStream {
  /** Its file is called so, too. */
  readonly streamId: string
  readonly connectionId: string
  readonly clientData: string
  readonly serverData: string
  /** Absent: only sound. */
  readonly typeOfVideo?: string
}

/** What only this server needs of a recording of its own; others ignore the member. */
export interface OwnFacts {
  /** Ids of the recorder's recordings that a composed file is. */
  readonly recordings?: readonly string[]
  /** Streams of an INDIVIDUAL one. */
  readonly streams?: readonly RecordedStream[]
  /** Name of the media file, where it is not the recording's name. */
  readonly file?: string
}

/** A recording as `.recording.ID` tells it. spec sections 4.3 and 4.5. */
export interface RecordingFacts {
  readonly id: string
  readonly name: string
  readonly outputMode: OutputMode
  readonly sessionId: string
  /** Milliseconds since 1970 UTC: start of the recording. */
  readonly createdAt: number
  /** Bytes. */
  readonly size: number
  /** Seconds. */
  readonly duration: number
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  readonly status: RecordingStatus
  /** `WxH`; this and the next two only when composed with video. */
  readonly resolution?: string
  readonly frameRate?: number
  readonly recordingLayout?: string
  readonly customLayout?: string
  readonly uniqueSessionId?: string
  readonly tapedeck?: OwnFacts
}

/** Nothing more is written to its file. */
export function isOver({ status }: Pick<RecordingFacts, 'status'>): boolean {
  return status !== 'starting' && status !== 'started'
}

/**
 * Reads the text of a `.recording.ID`, whichever version wrote it; undefined: it is none.
 * @param id from its name; what the text says otherwise does not count
 */
export function parseRecordingFacts(text: string, id: string): RecordingFacts | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const found = value as Record<string, unknown>
  const status = RECORDING_STATUSES.find((each) => each === found['status'])
  const name = textOf(found['name']) ?? id
  if (status === undefined || !isFileName(name)) return undefined
  const resolution = textOf(found['resolution'])
  const recordingLayout = textOf(found['recordingLayout'])
  const customLayout = textOf(found['customLayout'])
  const uniqueSessionId = textOf(found['uniqueSessionId'])
  const frameRate = numberOf(found['frameRate'])
  const own = ownFactsOf(found['tapedeck'])
  return {
    id,
    name,
    // Before 2.8 there was nothing else.
    outputMode: OUTPUT_MODES.find((each) => each === found['outputMode']) ?? 'COMPOSED',
    sessionId: textOf(found['sessionId']) ?? id,
    createdAt: numberOf(found['createdAt']) ?? 0,
    size: numberOf(found['size']) ?? 0,
    duration: numberOf(found['duration']) ?? 0,
    hasAudio: found['hasAudio'] !== false,
    hasVideo: found['hasVideo'] !== false,
    status,
    ...(resolution !== undefined && { resolution }),
    ...(frameRate !== undefined && { frameRate }),
    ...(recordingLayout !== undefined && { recordingLayout }),
    ...(customLayout !== undefined && { customLayout }),
    ...(uniqueSessionId !== undefined && { uniqueSessionId }),
    ...(own !== undefined && { tapedeck: own }),
  }
}

/** One component of a path, and no hidden file. */
export function isFileName(name: string): boolean {
  return name !== '' && name.length <= 255 && !name.startsWith('.') && !/[/\\\0]/.test(name)
}

function ownFactsOf(value: unknown): OwnFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const found = value as Record<string, unknown>
  const recordings = Array.isArray(found['recordings']) ? found['recordings'].filter(isText) : undefined
  const streams = Array.isArray(found['streams']) ? found['streams'].flatMap(recordedStreamOf) : undefined
  const file = textOf(found['file'])
  return {
    ...(recordings !== undefined && { recordings }),
    ...(streams !== undefined && { streams }),
    ...(file !== undefined && isFileName(file) && { file }),
  }
}

function recordedStreamOf(value: unknown): RecordedStream[] {
  if (typeof value !== 'object' || value === null) return []
  const found = value as Record<string, unknown>
  const { streamId } = found
  if (!isText(streamId) || !isFileName(streamId)) return []
  const typeOfVideo = textOf(found['typeOfVideo'])
  const connectionId = textOf(found['connectionId']) ?? ''
  const clientData = textOf(found['clientData']) ?? ''
  const serverData = textOf(found['serverData']) ?? ''
  const facts = { streamId, connectionId, clientData, serverData }
  return [{ ...facts, ...(typeOfVideo !== undefined && { typeOfVideo }) }]
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function textOf(value: unknown): string | undefined {
  return isText(value) ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
