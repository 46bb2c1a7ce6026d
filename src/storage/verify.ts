import { stat } from 'node:fs/promises'
import { errorMessage } from '#base/error.ts'
import type { Container, ContainerName, PartInspection } from '#containers/container.ts'
import { resolveInRoot } from './confine.ts'
import { digestFile } from './digest.ts'
import { systemCode } from './errors.ts'
import { openPartForReading } from './part-files.ts'
import {
  type LedgerDocument,
  type PartDocument,
  partFormat,
  type RecordingDocument,
  receivedUnits,
} from './recording-document.ts'

/** Something a recording claims that its files, or its own numbers, contradict. `message` is a sentence for people. */
export type Finding = { readonly message: string } & (
  | {
      readonly kind: 'ledger-unbalanced'
      readonly trackId: number
      readonly received: number
      readonly written: number
      readonly lost: number
    }
  | { readonly kind: 'loss-unexplained'; readonly lost: number; readonly inGaps: number }
  | { readonly kind: 'ledger-differs'; readonly trackId: number; readonly written: number; readonly inParts: number }
  | { readonly kind: 'not-final'; readonly state: string }
  | { readonly kind: 'part-damaged' | 'file-missing' | 'part-unfinished'; readonly part: number; readonly path: string }
  | { readonly kind: 'file-unreadable'; readonly part: number; readonly path: string; readonly reason: string }
  | {
      readonly kind: 'size-differs' | 'torn-bytes'
      readonly part: number
      readonly expected: number
      readonly found: number
    }
  | {
      readonly kind: 'access-units-differ' | 'payload-bytes-differ'
      readonly part: number
      readonly trackId: number
      readonly expected: number
      readonly found: number
    }
  | { readonly kind: 'hash-differs'; readonly part: number; readonly expected: string; readonly found: string }
)

/** What a part's file really is. */
export interface PartFacts {
  readonly bytes: number
  readonly inspection: PartInspection
  /** Undefined when it was not asked for. */
  readonly sha256: string | undefined
}

/** Looks at a part's file; undefined when there is none. */
export type PartInspector = (part: PartDocument, format: ContainerName) => Promise<PartFacts | undefined>

/** Checks a finished recording against its files (promise 2). No findings: everything it says is true. */
export async function verifyRecording(
  recording: RecordingDocument,
  inspect: PartInspector,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  if (recording.state !== 'ready' && recording.state !== 'failed') {
    findings.push({
      kind: 'not-final',
      state: recording.state,
      message: `the recording is ${recording.state}: stop it first`,
    })
  }
  findings.push(...checkLedger(recording.ledger), ...checkWritten(recording))
  for (const part of recording.parts) findings.push(...(await checkPart(part, partFormat(recording, part), inspect)))
  return findings
}

