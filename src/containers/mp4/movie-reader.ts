import { DamagedError } from '#containers/errors.ts'
import { childBoxes, type FoundBox, findChild, parsing, requireChild, uint64At, viewOf } from './box-reader.ts'
import { type Edit, type Movie, type MovieTrack, NO_EDIT } from './movie.ts'
import { codecOfSampleEntry } from './sample-entry.ts'
import { readSampleTable } from './sample-table-reader.ts'

export interface ReadMovie {
  readonly movie: Movie
  /** mvex is there: the part is (or may be) going on in fragments. */
  readonly fragmented: boolean
}

/** The content of a moov box that moov.ts wrote. Tables borrow from it. @throws {DamagedError} it is not one of ours */
export function readMovie(content: Uint8Array): ReadMovie {
  return parsing('moov', () => readMoov(content))
}

function readMoov(content: Uint8Array): ReadMovie {
  const children = childBoxes(content, 'moov')
  const mvhd = viewOf(requireChild(children, 'mvhd', 20))
  const creationSeconds = mvhd.getUint8(0) === 1 ? uint64At(mvhd, 4) : mvhd.getUint32(4)
  const tracks = children.filter((child) => child.type === 'trak').map((child) => readTrack(child.content))
  return { movie: { creationSeconds, tracks }, fragmented: findChild(children, 'mvex') !== undefined }
}

function readTrack(content: Uint8Array): MovieTrack {
  const children = childBoxes(content, 'trak')
  const tkhd = viewOf(requireChild(children, 'tkhd', 84))
  const media = childBoxes(requireChild(children, 'mdia', 8), 'mdia')
  const mdhd = viewOf(requireChild(media, 'mdhd', 24))
  const wideMdhd = mdhd.getUint8(0) === 1
  const stbl = childBoxes(requireChild(childBoxes(requireChild(media, 'minf', 8), 'minf'), 'stbl', 8), 'stbl')
  const sampleEntries = readSampleEntries(stbl)
  const codec = codecOfSampleEntry(sampleEntries[0] ?? new Uint8Array(0))
  if (codec === undefined) throw new DamagedError('MP4', 'a track has no sample entry we know')
  const timescale = mdhd.getUint32(wideMdhd ? 20 : 12)
  if (timescale === 0) throw new DamagedError('MP4', 'a track has timescale 0')
  const edit = readEdit(children)
  return {
    id: tkhd.getUint32(tkhd.getUint8(0) === 1 ? 20 : 12),
    codec,
    timescale,
    language: unpackLanguage(mdhd.getUint16(wideMdhd ? 32 : 20)),
    displayWidth: tkhd.getUint32(tkhd.byteLength - 8) / 0x1_0000,
    displayHeight: tkhd.getUint32(tkhd.byteLength - 4) / 0x1_0000,
    sampleEntries,
    edit,
    sections: readSampleTable(stbl),
  }
}

function readSampleEntries(stbl: readonly FoundBox[]): Uint8Array[] {
  const stsd = requireChild(stbl, 'stsd', 8)
  return childBoxes(stsd.subarray(8), 'stsd').map((entry) => entry.bytes)
}

/** An optional empty edit, then one that shows the media. */
function readEdit(trak: readonly FoundBox[]): Edit {
  const edts = findChild(trak, 'edts')
  if (edts === undefined) return NO_EDIT
  const view = viewOf(requireChild(childBoxes(edts, 'edts'), 'elst', 8))
  const wide = view.getUint8(0) === 1
  let edit = NO_EDIT
  for (let i = 0, at = 8; i < view.getUint32(4); i++, at += wide ? 20 : 12) {
    const duration = wide ? uint64At(view, at) : view.getUint32(at)
    const mediaTime = wide ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4)
    edit = mediaTime < 0 ? { ...edit, delayTicks: duration } : { ...edit, mediaTime }
  }
  return edit
}

const unpackLanguage = (packed: number): string =>
  String.fromCharCode(0x60 + ((packed >> 10) & 31), 0x60 + ((packed >> 5) & 31), 0x60 + (packed & 31))
