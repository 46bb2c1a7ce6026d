import type { AccessUnit } from '#media/access-unit.ts'
import { rescale } from '#media/clock.ts'
import type { DataMessage } from '#media/data-message.ts'
import { AmfEcmaArray, type AmfEncodable, encodeAmf0 } from '#media/flv/amf0.ts'
import { audioTagHeader } from '#media/flv/audio-tag.ts'
import { flvConfiguration } from '#media/flv/configuration.ts'
import { isFlvCodec } from '#media/flv/four-cc.ts'
import { videoTagHeader } from '#media/flv/video-tag.ts'
import type { TrackFormat } from '#media/track.ts'
import { ChunkStreamId, type OutgoingMessage } from '#protocols/rtmp/chunk-writer.ts'
import { MessageType } from '#protocols/rtmp/message.ts'

/** A message without its stream: what play-session puts on its message stream. */
export type MediaMessage = Omit<OutgoingMessage, 'messageStreamId'>

/**
 * Turns formats and access units into a player's messages. The first video and the first audio track are the legacy
 * ones every player knows; further tracks go out as enhanced RTMP multitrack. Time starts at zero for each player.
 */
export class StreamToRtmp {
  readonly #formats = new Map<number, TrackFormat>()
  #zeroMs: number | undefined

  /** The sequence start of a track that appeared or changed; none for codecs without, and for tracks RTMP can't carry. */
  format(format: TrackFormat): MediaMessage | undefined {
    if (!isFlvCodec(format.codec)) return undefined
    this.#formats.set(format.trackId, format)
    const payload = flvConfiguration(format.codec, format.configuration)
    if (payload === undefined) return undefined
    return mediaMessage(format, 0, [this.#header(format, 'configuration', true, 0), payload])
  }

  /** Undefined: RTMP can't carry it, or it comes before the player's zero, which is the first access unit it was given. */
  accessUnit(accessUnit: AccessUnit): MediaMessage | undefined {
    const { format, dts, pts, isRandomAccess, payload } = accessUnit
    if (!isFlvCodec(format.codec)) return undefined
    const dtsMs = rescale(dts, format.timescale, 1000)
    this.#zeroMs ??= dtsMs
    const timestampMs = dtsMs - this.#zeroMs
    if (timestampMs < 0) return undefined
    const compositionTimeMs = rescale(pts, format.timescale, 1000) - dtsMs
    return mediaMessage(format, timestampMs, [
      this.#header(format, 'coded', isRandomAccess, compositionTimeMs),
      payload,
    ])
  }

  /** What the publisher said, not before the player's zero. */
  data({ encoding, timeMs, body }: DataMessage): MediaMessage {
    const typeId = encoding === 'amf3' ? MessageType.dataAmf3 : MessageType.data
    const timestampMs = this.#zeroMs === undefined ? 0 : Math.max(0, Math.round(timeMs - this.#zeroMs)) % 2 ** 32
    return { chunkStreamId: ChunkStreamId.data, typeId, timestampMs, body: [body] }
  }

  /** onMetaData of the tracks known now. Adobe FLV 10.1, annex E.5. */
  metadata(): MediaMessage {
    const fields: Record<string, AmfEncodable> = {}
    for (const format of this.#formats.values()) {
      if (format.kind === 'video') {
        fields['width'] ??= format.widthPixels
        fields['height'] ??= format.heightPixels
        if (format.frameRateHint > 0) fields['framerate'] ??= format.frameRateHint
      } else {
        fields['audiosamplerate'] ??= format.sampleRateHz
        fields['audiochannels'] ??= format.channels
        fields['stereo'] ??= format.channels > 1
      }
    }
    const body = [encodeAmf0('onMetaData', new AmfEcmaArray(fields))]
    return { chunkStreamId: ChunkStreamId.data, typeId: MessageType.data, timestampMs: 0, body }
  }

  #header(
    format: TrackFormat,
    kind: 'configuration' | 'coded',
    isKeyFrame: boolean,
    compositionTimeMs: number,
  ): Uint8Array {
    const multitrackId = this.#multitrackId(format)
    if (format.kind === 'video') {
      const tagKind = kind === 'coded' ? 'codedPicture' : kind
      return videoTagHeader({ kind: tagKind, codec: format.codec, isKeyFrame, compositionTimeMs, multitrackId })
    }
    const tagKind = kind === 'coded' ? 'codedAudio' : kind
    const { codec, sampleRateHz, channels } = format
    return audioTagHeader({ kind: tagKind, codec, sampleRateHz, channels, multitrackId })
  }

  /** 0 for the first track of its kind, then 1, 2, … in the order of track ids. */
  #multitrackId(format: TrackFormat): number {
    let earlier = 0
    for (const other of this.#formats.values())
      if (other.kind === format.kind && other.trackId < format.trackId) earlier++
    return earlier
  }
}

function mediaMessage(format: TrackFormat, timestampMs: number, body: readonly Uint8Array[]): MediaMessage {
  const isVideo = format.kind === 'video'
  return {
    chunkStreamId: isVideo ? ChunkStreamId.video : ChunkStreamId.audio,
    typeId: isVideo ? MessageType.video : MessageType.audio,
    timestampMs: timestampMs % 2 ** 32,
    body,
  }
}
