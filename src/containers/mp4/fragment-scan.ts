import type { ReadableBytes } from '#containers/container.ts'
import { DamagedError } from '#containers/errors.ts'
import { MAX_BOX_HEADER_BYTES, parseBoxHeader } from './box-reader.ts'
import { type FragmentTrack, readFragment } from './fragment-reader.ts'
import { type SampleSection, SampleSectionBuilder } from './sample-section.ts'

export interface FragmentScan {
  readonly sections: ReadonlyMap<number, SampleSection>
  /** Where the last whole sample (or box between fragments) ends. */
  readonly endAt: number
  readonly fragments: number
}

/** Read at once at each fragment: the moof of a video and an audio track is smaller, others are read again whole. */
const PROBE_BYTES = 2 * 1024
/** Largest moof we would read: a fragment's tables, with room for a hundred tracks. */
const MAX_MOOF_BYTES = 32 * 1024 * 1024

/** Reads fragment headers from `start` to the end of the file, or to whatever is no whole fragment of ours. */
export async function scanFragments(
  part: ReadableBytes,
  start: number,
  before: ReadonlyMap<number, readonly SampleSection[]>,
): Promise<FragmentScan> {
  const builders = new Map<number, SampleSectionBuilder>()
  for (const [trackId, sections] of before) {
    const samples = sections.reduce((sum, section) => sum + section.samples, 0)
    const chunks = sections.reduce((sum, section) => sum + section.chunks, 0)
    builders.set(trackId, new SampleSectionBuilder(samples, chunks))
  }
  let at = start
  let endAt = start
  let fragments = 0
  let window: { position: number; bytes: Uint8Array } = { position: start, bytes: new Uint8Array(0) }
  for (;;) {
    const windowEndAt = window.position + window.bytes.length
    // What a filler was read with usually holds the moof after it as well
    if (at + PROBE_BYTES / 2 > windowEndAt) window = { position: at, bytes: await part.read(at, PROBE_BYTES) }
    const bytes = window.bytes.subarray(at - window.position)
    const header = parseBoxHeader(bytes)
    if (header === undefined || at + header.sizeBytes > part.sizeBytes) break
    if (header.type === 'moof' && header.sizeBytes <= MAX_MOOF_BYTES) {
      const fragment = await wholeFragment(part, at, bytes, header.sizeBytes)
      if (fragment === undefined) break
      const samplesEndAt = addSamples(fragment.tracks, at, part.sizeBytes, builders)
      if (samplesEndAt > at) fragments++
      endAt = Math.max(at, samplesEndAt)
      if (fragment.endAt > part.sizeBytes) break
      endAt = at = fragment.endAt
    } else if (header.type === 'free') {
      endAt = at = at + header.sizeBytes
    } else {
      break
    }
  }
  const sections = new Map<number, SampleSection>()
  for (const [trackId, builder] of builders) if (builder.samples > 0) sections.set(trackId, builder.take())
  return { sections, endAt, fragments }
}

/** The moof at this place, and where its mdat ends (perhaps beyond the file). Undefined: not both are there. */
async function wholeFragment(part: ReadableBytes, at: number, probe: Uint8Array, moofBytes: number) {
  const needed = moofBytes + MAX_BOX_HEADER_BYTES
  const bytes = needed <= probe.length ? probe : await part.read(at, needed)
  const mdat = parseBoxHeader(bytes.subarray(moofBytes))
  if (mdat?.type !== 'mdat') return undefined
  try {
    return { tracks: readFragment(bytes.subarray(8, moofBytes)), endAt: at + moofBytes + mdat.sizeBytes }
  } catch (error) {
    if (error instanceof DamagedError) return undefined
    throw error
  }
}

/** Adds the samples that are in the file to their last byte; returns where the last of them ends. */
function addSamples(
  tracks: readonly FragmentTrack[],
  moofAt: number,
  fileBytes: number,
  builders: ReadonlyMap<number, SampleSectionBuilder>,
): number {
  let endAt = moofAt
  for (const track of tracks) {
    const builder = builders.get(track.trackId)
    const position = moofAt + track.dataOffset
    let sampleAt = position
    let dts = track.baseDts
    let count = 0
    for (const sample of track.samples) {
      if (sampleAt + sample.sizeBytes > fileBytes) break
      builder?.addSample(sample.sizeBytes, dts, sample.compositionOffset, sample.durationTicks, sample.isSync)
      sampleAt += sample.sizeBytes
      dts += sample.durationTicks
      count++
    }
    if (count === 0) continue
    builder?.addChunk(position, count, track.sampleDescription)
    endAt = Math.max(endAt, sampleAt)
  }
  return endAt
}
