import { CONTAINER_NAMES, type ContainerName } from '#containers/container.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { RequestInvalidError } from './errors.ts'
import { IF_EXISTS, type IfExists, type RecordingRequest } from './request.ts'

/** Longest label, and how many a recording may have: they live in every manifest and event. */
const MAX_METADATA_ENTRIES = 64
const MAX_METADATA_CHARACTERS = 1024

/** A request with every default applied and every value checked. */
export interface ResolvedRequest {
  readonly stream: string
  readonly format: ContainerName | 'auto'
  readonly name: string
  readonly ifExists: IfExists
  /** 0: no rotation. */
  readonly rotateSeconds: number
  readonly rotateBytes: number
  readonly startOn: 'keyframe' | 'now'
  readonly audio: boolean
  readonly video: boolean
  /** 0: until stopped. */
  readonly maxSeconds: number
  readonly waitForStream: boolean
  readonly reconnectSeconds: number
  readonly metadata: Readonly<Record<string, string>>
}

export interface RequestDefaults {
  readonly format: ContainerName | 'auto'
  readonly name: string
  readonly reconnectSeconds: number
}

/** @throws {RequestInvalidError} naming the field; @throws {StreamPathError} */
export function resolveRequest(request: RecordingRequest, defaults: RequestDefaults): ResolvedRequest {
  const format = request.format ?? defaults.format
  if (format !== 'auto' && !(CONTAINER_NAMES as readonly string[]).includes(format)) {
    throw new RequestInvalidError('format', format, `auto, ${CONTAINER_NAMES.join(', ')}`)
  }
  const ifExists = request.ifExists ?? 'version'
  if (!IF_EXISTS.includes(ifExists)) throw new RequestInvalidError('ifExists', ifExists, IF_EXISTS.join(', '))
  const startOn = request.startOn ?? 'keyframe'
  if (startOn !== 'keyframe' && startOn !== 'now') {
    throw new RequestInvalidError('startOn', startOn, 'keyframe or now')
  }
  const audio = request.tracks?.audio ?? true
  const video = request.tracks?.video ?? true
  if (!audio && !video) throw new RequestInvalidError('tracks', request.tracks, 'at least one of audio and video')
  const rotateSeconds = positive('rotate.seconds', request.rotate?.seconds, 1)
  const rotateBytes = positive('rotate.bytes', request.rotate?.bytes, 64 * 1024)
  if (ifExists === 'append' && rotateSeconds + rotateBytes > 0) {
    throw new RequestInvalidError('rotate', request.rotate, 'no rotation together with ifExists append')
  }
  return {
    stream: normalizeStreamPath(request.stream),
    format,
    name: request.name ?? defaults.name,
    ifExists,
    rotateSeconds,
    rotateBytes,
    startOn,
    audio,
    video,
    maxSeconds: positive('maxSeconds', request.maxSeconds, 0.1),
    waitForStream: request.waitForStream ?? false,
    reconnectSeconds: positive('reconnectSeconds', request.reconnectSeconds ?? defaults.reconnectSeconds, 0),
    metadata: checkedMetadata(request.metadata ?? {}),
  }
}

/** 0 (off) when absent. */
function positive(field: string, value: number | undefined, minimum: number): number {
  if (value === undefined || value === 0) return 0
  if (!Number.isFinite(value) || value < minimum) {
    throw new RequestInvalidError(field, value, `a number of at least ${minimum}, or 0 for none`)
  }
  return value
}

function checkedMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata)
  if (entries.length > MAX_METADATA_ENTRIES) {
    throw new RequestInvalidError('metadata', entries.length, `at most ${MAX_METADATA_ENTRIES} entries`)
  }
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || value.length > MAX_METADATA_CHARACTERS || key.length > MAX_METADATA_CHARACTERS) {
      throw new RequestInvalidError(
        `metadata.${key.slice(0, 40)}`,
        value,
        `text of at most ${MAX_METADATA_CHARACTERS} characters`,
      )
    }
  }
  return { ...metadata }
}
