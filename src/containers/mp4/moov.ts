import { rescale } from '#media/clock.ts'
import { ascii, type Bytes, box, fixed16_16, fullBox, join, UINT32_MAX, u16, u32, u64 } from './box.ts'
import { isVideoTrack, MOVIE_TIMESCALE, type Movie, type MovieTrack } from './movie.ts'
import { mediaDuration, stbl } from './sample-table.ts'

/** Unity matrix, ISO/IEC 14496-12 §6.2.2. */
const MATRIX = u32(0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000)

/**
 * Movie Box, §8.2.1: `fragmented` announces fragments (mvex) that go on where the tables of this box end.
 *
 *     moov ─ mvhd
 *          ├ trak ─ tkhd, edts ─ elst, mdia ─ mdhd, hdlr, minf ─ vmhd|smhd, dinf, stbl
 *          └ mvex ─ trex
 */
export function moov(movie: Movie, fragmented: boolean): Bytes {
  return box('moov', [
    mvhd(movie),
    ...movie.tracks.map((track) => trak(movie, track)),
    ...(fragmented ? [box('mvex', movie.tracks.map(trex))] : []), // §8.8.1
  ])
}

/** Movie Header Box, §8.2.2. */
function mvhd(movie: Movie): Bytes {
  const duration = Math.max(0, ...movie.tracks.map(trackDuration))
  return withTimes('mvhd', 0, movie, [u32(MOVIE_TIMESCALE)], duration, [
    u32(0x1_0000), // rate 1.0
    u16(0x100), // volume 1.0
    u16(0), // reserved
    u32(0, 0), // reserved
    MATRIX,
    u32(0, 0, 0, 0, 0, 0), // pre_defined
    u32(1 + Math.max(0, ...movie.tracks.map((track) => track.id))), // next_track_ID
  ])
}

function trak(movie: Movie, track: MovieTrack): Bytes {
  return box('trak', [
    tkhd(movie, track),
    ...edts(movie, track),
    box('mdia', [
      mdhd(movie, track),
      hdlr(track),
      box('minf', [isVideoTrack(track) ? VMHD : SMHD, DINF, stbl(track, movie.compatible32)]), // §8.4.4
    ]),
  ])
}

/** Track Header Box, §8.3.2. Of several tracks of a kind, players are to take the first: they are alternatives. */
function tkhd(movie: Movie, track: MovieTrack): Bytes {
  const alternatives = movie.tracks.filter((other) => isVideoTrack(other) === isVideoTrack(track))
  const enabled = alternatives[0] === track
  const alternateGroup = alternatives.length === 1 ? 0 : isVideoTrack(track) ? 1 : 2
  const trackFields = [u32(track.id), u32(0)] // track_ID, reserved
  return withTimes('tkhd', enabled ? 3 : 2, movie, trackFields, trackDuration(track), [
    u32(0, 0), // reserved
    u16(0), // layer
    u16(alternateGroup),
    u16(isVideoTrack(track) ? 0 : 0x100), // volume
    u16(0), // reserved
    MATRIX,
    fixed16_16(track.displayWidth),
    fixed16_16(track.displayHeight),
  ])
}

/** Edit List Box, §8.6.6; none when media time is movie time. */
function edts({ compatible32 }: Movie, track: MovieTrack): Bytes[] {
  const { delayTicks, mediaTime } = track.edit
  if (delayTicks === 0 && mediaTime === 0) return []
  const shownTicks = shownDuration(track)
  const wide = compatible32 !== true && Math.max(delayTicks, shownTicks, mediaTime) > 0x7fff_ffff
  const int = wide ? u64 : u32
  const limit = wide ? Number.MAX_SAFE_INTEGER : UINT32_MAX
  const entry = (durationTicks: number, time: number) =>
    join([int(Math.min(durationTicks, limit)), int(time), u16(1, 0)]) // media_rate 1.0
  const entries = [...(delayTicks > 0 ? [entry(delayTicks, -1)] : []), entry(shownTicks, mediaTime)]
  return [box('edts', [fullBox('elst', wide ? 1 : 0, 0, [u32(entries.length), ...entries])])]
}

/** Media Header Box, §8.4.2. */
function mdhd(movie: Movie, track: MovieTrack): Bytes {
  return withTimes('mdhd', 0, movie, [u32(track.timescale)], mediaDuration(track), [
    u16(packedLanguage(track.language)),
    u16(0), // pre_defined
  ])
}

/** Handler Reference Box, §8.4.3. */
const hdlr = (track: MovieTrack): Bytes =>
  fullBox('hdlr', 0, 0, [
    u32(0), // pre_defined
    ascii(isVideoTrack(track) ? 'vide' : 'soun'),
    u32(0, 0, 0), // reserved
    ascii(isVideoTrack(track) ? 'Tapedeck video\0' : 'Tapedeck audio\0'),
  ])

const VMHD = fullBox('vmhd', 0, 1, [u16(0, 0, 0, 0)]) // §12.1.2
const SMHD = fullBox('smhd', 0, 0, [u16(0, 0)]) // §12.2.2
const DINF = box('dinf', [fullBox('dref', 0, 0, [u32(1), fullBox('url ', 0, 1, [])])]) // §8.7.1: in this file

/** Track Extends Box, §8.8.3: every fragment states its own defaults. */
const trex = (track: MovieTrack): Bytes => fullBox('trex', 0, 0, [u32(track.id, 1, 0, 0, 0)])

/** The header boxes' common beginning: creation, modification, some fields, duration; wide when 32 bits don't do. */
function withTimes(
  type: string,
  flags: number,
  { creationSeconds, compatible32 }: Movie,
  fields: readonly Uint8Array[],
  duration: number,
  rest: readonly Uint8Array[],
): Bytes {
  const wide = compatible32 !== true && Math.max(creationSeconds, duration) > UINT32_MAX
  // All ones: longer than the field can say.
  const int = wide ? u64 : (value: number) => u32(Math.min(value, UINT32_MAX))
  const times = [int(creationSeconds), int(creationSeconds), ...fields, int(duration), ...rest]
  return fullBox(type, wide ? 1 : 0, flags, times)
}

/** From the first composition to the end of the last, in MOVIE_TIMESCALE. */
function shownDuration(track: MovieTrack): number {
  const sections = track.sections.filter((section) => section.samples > 0)
  if (sections.length === 0) return 0
  const firstDts = sections[0]?.firstDts ?? 0
  let end = 0
  for (const section of sections) end = Math.max(end, section.maxEndPts - firstDts)
  return Math.max(0, rescale(end - track.edit.mediaTime, track.timescale, MOVIE_TIMESCALE))
}

const trackDuration = (track: MovieTrack): number => {
  const shown = shownDuration(track)
  return shown === 0 ? 0 : shown + track.edit.delayTicks
}

/** Three 5-bit letters, each its distance from 0x60. */
function packedLanguage(language: string): number {
  const code = /^[a-z]{3}$/.test(language) ? language : 'und'
  return ((code.charCodeAt(0) - 0x60) << 10) | ((code.charCodeAt(1) - 0x60) << 5) | (code.charCodeAt(2) - 0x60)
}
