import { type Bytes, box, fullBox, join, UINT32_MAX, u32 } from './box.ts'
import { viewOf } from './box-reader.ts'
import type { MovieTrack } from './movie.ts'
import { type SampleSection, sampleDelta } from './sample-section.ts'

/** Sample Table Box, ISO/IEC 14496-12 §8.5: joins the sections; only run ends and 32-bit offsets are touched singly. */
export function stbl(track: MovieTrack, compatible32 = false): Bytes {
  const sections = track.sections.filter((section) => section.samples > 0)
  const samples = total(sections, (section) => section.samples)
  const syncSamples = total(sections, (section) => section.syncSamples)
  return box('stbl', [
    fullBox('stsd', 0, 0, [u32(track.sampleEntries.length), ...track.sampleEntries]), // §8.5.2
    table('stts', 0, joinDurations(sections), 8), // §8.6.1.2
    ...compositionOffsets(sections, compatible32),
    ...(syncSamples === samples ? [] : [table('stss', 0, join(sections.map((section) => section.syncNumbers)), 4)]), // §8.6.2
    table('stsc', 0, joinChunkRuns(sections), 12), // §8.7.4
    fullBox('stsz', 0, 0, [u32(0, samples), ...sections.map((section) => section.sizes)]), // §8.7.3
    chunkOffsets(sections),
  ])
}

/** Full box with entry_count and entries. */
const table = (type: string, version: number, entries: Bytes, entryBytes: number): Bytes =>
  fullBox(type, version, 0, [u32(entries.length / entryBytes), entries])

/** Media time from the first sample to the end of the last. */
export function mediaDuration(track: MovieTrack): number {
  const first = track.sections.find((section) => section.samples > 0)
  const last = track.sections.findLast((section) => section.samples > 0)
  return first === undefined || last === undefined ? 0 : last.endDts - first.firstDts
}

/**
 * stts entries of all sections. The last sample of a section lasts until the next section begins, whatever was
 * believed when it was written (a gap, or a stall that ended early).
 */
function joinDurations(sections: readonly SampleSection[]): Bytes {
  const pieces: Uint8Array[] = []
  let previous: { section: SampleSection } | undefined
  for (const section of sections) {
    if (previous !== undefined && previous.section.endDts !== section.firstDts) {
      pieces.push(...withLastDuration(pieces.pop(), section.firstDts - previous.section.endDts))
    }
    pieces.push(section.durations)
    previous = { section }
  }
  return join(mergeAdjacentRuns(pieces))
}

/** Lengthens (or shortens) the last sample of an stts table by `byTicks`. */
function withLastDuration(entries: Uint8Array | undefined, byTicks: number): Uint8Array[] {
  if (entries === undefined) return []
  const view = viewOf(entries)
  const count = view.getUint32(entries.length - 8)
  const ticks = sampleDelta(view.getUint32(entries.length - 4) + byTicks)
  const before = entries.subarray(0, -8)
  if (count === 1) return [before, u32(1, ticks)]
  return [before, u32(count - 1, view.getUint32(entries.length - 4)), u32(1, ticks)]
}

/** Where one piece ends with the run that the next begins with, they become one run: steady streams stay tiny. */
function mergeAdjacentRuns(tables: readonly Uint8Array[]): Uint8Array[] {
  const merged: Uint8Array[] = []
  for (const entries of tables) {
    const before = merged.at(-1)
    if (entries.length === 0) continue
    if (before === undefined) {
      merged.push(entries)
      continue
    }
    const view = viewOf(entries)
    const beforeView = viewOf(before)
    const value = view.getUint32(4)
    if (beforeView.getUint32(before.length - 4) !== value) {
      merged.push(entries)
      continue
    }
    merged.pop()
    if (before.length > 8) merged.push(before.subarray(0, -8))
    const count = view.getUint32(0) + beforeView.getUint32(before.length - 8)
    merged.push(u32(count, value))
    if (entries.length > 8) merged.push(entries.subarray(8))
  }
  return merged
}

/**
 * ctts (§8.6.1.3), version 1 (signed) only when a picture is shown before its DTS; none when all are shown at once.
 * Players from before version 1 read version 0 as signed (QuickTime File Format, "Composition Offset Atom").
 */
function compositionOffsets(sections: readonly SampleSection[], compatible32: boolean): Bytes[] {
  const anyNegative = sections.some((section) => section.minCompositionOffset < 0)
  if (!anyNegative && sections.every((section) => section.maxCompositionOffset === 0)) return []
  const entries = join(mergeAdjacentRuns(sections.map((section) => section.compositionOffsets)))
  return [table('ctts', anyNegative && !compatible32 ? 1 : 0, entries, 8)]
}

/** stsc entries of all sections, without those that only repeat the entry before. */
function joinChunkRuns(sections: readonly SampleSection[]): Bytes {
  const pieces: Uint8Array[] = []
  for (const { chunkRuns } of sections) {
    const before = pieces.at(-1)
    const repeats =
      before !== undefined &&
      chunkRuns.length >= 12 &&
      Buffer.compare(before.subarray(-8), chunkRuns.subarray(4, 12)) === 0
    const rest = repeats ? chunkRuns.subarray(12) : chunkRuns
    if (rest.length > 0) pieces.push(rest)
  }
  return join(pieces)
}

/** stco while every chunk begins below 4 GiB, else co64; §8.7.5. */
function chunkOffsets(sections: readonly SampleSection[]): Bytes {
  const wide = sections.map((section) => section.chunkOffsets)
  const chunks = total(sections, (section) => section.chunks)
  const last = wide.at(-1)
  const highest = last === undefined || last.length === 0 ? 0 : Number(viewOf(last).getBigUint64(last.length - 8))
  if (highest > UINT32_MAX) return fullBox('co64', 0, 0, [u32(chunks), ...wide])
  const narrow = new Uint8Array(4 * chunks)
  const to = viewOf(narrow)
  let at = 0
  for (const offsets of wide) {
    const from = viewOf(offsets)
    for (let i = 4; i < offsets.length; i += 8, at += 4) to.setUint32(at, from.getUint32(i))
  }
  return fullBox('stco', 0, 0, [u32(chunks), narrow])
}

function total(sections: readonly SampleSection[], value: (section: SampleSection) => number): number {
  let sum = 0
  for (const section of sections) sum += value(section)
  return sum
}
