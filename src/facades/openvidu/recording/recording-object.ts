import type { Compat } from '../configuration/settings.ts'
import { isOver, type RecordingFacts, type RecordingStatus } from './recording-facts.ts'

/** What a recording object says besides its facts. */
export interface ObjectOptions {
  readonly compat: Compat
  readonly publicAccess: boolean
  /** `https://HOST[:PORT]` */
  readonly publicUrl: string
}

/** Where a recording's media file lies, below the recording path. */
export interface MediaPlace {
  readonly layout: Layout
  /** With its extension. */
  readonly file: string
}

/** `flat`: as up to 2.7, all in one folder. `folder`: one folder per recording, as since 2.8. */
export type Layout = 'flat' | 'folder'

/**
 * The recording as every client is given it: a superset of all versions. spec section 4.3.
 * @param place undefined: there is no file yet
 */
export function recordingObject(facts: RecordingFacts, place: MediaPlace | undefined, options: ObjectOptions): object {
  const isComposed = facts.outputMode !== 'INDIVIDUAL' && facts.hasVideo
  return {
    id: facts.id,
    object: 'recording',
    name: facts.name,
    outputMode: facts.outputMode,
    ...(isComposed && {
      resolution: facts.resolution,
      frameRate: facts.frameRate,
      recordingLayout: facts.recordingLayout,
      ...(facts.recordingLayout === 'CUSTOM' && { customLayout: facts.customLayout ?? '' }),
    }),
    sessionId: facts.sessionId,
    createdAt: facts.createdAt,
    size: facts.size,
    duration: facts.duration,
    url: urlOf(facts, place, options),
    hasAudio: facts.hasAudio,
    hasVideo: facts.hasVideo,
    status: statusOf(facts.status, options),
  }
}

/** The word that clients of the profile's time expect. spec sections 0.2 row 2 and 4.3. */
export function statusOf(
  stored: RecordingStatus,
  { compat, publicAccess }: Pick<ObjectOptions, 'compat' | 'publicAccess'>,
): RecordingStatus {
  if (stored === 'starting' || stored === 'started' || stored === 'failed') return stored
  if (compat === 'modern') return 'ready'
  return publicAccess ? 'available' : 'stopped'
}

/** spec section 4.4; names are encoded, since folders of others may have any. */
function urlOf(facts: RecordingFacts, place: MediaPlace | undefined, options: ObjectOptions): string | null {
  const { compat, publicAccess, publicUrl } = options
  if (place === undefined || !isOver(facts)) return null
  const file = encodeURIComponent(place.file)
  if (compat === 'modern') return `${publicUrl}/openvidu/recordings/${encodeURIComponent(facts.id)}/${file}`
  if (!publicAccess || facts.status === 'failed') return null
  const folder = place.layout === 'flat' ? '' : `${encodeURIComponent(facts.id)}/`
  return `${publicUrl}/recordings/${folder}${file}`
}
