import type { Change, ContinuedPart, PartBytes, TrackEnd, WriterOptions } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import { ascii, serialize } from './box.ts'
import { viewOf } from './box-reader.ts'
import { finish } from './finish.ts'
import { type Layout, readLayout } from './layout.ts'
import { moov } from './moov.ts'
import { MOVIE_TIMESCALE, type Movie, type MovieTrack, movieTrack, NO_EDIT } from './movie.ts'
import { CONTROL_BYTES, flipRoom, PREPARED_AT } from './room.ts'
import { sampleEntry } from './sample-entry.ts'
import { type SampleSection, SampleSectionBuilder } from './sample-section.ts'
import { summarize } from './timeline.ts'
import { TrackWriter } from './track-writer.ts'
import { Mp4Writer } from './writer.ts'

/** See Container.openForAppend. An unfinished part is finished first. */
export async function openForAppend(
  part: PartBytes,
  options: WriterOptions,
  indexBytes: number,
): Promise<ContinuedPart> {
  // Both fail before anything is changed
  for (const format of options.formats) sampleEntry(format)
  await readLayout(part)
  await finish(part)
  const layout = await readLayout(part)
  const { movie, tracks } = joinFormats(layout.movie, options.formats)
  const { changes, roomEndAt } = reopen(layout, serialize(moov(movie, true)))
  const summary = summarize(layout.movie, part.sizeBytes)
  const startMs = Math.ceil(Math.max(0, ...summary.tracks.map((track) => track.endMs)))
  // Where the first fragment will be: behind what reopening appends.
  const position = changes.reduce((at, change) => (change.kind === 'append' ? at + change.bytes : at), part.sizeBytes)
  const writer = new Mp4Writer(options, indexBytes, { position, roomEndAt, tracks, reopening: changes })
  return { writer, startMs, ends: endsOf(movie, tracks) }
}

/** Ticks of the last sample of a section. */
const lastDuration = ({ durations }: SampleSection): number => viewOf(durations).getUint32(durations.length - 4)

/** In the times that are given to a writer: media time less its shift. */
function endsOf(movie: Movie, writers: readonly TrackWriter[]): Map<number, TrackEnd> {
  const ends = new Map<number, TrackEnd>()
  for (const { id, format, shiftTicks } of writers) {
    const track = movie.tracks.find((candidate) => candidate.id === id)
    const last = track?.sections.findLast(({ samples }) => samples > 0)
    if (track === undefined || last === undefined) continue
    const ms = (mediaTicks: number) => ((mediaTicks - shiftTicks) * 1000) / track.timescale
    const endPts = Math.max(...track.sections.map(({ maxEndPts }) => maxEndPts))
    const endDtsMs = ms(last.endDts)
    ends.set(format.trackId, { lastDtsMs: ms(last.endDts - lastDuration(last)), endDtsMs, endPtsMs: ms(endPts) })
  }
  return ends
}

/**
 * The finished movie with what the new tracks need, and a writer for each. A format goes on with the track of its
 * id, or the next, of the same codec and clock; where there is none, it becomes a new track, because players follow no change of codec.
 */
function joinFormats(movie: Movie, formats: readonly TrackFormat[]): { movie: Movie; tracks: TrackWriter[] } {
  const tracks = [...movie.tracks]
  const taken = new Set<MovieTrack>()
  const writers: TrackWriter[] = []
  for (const format of formats) {
    const fits = (track: MovieTrack) =>
      !taken.has(track) && track.codec === format.codec && track.timescale === format.timescale
    const same = tracks.findIndex((track) => track.id === format.trackId && fits(track))
    const index = same < 0 ? tracks.findIndex(fits) : same
    const old = tracks[index]
    if (old === undefined) {
      const isFree = tracks.every((other) => other.id !== format.trackId)
      const id = isFree ? format.trackId : 1 + Math.max(0, ...tracks.map((other) => other.id))
      const track = movieTrack(format, id, NO_EDIT)
      tracks.push(track)
      taken.add(track)
      writers.push(new TrackWriter(track.id, format, 1))
      continue
    }
    const entry = sampleEntry(format)
    const known = old.sampleEntries.findIndex((other) => Buffer.compare(other, entry) === 0)
    const description = known < 0 ? old.sampleEntries.length : known
    const track = known < 0 ? { ...old, sampleEntries: [...old.sampleEntries, entry] } : old
    tracks[index] = track
    taken.add(track)
    writers.push(continuedTrack(track, format, description + 1))
  }
  return { movie: { ...movie, tracks }, tracks: writers }
}

function continuedTrack(track: MovieTrack, format: TrackFormat, sampleDescription: number): TrackWriter {
  let samples = 0
  let chunks = 0
  for (const section of track.sections) {
    samples += section.samples
    chunks += section.chunks
  }
  const builder = new SampleSectionBuilder(samples, chunks)
  const writer = new TrackWriter(track.id, format, sampleDescription, builder)
  const { delayTicks, mediaTime } = track.edit
  writer.shiftTicks = mediaTime - Math.floor((delayTicks * track.timescale) / MOVIE_TIMESCALE)
  return writer
}

/**
 * Makes the part one that goes on in fragments, with its last change. Done with the writer's first output: until there
 * is one, it stays final, also for whoever finds it after a kill. Either the room grows over the old index up to a
 * new one, or the new one stands at the end and the old one is hidden.
 */
function reopen(layout: Layout, box: Uint8Array): { changes: Change[]; roomEndAt: number } {
  const { movieAt, movieBytes, room } = layout
  const append: Change = { kind: 'append', buffers: [box], bytes: box.length }
  if (movieAt !== PREPARED_AT) {
    // Its index is at the end already: its type becomes `free`
    const hide: Change = { kind: 'write', position: movieAt + 4, bytes: ascii('free') }
    return { changes: [append, hide], roomEndAt: room.endAt }
  }
  const mdatAt = room.unfinishedEndAt - 16
  const newMovieAt = mdatAt - box.length
  if (newMovieAt >= Math.max(movieAt + movieBytes + 8, PREPARED_AT + CONTROL_BYTES)) {
    const write: Change = { kind: 'write', position: newMovieAt, bytes: box }
    return { changes: [write, flipRoom(newMovieAt)], roomEndAt: newMovieAt }
  }
  return { changes: [append, flipRoom(mdatAt)], roomEndAt: mdatAt }
}
