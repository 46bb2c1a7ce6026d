import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GapCause, RecordingDocument } from '#storage/recording-document.ts'
import { topLevelBoxes } from './mp4-judges.ts'
import { joinedHashes } from './outside-judges.ts'
import {
  assertPlaysAlone,
  assertSameTimes,
  type Framing,
  type JudgedFile,
  type JudgedPacket,
  judgedFile,
} from './packet-judge.ts'
import { tapedeckCommand } from './tapedeck-command.ts'

/** Most a duration may be off: the last access unit's own duration is a guess of the reader's. */
const DURATION_TOLERANCE_MS = 60

/** What is appended is decoded right after what was there, and so shown later by what its pictures are reordered. */
const JOIN_TOLERANCE_MS = 80

/** Bitstream filters that leave of MPEG-TS, and of the source, what the publisher's payloads held. */
const TS_FILTERS = {
  h264: ['-bsf:v', 'filter_units=remove_types=7-9'],
  h265: ['-bsf:v', 'filter_units=remove_types=32-35'],
  aac: ['-bsf:a', 'aac_adtstoasc'],
} as const
const SOURCE_FILTERS = {
  h264: ['-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=7-9'],
  h265: ['-bsf:v', 'hevc_mp4toannexb,filter_units=remove_types=32-35'],
} as const

/** What a publisher sent, as outside readers see it. Each reading is made once. */
export class JudgedSource {
  readonly path: string
  readonly codecs: readonly string[]
  readonly #files = new Map<Framing, Promise<JudgedFile>>()
  readonly #hashes = new Map<string, Promise<string[]>>()

  constructor(path: string, codecs: readonly string[]) {
    this.path = path
    this.codecs = codecs
  }

  file(framing: Framing): Promise<JudgedFile> {
    const file = this.#files.get(framing) ?? judgedFile(this.path, framing)
    this.#files.set(framing, file)
    return file
  }

  /** ffmpeg's hashes of as many copies in a row, framed for comparison with a container. */
  hashes(times: number, format: RecordingDocument['format']): Promise<string[]> {
    const key = `${times} ${format === 'ts'}`
    const paths = Array.from({ length: times }, () => this.path)
    const filters = format === 'ts' ? filtersFor(this.codecs, SOURCE_FILTERS) : []
    const hashes = this.#hashes.get(key) ?? joinedHashes(paths, filters)
    this.#hashes.set(key, hashes)
    return hashes
  }
}

export interface Expected {
  /** How often the source was sent. */
  readonly times: number
  /** The server was killed: the recording holds the beginning of what was sent. */
  readonly cut: boolean
  /** Of the gaps in the ledger. Default: none. */
  readonly gap?: GapCause
  /** How far the publisher itself moves times, beyond rounding them. Default 0. */
  readonly movedMs?: number
}

/** Where a part lies. */
export function partPaths({ parts }: RecordingDocument): string[] {
  return parts.map((part) => join(part.root, part.path))
}

/** The parts, put together, are what was sent: every byte, at its time, in files that play alone. */
export async function assertRecordingOf(
  recording: RecordingDocument,
  source: JudgedSource,
  expected: Expected,
): Promise<void> {
  const { format } = recording
  const framing = format === 'ts' ? 'bare' : 'as-is'
  const sent = await source.file(framing)
  const taken = sent.tracks.map(() => 0)
  for (const [index, path] of partPaths(recording).entries()) {
    const part = recording.parts[index]
    assert.equal(part?.state, 'ready', path)
    const file = await judgedFile(path, framing)
    assertPlaysAlone(file, path)
    // Of pictures that stop in the middle of reordering, FFmpeg's own duration knows only how many they are.
    assertDuration(expected.cut ? lengthMs(file) : file.durationMs, part.durationMs, path)
    for (const { run, wanted } of runsOf(file, sent, taken, path)) assertSameTimes(run, wanted, path, expected.movedMs)
    if (format === 'mp4') await assertFastStart(path)
  }
  if (expected.cut) {
    for (const count of taken) assert.ok(count > 0, 'every track has its beginning')
  } else {
    const wanted = sent.tracks.map(({ packets }) => packets.length * expected.times)
    assert.deepEqual(taken, wanted, 'access units of each track')
    const toleranceMs = DURATION_TOLERANCE_MS + (expected.times - 1) * JOIN_TOLERANCE_MS
    assertDuration(recording.durationMs, lengthMs(sent) * expected.times, `recording ${recording.id}`, toleranceMs)
    if (isReadByFfmpeg5(format, source.codecs)) {
      const filters = format === 'ts' ? filtersFor(source.codecs, TS_FILTERS) : []
      const joined = await joinedHashes(partPaths(recording), filters)
      assert.deepEqual(joined, await source.hashes(expected.times, format), 'ffmpeg 5.1')
    }
  }
  assertBalanced(recording, taken)
  if (!expected.cut) for (const { lost } of recording.ledger.tracks) assert.equal(lost, 0)
  const causes = new Set(recording.ledger.gaps.map(({ cause }) => cause))
  assert.deepEqual([...causes], expected.gap === undefined ? [] : [expected.gap], JSON.stringify(recording.ledger))
}

