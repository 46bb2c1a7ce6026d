import type { Stream } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'
import type { LedgerTrackDocument, PartTrackDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { InStream, OutStream } from './streams.ts'
import { codecTag, fileTag, inboundTag, tagNumber } from './tags.ts'
import { Double, type Value } from './values.ts'

/** An object of an answer. */
export type ValueMap = { readonly [name: string]: Value }

/** The stream object of a published stream. */
export function inStreamValue(
  { id, name, stream }: InStream,
  outIds: readonly number[],
  nowMs: number,
  pullSettings?: ValueMap,
): ValueMap {
  const { publisher } = stream
  const path = publisher.app === '' ? '' : `/${publisher.app}`
  const hasUrl = publisher.protocol.startsWith('rtmp') && publisher.localPort !== 0
  const tcUrl = hasUrl ? `rtmp://${publisher.localAddress}:${publisher.localPort}${path}` : ''
  return {
    ...common({ id, name, tag: inboundTag(publisher.protocol), createdAtMs: stream.startedAtMs }, nowMs),
    ...addresses(publisher),
    audio: trackValue('audio', publishedTrack(stream, 'audio')),
    video: trackValue('video', publishedTrack(stream, 'video')),
    bandwidth: Math.round(stream.bitrate.bitsPerSecond / 1000),
    outStreamsUniqueIds: outIds,
    pageUrl: '',
    serverAgent: publisher.encoder,
    swfUrl: '',
    tcUrl,
    ...(pullSettings !== undefined && { pullSettings }),
  }
}

/** The stream object of a recording that runs. */
export function outStreamValue(
  { id, name, createdAtMs, source }: OutStream,
  recording: RecordingDocument,
  nowMs: number,
  recordSettings?: ValueMap,
): ValueMap {
  return {
    ...common({ id, name, tag: fileTag(recording.format), createdAtMs }, nowMs),
    ...addresses({ remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }),
    audio: trackValue('audio', recordedTrack(recording, 'audio')),
    video: trackValue('video', recordedTrack(recording, 'video')),
    bandwidth: 0,
    inStreamUniqueId: source?.id ?? 0,
    ...(recordSettings !== undefined && { recordSettings }),
  }
}

function common(
  stream: { readonly id: number; readonly name: string; readonly tag: string; readonly createdAtMs: number },
  nowMs: number,
): ValueMap {
  return {
    appName: 'evostreamms',
    connectionType: 1,
    creationTimestamp: new Double(stream.createdAtMs),
    edgePid: 0,
    name: stream.name,
    processId: process.pid,
    processType: 'origin',
    queryTimestamp: new Double(nowMs),

    type: stream.tag,
    typeNumeric: tagNumber(stream.tag),
    uniqueId: stream.id,
    upTime: new Double(Math.max(0, nowMs - stream.createdAtMs)),
  }
}

function addresses(
  peer: Pick<Stream['publisher'], 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>,
): ValueMap {
  return {
    farIp: peer.remoteAddress,
    farPort: peer.remotePort,
    ip: peer.remoteAddress,
    nearIp: peer.localAddress,
    nearPort: peer.localPort,
    port: peer.remotePort,
  }
}

interface TrackFacts {
  readonly codec: string | undefined
  readonly bytes: number
  readonly packets: number
  readonly lostPackets: number
  readonly width?: number
  readonly height?: number
  readonly profile?: number
  readonly level?: number
}

const NO_TRACK: TrackFacts = { codec: undefined, bytes: 0, packets: 0, lostPackets: 0 }

function trackValue(kind: 'audio' | 'video', track: TrackFacts): ValueMap {
  const tag = codecTag(kind, track.codec)
  const counted: ValueMap = {
    bytesCount: track.bytes,
    codec: tag,
    codecNumeric: tagNumber(tag),
    droppedBytesCount: 0,
    droppedPacketsCount: track.lostPackets,
    packetsCount: track.packets,
  }
  if (kind === 'audio') return counted
  const { height = 0, level = 0, profile = 0, width = 0 } = track
  return { ...counted, height, level, profile, width }
}

function publishedTrack(stream: Stream, kind: 'audio' | 'video'): TrackFacts {
  for (const format of stream.formats.values()) {
    if (format.kind !== kind) continue
    const { bytes = 0, accessUnits = 0 } = stream.counters.get(format.trackId) ?? {}
    return { codec: format.codec, bytes, packets: accessUnits, lostPackets: 0, ...pictureFacts(format) }
  }
  return NO_TRACK
}

function pictureFacts(format: TrackFormat): Partial<TrackFacts> {
  if (format.kind !== 'video') return {}
  const size = { width: format.widthPixels, height: format.heightPixels }
  // AVCDecoderConfigurationRecord: version, profile, compatibility, level. ISO/IEC 14496-15 §5.3.3.1.
  if (format.codec !== 'h264') return size
  return { ...size, profile: format.configuration[1] ?? 0, level: format.configuration[3] ?? 0 }
}

function recordedTrack(recording: RecordingDocument, kind: 'audio' | 'video'): TrackFacts {
  const isIt = (track: LedgerTrackDocument | PartTrackDocument) => track.kind === kind
  const account = recording.ledger.tracks.find(isIt)
  const inParts = recording.parts.flatMap(({ tracks }) => tracks.filter(isIt))
  const newest = inParts.at(-1)
  if (account === undefined && newest === undefined) return NO_TRACK
  return {
    codec: account?.codec ?? newest?.codec,
    bytes: inParts.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
    packets: account?.written ?? 0,
    lostPackets: account?.lost ?? 0,
    ...(newest?.width !== undefined && { width: newest.width }),
    ...(newest?.height !== undefined && { height: newest.height }),
  }
}
