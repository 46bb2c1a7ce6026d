import { DamagedError } from '#containers/errors.ts'
import { type FoundBox, findChild, requireChild, viewOf } from './box-reader.ts'
import type { SampleSection } from './sample-section.ts'

/** The tables of an stbl that sample-table.ts wrote, as one section; none when they are empty. */
export function readSampleTable(stbl: readonly FoundBox[]): SampleSection[] {
  const stsz = viewOf(requireChild(stbl, 'stsz', 12))
  const samples = stsz.getUint32(8)
  if (samples === 0) return []
  const sizes = requireChild(stbl, 'stsz', 12 + 4 * samples).subarray(12)
  const durations = entriesOf(requireChild(stbl, 'stts', 8), 8)
  const ctts = findChild(stbl, 'ctts')
  const compositionOffsets = ctts === undefined ? oneRun(samples) : entriesOf(ctts, 8)
  const stss = findChild(stbl, 'stss')
  const syncNumbers = stss === undefined ? everySample(samples) : entriesOf(stss, 4)
  const chunkOffsets = readChunkOffsets(stbl)
  const times = presentationSpan(durations, compositionOffsets)
  if (times.samples !== samples) throw new DamagedError('MP4', 'the tables of a track disagree')
  return [
    {
      samples,
      syncSamples: syncNumbers.length / 4,
      chunks: chunkOffsets.length / 8,
      payloadBytes: sum(sizes),
      firstDts: 0,
      endDts: times.endDts,
      minPts: times.minPts,
      maxEndPts: times.maxEndPts,
      minCompositionOffset: times.minOffset,
      maxCompositionOffset: times.maxOffset,
      sizes,
      durations,
      compositionOffsets,
      syncNumbers,
      chunkOffsets,
      chunkRuns: entriesOf(requireChild(stbl, 'stsc', 8), 12),
    },
  ]
}

/** Entries of a full box with entry_count. */
function entriesOf(content: Uint8Array, entryBytes: number): Uint8Array {
  const bytes = viewOf(content).getUint32(4) * entryBytes
  if (8 + bytes > content.length) throw new DamagedError('MP4', 'a table is shorter than it says')
  return content.subarray(8, 8 + bytes)
}

function readChunkOffsets(stbl: readonly FoundBox[]): Uint8Array {
  const co64 = findChild(stbl, 'co64')
  if (co64 !== undefined) return entriesOf(co64, 8)
  const narrow = entriesOf(requireChild(stbl, 'stco', 8), 4)
  const wide = new Uint8Array(2 * narrow.length)
  for (let from = 0; from < narrow.length; from += 4) wide.set(narrow.subarray(from, from + 4), 2 * from + 4)
  return wide
}

function sum(sizes: Uint8Array): number {
  const view = viewOf(sizes)
  let total = 0
  for (let at = 0; at < sizes.length; at += 4) total += view.getUint32(at)
  return total
}

function oneRun(samples: number): Uint8Array {
  const entries = new Uint8Array(8)
  new DataView(entries.buffer).setUint32(0, samples)
  return entries
}

function everySample(samples: number): Uint8Array {
  const numbers = new Uint8Array(4 * samples)
  const view = new DataView(numbers.buffer)
  for (let i = 0; i < samples; i++) view.setUint32(4 * i, i + 1)
  return numbers
}

/** Walks both run-length tables side by side: a run at a time, so that hours cost as little as they have runs. */
function presentationSpan(durations: Uint8Array, offsets: Uint8Array) {
  const durationView = viewOf(durations)
  const offsetView = viewOf(offsets)
  let samples = 0
  let dts = 0
  let minPts = Number.POSITIVE_INFINITY
  let maxEndPts = 0
  let minOffset = Number.POSITIVE_INFINITY
  let maxOffset = Number.NEGATIVE_INFINITY
  let offsetAt = 0
  let offsetLeft = 0
  for (let at = 0; at < durations.length; at += 8) {
    const ticks = durationView.getUint32(at + 4)
    let left = durationView.getUint32(at)
    samples += left
    while (left > 0) {
      if (offsetLeft === 0) {
        if (offsetAt >= offsets.length) throw new DamagedError('MP4', 'ctts ends before stts')
        offsetLeft = offsetView.getUint32(offsetAt)
        offsetAt += 8
        if (offsetLeft === 0) continue
      }
      const run = Math.min(left, offsetLeft)
      const offset = offsetView.getInt32(offsetAt - 4)
      minPts = Math.min(minPts, dts + offset)
      minOffset = Math.min(minOffset, offset)
      maxOffset = Math.max(maxOffset, offset)
      dts += run * ticks
      maxEndPts = Math.max(maxEndPts, dts + offset)
      left -= run
      offsetLeft -= run
    }
  }
  return { samples, endDts: dts, minPts, maxEndPts, minOffset, maxOffset }
}