/** `tapedeck verify` has nothing to say. */
export async function assertVerified(folder: string, recording: RecordingDocument): Promise<void> {
  const { exitCode, output } = await tapedeckCommand(folder, ['verify', recording.id])
  assert.equal(exitCode, 0, output)
}

interface Run {
  readonly run: readonly (readonly JudgedPacket[])[]
  readonly wanted: readonly (readonly JudgedPacket[])[]
}

/**
 * What a part holds against what was sent, a publication at a time; payloads are compared here.
 * @param taken packets of earlier parts, per track; grows
 */
function* runsOf(file: JudgedFile, sent: JudgedFile, taken: number[], name: string): Generator<Run> {
  const kinds = ({ tracks }: JudgedFile) => tracks.map(({ kind }) => kind)
  assert.deepEqual(kinds(file), kinds(sent), name)
  const at = file.tracks.map(() => 0)
  while (file.tracks.some(({ packets }, track) => (at[track] ?? 0) < packets.length)) {
    const wanted: (readonly JudgedPacket[])[] = []
    const run = file.tracks.map(({ packets }, track) => {
      const all = sent.tracks[track]?.packets ?? []
      const from = (taken[track] ?? 0) % all.length
      const start = at[track] ?? 0
      const piece = packets.slice(start, start + all.length - from)
      const other = all.slice(from, from + piece.length)
      assert.deepEqual(hashes(piece), hashes(other), `${name}: payloads of track ${track} from ${from}`)
      at[track] = start + piece.length
      taken[track] = (taken[track] ?? 0) + piece.length
      wanted.push(other)
      return piece
    })
    yield { run, wanted }
  }
}

const hashes = (packets: readonly JudgedPacket[]) => packets.map(({ hash }) => hash)

function assertDuration(
  actualMs: number,
  expectedMs: number,
  name: string,
  toleranceMs: number = DURATION_TOLERANCE_MS,
): void {
  const offMs = Math.abs(actualMs - expectedMs)
  assert.ok(offMs <= toleranceMs, `${name}: ${actualMs} ms instead of ${expectedMs}`)
}

/** From the first presentation to the end of the last, when last packets last as long as those before. */
function lengthMs({ tracks }: JudgedFile): number {
  const packets = tracks.flatMap((track) => {
    const steps = Math.max(1, track.packets.length - 1)
    const stepMs = ((track.packets.at(-1)?.dtsMs ?? 0) - (track.packets[0]?.dtsMs ?? 0)) / steps
    return track.packets.map(({ ptsMs }) => ({ ptsMs, endMs: ptsMs + stepMs }))
  })
  return Math.max(...packets.map(({ endMs }) => endMs)) - Math.min(...packets.map(({ ptsMs }) => ptsMs))
}

/** Received = written + lost on every track, and the parts hold what was written (video tracks first). */
export function assertBalanced({ ledger }: RecordingDocument, inFiles: readonly number[]): void {
  const written: number[] = []
  for (const kind of ['video', 'audio'] as const) {
    for (const track of ledger.tracks.filter((candidate) => candidate.kind === kind)) {
      assert.equal(track.received, track.written + track.lost, JSON.stringify(ledger))
      written.push(track.written)
    }
  }
  assert.deepEqual(written, inFiles, 'the ledger has what the files have')
}

/** The index comes before the media, and nothing but room is between. */
async function assertFastStart(path: string): Promise<void> {
  const boxes = topLevelBoxes(new Uint8Array(await readFile(path)))
  assert.deepEqual(
    boxes.filter((type) => type !== 'free'),
    ['ftyp', 'moov', 'mdat'],
    path,
  )
}

/** Debian's ffmpeg knows FLV only as Adobe left it. */
function isReadByFfmpeg5(format: RecordingDocument['format'], codecs: readonly string[]): boolean {
  return format !== 'flv' || codecs.every((codec) => ['h264', 'aac', 'mp3'].includes(codec))
}

function filtersFor(codecs: readonly string[], filters: Readonly<Record<string, readonly string[]>>): string[] {
  return codecs.flatMap((codec) => filters[codec] ?? [])
}