/** Inspects files on disk with their containers; hashes those that have a hash to compare with. */
export function diskInspector(
  containers: Readonly<Record<ContainerName, Container>>,
  signal: AbortSignal,
): PartInspector {
  return async (part, format) => {
    const path = await resolveInRoot(part.root, part.path)
    try {
      await stat(path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
    }
    await using file = await openPartForReading(path)
    const inspection = await containers[format].inspect(file)
    const sha256 = part.sha256 === null ? undefined : await digestFile(path, { signal, bytesPerSecond: Infinity })
    return { bytes: file.sizeBytes, inspection, sha256 }
  }
}

function checkLedger({ tracks, gaps }: LedgerDocument): readonly Finding[] {
  const findings: Finding[] = []
  for (const { trackId, received, written, lost } of tracks) {
    if (received === written + lost) continue
    const message = `track ${trackId}: ${received} access units received, but ${written} written and ${lost} lost`
    findings.push({ kind: 'ledger-unbalanced', trackId, received, written, lost, message })
  }
  // Over all tracks, since a gap of all tracks (0) may carry losses of each.
  const lost = sum(tracks.map((track) => track.lost))
  const inGaps = sum(gaps.map((gap) => gap.accessUnits))
  if (lost !== inGaps) {
    findings.push({
      kind: 'loss-unexplained',
      lost,
      inGaps,
      message: `${lost} access units are lost, the gaps explain ${inGaps}`,
    })
  }
  return findings
}

/** What the ledger says is written must be what the parts say they hold. */
function checkWritten({ ledger, parts }: RecordingDocument): readonly Finding[] {
  const findings: Finding[] = []
  for (const { trackId, written } of ledger.tracks) {
    const inParts = sum(
      parts.flatMap(({ tracks }) => tracks.filter((track) => track.trackId === trackId)).map(receivedUnits),
    )
    if (written === inParts) continue
    const message = `track ${trackId}: the ledger has ${written} access units written, the parts ${inParts}`
    findings.push({ kind: 'ledger-differs', trackId, written, inParts, message })
  }
  return findings
}

async function checkPart(
  part: PartDocument,
  format: ContainerName,
  inspect: PartInspector,
): Promise<readonly Finding[]> {
  const { index, path } = part
  const findings: Finding[] = []
  if (part.state === 'damaged') {
    findings.push({ kind: 'part-damaged', part: index, path, message: `part ${index} (${path}) could not be finished` })
  }
  let facts: PartFacts | undefined
  try {
    facts = await inspect(part, format)
  } catch (error) {
    const reason = errorMessage(error)
    return [
      ...findings,
      { kind: 'file-unreadable', part: index, path, reason, message: `part ${index} (${path}): ${reason}` },
    ]
  }
  if (facts === undefined) {
    return [...findings, { kind: 'file-missing', part: index, path, message: `part ${index} (${path}) is not there` }]
  }
  return [...findings, ...checkFile(part, facts), ...checkTracks(part, facts.inspection)]
}

function checkFile(part: PartDocument, { bytes, inspection, sha256 }: PartFacts): readonly Finding[] {
  const { index, path } = part
  const findings: Finding[] = []
  if (part.state === 'ready' && !inspection.finished) {
    findings.push({
      kind: 'part-unfinished',
      part: index,
      path,
      message: `part ${index} (${path}) has no final index: run repair`,
    })
  }
  if (bytes !== part.bytes) {
    const message = `part ${index}: ${bytes} bytes instead of ${part.bytes}`
    findings.push({ kind: 'size-differs', part: index, expected: part.bytes, found: bytes, message })
  }
  if (inspection.tornBytes !== 0) {
    const message = `part ${index}: ${inspection.tornBytes} bytes at the end belong to nothing whole`
    findings.push({ kind: 'torn-bytes', part: index, expected: 0, found: inspection.tornBytes, message })
  }
  if (sha256 !== undefined && part.sha256 !== null && sha256 !== part.sha256) {
    const message = `part ${index}: its SHA-256 is ${sha256} instead of ${part.sha256}`
    findings.push({ kind: 'hash-differs', part: index, expected: part.sha256, found: sha256, message })
  }
  return findings
}

function checkTracks(part: PartDocument, inspection: PartInspection): readonly Finding[] {
  const { index } = part
  const findings: Finding[] = []
  const trackIds = new Set([...part.tracks, ...inspection.tracks].map(({ trackId }) => trackId))
  for (const trackId of trackIds) {
    const expected = part.tracks.find((track) => track.trackId === trackId)
    const found = inspection.tracks.find((track) => track.trackId === trackId)
    for (const [kind, field, unit] of COMPARED) {
      const [wanted, seen] = [expected?.[field] ?? 0, found?.[field] ?? 0]
      if (wanted === seen) continue
      const message = `part ${index}, track ${trackId}: ${seen} ${unit} instead of ${wanted}`
      findings.push({ kind, part: index, trackId, expected: wanted, found: seen, message })
    }
  }
  return findings
}

const COMPARED = [
  ['access-units-differ', 'accessUnits', 'access units'],
  ['payload-bytes-differ', 'payloadBytes', 'payload bytes'],
] as const

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
