import { element, uint } from './ebml.ts'
import { Id } from './ids.ts'
import type { CuePoint } from './record.ts'

/** More make a player no faster: at one a second these are nine hours, and less than a mebibyte. */
const MAX_CUE_POINTS = 32_768

/** Cues, RFC 9559 §5.1.5: evenly thinned where there are very many. @param segmentAt what positions count from */
export function cuesElement(cuePoints: readonly CuePoint[], segmentAt: number): Uint8Array {
  const stride = Math.ceil(cuePoints.length / MAX_CUE_POINTS)
  const kept = stride > 1 ? cuePoints.filter((_, index) => index % stride === 0) : cuePoints
  return element(Id.cues, ...kept.map((point) => cuePointElement(point, segmentAt)))
}

/** CuePoint, §5.1.5.1. */
const cuePointElement = (point: CuePoint, segmentAt: number): Uint8Array =>
  element(
    Id.cuePoint,
    uint(Id.cueTime, point.timeMs),
    element(
      Id.cueTrackPositions,
      uint(Id.cueTrack, point.trackNumber),
      uint(Id.cueClusterPosition, point.clusterAt - segmentAt),
      uint(Id.cueRelativePosition, point.relativePosition),
    ),
  )
