import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import type { PartDocument, RecordingDocument } from './recording-document.ts'
import { type PartFacts, verifyRecording } from './verify.ts'

/** A file that is as the part says, but for some changes. */
function facts(
  part: PartDocument,
  changes: Partial<PartFacts['inspection']> & { fileBytes?: number; sha256?: string } = {},
): PartFacts {
  const { fileBytes = part.bytes, sha256, ...inspection } = changes
  const tracks = part.tracks.map(({ trackId, accessUnits, payloadBytes }) => {
    return {
      trackId,
      codec: trackId === 1 ? ('h264' as const) : ('aac' as const),
      accessUnits,
      payloadBytes,
      startMs: 0,
      endMs: 2000,
    }
  })
  return {
    bytes: fileBytes,
    sha256,
    inspection: { durationMs: part.durationMs, bytes: fileBytes, tracks, finished: true, tornBytes: 0, ...inspection },
  }
}

const part = partSample()
const hashed = partSample({ sha256: 'a'.repeat(64) })
const video = { trackId: 1, kind: 'video', codec: 'h264' } as const
const audio = { trackId: 2, kind: 'audio', codec: 'aac', received: 94, written: 94, lost: 0 } as const
const { gaps } = recordingSample().ledger

interface Case {
  readonly name: string
  readonly recording?: Partial<RecordingDocument>
  readonly file?: PartFacts | undefined | Error
  readonly finds: readonly string[]
}

const CASES: readonly Case[] = [
  { name: 'all true', finds: [] },
  { name: 'hash agrees', recording: { parts: [hashed] }, file: facts(hashed, { sha256: 'a'.repeat(64) }), finds: [] },
  {
    name: 'hash differs',
    recording: { parts: [hashed] },
    file: facts(hashed, { sha256: 'b'.repeat(64) }),
    finds: ['hash-differs'],
  },
  { name: 'file missing', file: undefined, finds: ['file-missing'] },
  { name: 'file unreadable', file: new Error('EIO'), finds: ['file-unreadable'] },
  { name: 'file shorter', file: facts(part, { fileBytes: 4000 }), finds: ['size-differs'] },
  {
    name: 'torn tail',
    file: facts(part, { tornBytes: 12, finished: false }),
    finds: ['part-unfinished', 'torn-bytes'],
  },
  {
    name: 'track gone',
    file: facts(part, { tracks: facts(part).inspection.tracks.slice(1) }),
    finds: ['access-units-differ', 'payload-bytes-differ'],
  },
  { name: 'still recording', recording: { state: 'recording' }, finds: ['not-final'] },
  { name: 'damaged part', recording: { parts: [{ ...part, state: 'damaged' }] }, finds: ['part-damaged'] },
  {
    name: 'unbalanced',
    recording: { ledger: { tracks: [{ ...video, received: 54, written: 50, lost: 3 }, audio], gaps } },
    finds: ['ledger-unbalanced'],
  },
  {
    name: 'losses without a cause',
    recording: { ledger: { tracks: [{ ...video, received: 53, written: 50, lost: 3 }, audio], gaps: [] } },
    finds: ['loss-unexplained'],
  },
  {
    name: 'more written than there is',
    recording: { ledger: { tracks: [{ ...video, received: 54, written: 51, lost: 3 }, audio], gaps } },
    finds: ['ledger-differs'],
  },
]

for (const { name, recording, finds, ...rest } of CASES) {
  test(`verify: ${name}`, async () => {
    const findings = await verifyRecording(recordingSample(recording), async (part) => {
      const file = 'file' in rest ? rest.file : facts(part)
      if (file instanceof Error) throw file
      return file
    })
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      finds,
    )
    for (const { message } of findings) assert.ok(message.length > 10)
  })
}
