import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { SourceUnit } from './elementary-source.ts'
import { type JudgedFile, type JudgedPacket, judgedFile } from './packet-judge.ts'
import { program } from './programs.ts'
import { assertBalanced, type JudgedSource } from './recording-judge.ts'

/** What a publisher had sent when the server was killed. */
export interface Sent {
  readonly source: JudgedSource
  readonly format: RecordingDocument['format']
  /** Access units per track, video first; more than the source has when it was sent again. */
  readonly counts: readonly number[]
}

/** Counts what was sent, after `times` whole publications before. */
export function sentCounts(units: readonly SourceUnit[], all: readonly SourceUnit[], times = 0): number[] {
  return (['video', 'audio'] as const).map((kind) => {
    const ofKind = (list: readonly SourceUnit[]) => list.filter((unit) => unit.format.kind === kind).length
    return times * ofKind(all) + ofKind(units)
  })
}

/**
 * A file as the kill left it plays to its end, and holds the beginning of what was sent.
 * @returns access units per track, video first
 */
export async function assertPlaysUnrepaired(path: string, sent: Sent): Promise<number[]> {
  if (!existsSync(path)) return sent.counts.map(() => 0)
  const framing = sent.format === 'ts' ? 'bare' : 'as-is'
  const file = await judgedFile(path, framing).catch((error: unknown) => {
    // Of a kill before the first fragment: there is nothing to play yet.
    return { error, durationMs: 0, tracks: [] } satisfies JudgedFile & { error: unknown }
  })
  const counts = await prefixCounts(path, file, sent, 1)
  if (counts.every((count) => count > 0)) await program('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-'])
  return counts
}

/**
 * A recording of a killed server after the restart: finished, with everything it had before, and nothing but the
 * beginning of what was sent.
 * @returns access units per track, video first
 */
export async function assertRecovered(
  recording: RecordingDocument,
  path: string,
  before: readonly number[],
  sent: Sent,
): Promise<number[]> {
  if (recording.state === 'failed') {
    assert.ok(before.includes(0), `${path} had media: ${JSON.stringify(recording)}`)
    assert.equal(recording.error?.code, 'storage/interrupted')
    return sent.counts.map(() => 0)
  }
  assert.equal(recording.state, 'ready')
  const file = await judgedFile(path, sent.format === 'ts' ? 'bare' : 'as-is')
  const counts = await prefixCounts(path, file, sent, 0)
  for (const [track, count] of counts.entries()) {
    assert.ok(count >= (before[track] ?? 0), `${path}: recovery cost media: ${before.join()} → ${counts.join()}`)
  }
  assertBalanced(recording, counts)
  return counts
}

/** Milliseconds of media that were sent and are not in the file: of the track that misses most. */
export async function missingMs({ source, counts }: Sent, inFile: readonly number[]): Promise<number> {
  const { tracks } = await source.file('as-is')
  const missing = tracks.map(({ packets }, track) => {
    const last = (counts[track] ?? 0) - 1
    const lastInFile = (inFile[track] ?? 0) - 1
    return last < 0 ? 0 : atMs(packets, last) - atMs(packets, lastInFile)
  })
  return Math.max(0, ...missing)
}

/** Decode time of the n-th access unit sent, over repeated publications; −1 is one step before the first. */
function atMs(packets: readonly JudgedPacket[], index: number): number {
  const first = packets[0]?.dtsMs ?? 0
  const stepMs = ((packets.at(-1)?.dtsMs ?? 0) - first) / (packets.length - 1)
  if (index < 0) return first - stepMs
  const publication = Math.floor(index / packets.length)
  return (packets[index % packets.length]?.dtsMs ?? 0) + publication * packets.length * stepMs
}

/** @param torn how many packets at the end of each track may be damaged */
async function prefixCounts(path: string, file: JudgedFile, sent: Sent, torn: number): Promise<number[]> {
  const source = await sent.source.file(sent.format === 'ts' ? 'bare' : 'as-is')
  return source.tracks.map(({ kind, packets }) => {
    const read = file.tracks.find((candidate) => candidate.kind === kind)?.packets ?? []
    const different = read.findIndex(({ hash }, index) => hash !== packets[index % packets.length]?.hash)
    const count = different < 0 ? read.length : different
    assert.ok(count >= read.length - torn, `${path}: ${kind} goes wrong at ${count} of ${read.length}`)
    return count
  })
}
