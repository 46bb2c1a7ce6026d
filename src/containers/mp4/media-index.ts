import type { ReadableBytes } from '#containers/container.ts'
import { readCheckpoints } from './checkpoint-chain.ts'
import { scanFragments } from './fragment-scan.ts'
import type { Layout } from './layout.ts'
import type { SampleSection } from './sample-section.ts'

/** Everything the fragments of an unfinished part hold. */
export interface MediaIndex {
  /** By track id, in file order. */
  readonly sections: ReadonlyMap<number, readonly SampleSection[]>
  /** Where the last whole sample (or checkpoint) ends; what follows is torn. */
  readonly endAt: number
  /** How the index came about: for diagnosis and tests. */
  readonly checkpoints: number
  readonly scannedFragments: number
}

/**
 * Joins what the checkpoints say with the fragment headers after them. Whenever the checkpoints can't be trusted, all
 * fragments are read instead.
 */
export async function readMediaIndex(part: ReadableBytes, layout: Layout): Promise<MediaIndex> {
  const sections = new Map<number, SampleSection[]>()
  for (const track of layout.movie.tracks) sections.set(track.id, [...track.sections])
  const chain = await readCheckpoints(part, layout, sections)
  for (const checkpoint of chain?.checkpoints ?? []) {
    for (const [trackId, section] of checkpoint.sections) sections.get(trackId)?.push(section)
  }
  const scan = await scanFragments(part, chain?.endAt ?? layout.tailAt, sections)
  for (const [trackId, section] of scan.sections) sections.get(trackId)?.push(section)
  const checkpoints = chain?.checkpoints.length ?? 0
  return { sections, endAt: scan.endAt, checkpoints, scannedFragments: scan.fragments }
}
