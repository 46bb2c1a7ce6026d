import { RecordingPropertiesError, VendorRequestError } from '../errors.ts'
import type { RecordingProperties } from '../properties.ts'
import { OUTPUT_MODES, RECORDING_LAYOUTS } from '../recording/recording-facts.ts'
import type { Body } from './body.ts'

/** spec section 3.6. */
const MIN_SHM_BYTES = 134_217_728
const SIDE_PIXELS = { min: 100, max: 1999 }
const MAX_FRAME_RATE = 120

/**
 * What a request says of a recording, member by member over its defaults. In the vendor's order: first what is out of
 * range, then what is wrong otherwise.
 * @throws {RecordingPropertiesError} @throws {VendorRequestError}
 */
export function readRecordingProperties(body: Body, defaults: RecordingProperties): RecordingProperties {
  const hasAudio = body.flag('hasAudio') ?? defaults.hasAudio
  const hasVideo = body.flag('hasVideo') ?? defaults.hasVideo
  const resolution = body.text('resolution') ?? defaults.resolution
  const frameRate = body.integer('frameRate') ?? defaults.frameRate
  const shmSize = body.integer('shmSize') ?? defaults.shmSize
  const mode = body.text('outputMode') ?? defaults.outputMode
  if (!hasAudio && !hasVideo) throw new RecordingPropertiesError('hasAudio and hasVideo are both false')
  if (mode !== 'INDIVIDUAL' && hasVideo) checkPicture(resolution, frameRate)
  if (mode !== 'INDIVIDUAL' && shmSize < MIN_SHM_BYTES) {
    throw new RecordingPropertiesError(`shmSize is less than ${MIN_SHM_BYTES}`)
  }
  const name = body.text('name') ?? defaults.name
  if (!/^[\w~-]{0,200}$/.test(name)) throw new VendorRequestError('name may have letters, digits, _, ~ and - only')
  return {
    name,
    hasAudio,
    hasVideo,
    outputMode: body.oneOf('outputMode', OUTPUT_MODES) ?? defaults.outputMode,
    recordingLayout: body.oneOf('recordingLayout', RECORDING_LAYOUTS) ?? defaults.recordingLayout,
    customLayout: body.text('customLayout') ?? defaults.customLayout,
    resolution,
    frameRate,
    shmSize,
    ignoreFailedStreams: body.flag('ignoreFailedStreams') ?? defaults.ignoreFailedStreams,
  }
}

/**
 * What a request to record a session says over the session's own properties. Of the two words for composing, the
 * session's counts: its page is kept open, or is not. @throws as {@link readRecordingProperties}
 */
export function readStartProperties(body: Body, session: RecordingProperties): RecordingProperties {
  const asked = readRecordingProperties(body, session)
  const isComposed = asked.outputMode !== 'INDIVIDUAL' && session.outputMode !== 'INDIVIDUAL'
  return isComposed ? { ...asked, outputMode: session.outputMode } : asked
}

function checkPicture(resolution: string, frameRate: number): void {
  const sides = /^(\d{3,4})x(\d{3,4})$/.exec(resolution)?.slice(1).map(Number)
  const isFine = sides?.every((side) => side >= SIDE_PIXELS.min && side <= SIDE_PIXELS.max) ?? false
  if (!isFine) {
    throw new RecordingPropertiesError(`resolution is ${resolution}, and its sides may have 100 to 1999 pixels`)
  }
  if (frameRate < 1 || frameRate > MAX_FRAME_RATE) {
    throw new RecordingPropertiesError(`frameRate is ${frameRate}, and may be 1 to ${MAX_FRAME_RATE}`)
  }
}
