import { audioTagHeader } from '#media/flv/audio-tag.ts'
import { flvConfiguration } from '#media/flv/configuration.ts'
import { videoTagHeader } from '#media/flv/video-tag.ts'
import type { TrackFormat } from '#media/track.ts'
import { MessageType } from '#protocols/rtmp/message.ts'
import { hex } from './bytes.ts'
import type { SourceUnit } from './elementary-source.ts'
import type { RtmpClient } from './rtmp-client.ts'

/** avcC of a 320×180 Main profile stream with B-pictures, from x264. */
export const AVC_CONFIGURATION = hex('014d400cffe10019674d400ceca0a0cfcf80880000030008000003019078a14cb001000468ce0fc8')
/** AAC-LC, 48 kHz, stereo. */
export const AAC_CONFIGURATION = Uint8Array.of(0x11, 0x90)

/** Sends a configuration and nothing else. */
export function sendConfiguration(client: Pick<RtmpClient, 'send'>, format: TrackFormat, timestampMs = 0): void {
  const payload = flvConfiguration(format.codec, format.configuration)
  if (payload === undefined) return
  client.send(typeId(format), Buffer.concat([header(format, 'configuration', true, 0), payload]), { timestampMs })
}

/** Sends access units of a source as an encoder would, configurations first. */
export function sendUnits(client: Pick<RtmpClient, 'send'>, units: readonly SourceUnit[]): void {
  const announced = new Set<TrackFormat>()
  for (const unit of units) {
    if (!announced.has(unit.format)) sendConfiguration(client, unit.format)
    announced.add(unit.format)
    sendUnit(client, unit)
  }
}

/** Sends one access unit; its configuration must have been sent. */
export function sendUnit(
  client: Pick<RtmpClient, 'send'>,
  { format, dts, pts, isRandomAccess, payload }: SourceUnit,
): void {
  const timestampMs = Math.round((dts * 1000) / format.timescale)
  const compositionTimeMs = Math.round((pts * 1000) / format.timescale) - timestampMs
  const tag = Buffer.concat([header(format, 'coded', isRandomAccess, compositionTimeMs), payload])
  client.send(typeId(format), tag, { timestampMs })
}

function typeId(format: TrackFormat): number {
  return format.kind === 'video' ? MessageType.video : MessageType.audio
}

function header(format: TrackFormat, kind: 'configuration' | 'coded', isKeyFrame: boolean, compositionTimeMs: number) {
  if (format.kind === 'video') {
    const tagKind = kind === 'coded' ? 'codedPicture' : kind
    return videoTagHeader({ kind: tagKind, codec: format.codec, isKeyFrame, compositionTimeMs })
  }
  const { codec, sampleRateHz, channels } = format
  return audioTagHeader({ kind: kind === 'coded' ? 'codedAudio' : kind, codec, sampleRateHz, channels })
}
