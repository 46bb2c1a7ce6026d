import { isVideoCodec } from '#media/codec.ts'
import { isFlvCodec } from '#media/flv/four-cc.ts'
import type { Change, Container, PartBytes, PartSummary, WriterOptions } from '../container.ts'
import { AppendMismatchError, DamagedError } from '../errors.ts'
import { endsOf, spanMs, TrackTotals } from '../track-totals.ts'
import { encodeCheckpoint } from './checkpoint.ts'
import { FILE_HEADER_BYTES } from './file-header.ts'
import { type FinalFacts, finalMetadata, isFinal, metadataRoom } from './metadata.ts'
import { TAG_FRAMING_BYTES, TagType, tagBytes } from './tag.ts'
import { type FlvTail, readTail } from './tail.ts'
import { MAX_TRACKS_OF_A_KIND } from './track.ts'
import { CLOCK_HZ, FlvWriter } from './writer.ts'

/**
 * FLV: legacy tags where they exist, enhanced ones for newer codecs and further tracks. Playable at every moment of its
 * making; finishing writes duration and key frame index into the room kept for them behind the header.
 */
export const flv: Container = {
  name: 'flv',
  extension: 'flv',
  mimeType: 'video/x-flv',
  carries: isFlvCodec,
  maxVideoTracks: MAX_TRACKS_OF_A_KIND,
  maxAudioTracks: MAX_TRACKS_OF_A_KIND,
  open: (options) => new FlvWriter(options),
  openForAppend,
  finish,
  inspect: async (part) => {
    const tail = await readTail(part)
    const facts = finalFacts(tail, part.sizeBytes)
    const finished = tail.endsWithEndCheckpoint && tail.goodBytes === part.sizeBytes && isFinal(tail.metadata, facts)
    return { ...summary(tail, part.sizeBytes), finished, tornBytes: part.sizeBytes - tail.goodBytes }
  },
}

async function openForAppend(part: PartBytes, options: WriterOptions) {
  const tail = await readTail(part)
  if (tail.goodBytes !== part.sizeBytes) {
    throw new DamagedError('FLV', `${part.sizeBytes - tail.goodBytes} bytes behind the last access unit`)
  }
  const present = new Map(tail.tracks.map((track) => [track.trackId, track]))
  for (const { trackId, codec } of options.formats) {
    const known = present.get(trackId)
    if (known !== undefined && known.codec !== codec) throw new AppendMismatchError('FLV', trackId, known.codec, codec)
  }
  const writer = new FlvWriter(options, {
    fileBytes: part.sizeBytes,
    createdAtMs: tail.checkpoint.createdAtMs,
    roomBytes: tail.checkpoint.roomBytes,
    metadata: tail.metadata,
    index: tail.index,
    tracks: tail.tracks,
  })
  const ends = endsOf(tail.tracks, CLOCK_HZ)
  return { writer, startMs: Math.max(0, ...[...ends.values()].map(({ endDtsMs }) => endDtsMs)), ends }
}

async function finish(part: PartBytes): Promise<PartSummary> {
  const tail = await readTail(part)
  if (tail.goodBytes < part.sizeBytes) await part.truncate(tail.goodBytes)
  const end = tail.endsWithEndCheckpoint ? undefined : endCheckpoint(tail)
  const fileBytes = tail.goodBytes + (end?.length ?? 0)
  const facts = finalFacts(tail, fileBytes)
  const changes: Change[] = []
  if (end !== undefined) changes.push({ kind: 'append', buffers: [end], bytes: end.length })
  if (!isFinal(tail.metadata, facts)) {
    const room = metadataRoom(finalMetadata(tail.metadata, facts), tail.checkpoint.roomBytes)
    changes.push({ kind: 'write', position: FILE_HEADER_BYTES, bytes: room })
  }
  if (changes.length > 0) await part.apply(changes)
  return summary(tail, fileBytes)
}

/** The tag that makes the next finish, or an append, read nothing but it. */
function endCheckpoint(tail: FlvTail): Uint8Array {
  const { entries, stride, seen } = tail.index
  const body = encodeCheckpoint({
    ...tail.checkpoint,
    position: tail.goodBytes,
    basePosition: 0,
    isEnd: true,
    entries,
    stride,
    seenKeyFrames: seen,
    tracks: tail.tracks,
  })
  return tagBytes(TagType.reserve, tail.lastTimestampMs, body)
}

function finalFacts(tail: FlvTail, fileBytes: number): FinalFacts {
  const tracks = summary(tail, fileBytes).tracks
  const video = tracks.filter(({ codec }) => isVideoCodec(codec))
  const payloadBytes = (of: typeof tracks) =>
    of.reduce((sum, track) => sum + track.payloadBytes + track.accessUnits * TAG_FRAMING_BYTES, 0)
  return {
    durationMs: spanMs(tracks),
    fileBytes,
    videoBytes: payloadBytes(video),
    audioBytes: payloadBytes(tracks.filter(({ codec }) => !isVideoCodec(codec))),
    pictures: video[0]?.accessUnits ?? 0,
    lastTimestampMs: tail.lastTimestampMs,
    entries: tail.index.entries,
  }
}

function summary(tail: FlvTail, bytes: number): PartSummary {
  const tracks = tail.tracks.map((track) => new TrackTotals(track.totals).summary(track.trackId, track.codec, CLOCK_HZ))
  return { durationMs: spanMs(tracks), bytes, tracks }
}
