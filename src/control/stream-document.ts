import type { Stream } from '#hub/stream.ts'
import { codecString } from '#media/codec-string.ts'
import type { TrackFormat } from '#media/track.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'

/** A live stream as the API shows it. */
export interface StreamDocument {
  readonly id: string
  readonly path: string
  readonly protocol: string
  /** ISO 8601, UTC. */
  readonly since: string
  readonly remoteAddress: string
  /** What the encoder calls itself; empty when it does not say. */
  readonly encoder: string
  readonly bitrateBps: number
  readonly tracks: readonly StreamTrackDocument[]
  /** Ids of the recordings in progress. */
  readonly recordings: readonly string[]
  /** Somebody watches over live.mp4 or another player. */
  readonly isWatched: boolean
}

export interface StreamTrackDocument {
  readonly trackId: number
  readonly kind: 'video' | 'audio'
  readonly codec: string
  /** RFC 6381, e.g. `avc1.64001f`. */
  readonly codecString: string
  readonly accessUnits: number
  readonly payloadBytes: number
  readonly width?: number
  readonly height?: number
  /** As promised by the bitstream or the publisher; absent when unknown. */
  readonly frameRate?: number
  readonly sampleRateHz?: number
  readonly channels?: number
}

export function describeStream(stream: Stream, recorder: Pick<RecorderApi, 'active'>): StreamDocument {
  const { publisher } = stream
  return {
    id: stream.id,
    path: stream.path,
    protocol: publisher.protocol,
    since: new Date(stream.startedAtMs).toISOString(),
    remoteAddress: publisher.remoteAddress,
    encoder: publisher.encoder,
    bitrateBps: stream.bitrate.bitsPerSecond,
    tracks: [...stream.formats.values()].map((format) => describeTrack(stream, format)),
    recordings: recorder.active(stream.path).map(({ id }) => id),
    isWatched: stream.isWatched,
  }
}

function describeTrack(stream: Stream, format: TrackFormat): StreamTrackDocument {
  const counters = stream.counters.get(format.trackId)
  const common = {
    trackId: format.trackId,
    kind: format.kind,
    codec: format.codec,
    codecString: codecString(format),
    accessUnits: counters?.accessUnits ?? 0,
    payloadBytes: counters?.bytes ?? 0,
  }
  if (format.kind === 'audio') return { ...common, sampleRateHz: format.sampleRateHz, channels: format.channels }
  const size = format.widthPixels > 0 ? { width: format.widthPixels, height: format.heightPixels } : {}
  const rate = format.frameRateHint > 0 ? { frameRate: format.frameRateHint } : {}
  return { ...common, ...size, ...rate }
}
