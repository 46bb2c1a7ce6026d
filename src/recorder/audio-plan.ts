import type { Container } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import type { TargetCodec } from '#transcode/target.ts'
import type { ResolvedRequest } from './request-defaults.ts'

/** What a request says of the codec of its sound. */
export type AudioWish = Pick<ResolvedRequest, 'audioCodec' | 'audioSampleRateHz'>

/** What a track has to become to be written; undefined: it is written as it is. */
export function targetCodec(format: TrackFormat, container: Container, wish: AudioWish): TargetCodec | undefined {
  const { audioCodec, audioSampleRateHz } = wish
  if (format.kind === 'video' || audioCodec === 'copy') return undefined
  if (audioCodec === 'auto') {
    const isAtHome = container.carries(format.codec) && !(container.rarelyPlayed ?? []).includes(format.codec)
    if (isAtHome) return undefined
    return container.carries('aac') ? 'aac' : 'opus'
  }
  const isSo = format.codec === audioCodec && (audioSampleRateHz === 0 || audioSampleRateHz === format.sampleRateHz)
  return isSo ? undefined : audioCodec
}

/** Whether the container can hold the track, as it is or transcoded. */
export function canHold(format: TrackFormat, container: Container, wish: AudioWish): boolean {
  return container.carries(targetCodec(format, container, wish) ?? format.codec)
}
