import type { Container, PartBytes, PartSummary, WriterOptions } from '../container.ts'
import { AppendMismatchError, DamagedError } from '../errors.ts'
import { endsOf, spanMs, TrackTotals } from '../track-totals.ts'
import { CLOCK_HZ, NULL_PID, PACKET_BYTES, PAT_PID, SYNC_BYTE } from './packet.ts'
import { PMT_PID } from './section.ts'
import { isCarried } from './stream-type.ts'
import { readTail, type TransportTail } from './tail.ts'
import { encodeTally } from './tally.ts'
import { MpegTsWriter } from './writer.ts'

/** Streams of a kind; one programme map of a few packets names them all. */
const MAX_TRACKS = 16

/**
 * MPEG-TS: one programme, playable from any packet on, at every moment of its making. A finished part differs from an
 * unfinished one by its last null packet alone (see tally.ts).
 */
export const mpegts: Container = {
  name: 'ts',
  extension: 'ts',
  mimeType: 'video/mp2t',
  carries: isCarried,
  maxVideoTracks: MAX_TRACKS,
  maxAudioTracks: MAX_TRACKS,
  open: (options) => new MpegTsWriter(options),
  openForAppend,
  finish,
  inspect: async (part) => {
    const tail = await readTail(part)
    return { ...summary(tail, part.sizeBytes), finished: tail.isFinished, tornBytes: part.sizeBytes - tail.goodBytes }
  },
}

async function openForAppend(part: PartBytes, options: WriterOptions) {
  const tail = await readTail(part)
  if (tail.goodBytes !== part.sizeBytes) {
    throw new DamagedError('MPEG-TS', `${part.sizeBytes - tail.goodBytes} bytes behind the last access unit`)
  }
  for (const { trackId, codec } of options.formats) {
    const known = tail.tracks.find((track) => track.trackId === trackId)
    if (known !== undefined && known.codec !== codec)
      throw new AppendMismatchError('MPEG-TS', trackId, known.codec, codec)
  }
  const writer = new MpegTsWriter(options, {
    fileBytes: part.sizeBytes,
    createdAtMs: tail.tally.createdAtMs,
    continuity: tail.continuity,
    // The descriptors may differ from the file's (language, channels): a new version is always right.
    pmtVersion: (tail.tally.pmtVersion + 1) & 0x1f,
    zeroTicks: tail.tally.zeroTicks,
    tracks: tail.tracks,
  })
  const ends = endsOf(tail.tracks, CLOCK_HZ)
  return { writer, startMs: Math.max(0, ...[...ends.values()].map(({ endDtsMs }) => endDtsMs)), ends }
}

async function finish(part: PartBytes): Promise<PartSummary> {
  const tail = await readTail(part)
  if (tail.isFinished) return summary(tail, part.sizeBytes)
  if (tail.goodBytes < part.sizeBytes) await part.truncate(tail.goodBytes)
  if (tail.endsWithEndTally) return summary(tail, tail.goodBytes)
  const buffers = endTally(tail)
  const bytes = buffers.length * PACKET_BYTES
  await part.apply([{ kind: 'append', buffers, bytes }])
  return summary(tail, tail.goodBytes + bytes)
}

/** The null packets that make the next finish, or an append, read nothing but them. */
function endTally(tail: TransportTail): Uint8Array[] {
  const payloads = encodeTally({
    ...tail.tally,
    patContinuity: tail.continuity.get(PAT_PID) ?? 0x0f,
    pmtContinuity: tail.continuity.get(PMT_PID) ?? 0x0f,
    tracks: tail.tracks,
    position: tail.goodBytes,
    isEnd: true,
  })
  return payloads.map((payload) => Uint8Array.of(SYNC_BYTE, NULL_PID >> 8, NULL_PID & 0xff, 0x10, ...payload))
}

function summary(tail: TransportTail, bytes: number): PartSummary {
  const tracks = tail.tracks.map((track) => new TrackTotals(track.totals).summary(track.trackId, track.codec, CLOCK_HZ))
  return { durationMs: spanMs(tracks), bytes, tracks }
}
