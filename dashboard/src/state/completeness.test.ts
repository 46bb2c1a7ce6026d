import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LedgerDocument } from '#storage/recording-document.ts'
import { recordingDocument } from '#test/support/dashboard/documents.ts'
import { completeness } from './completeness.ts'

const gap = (fromMs: number) => ({
  track: 0,
  fromMs,
  toMs: fromMs + 1,
  missingMs: 1,
  accessUnits: 0,
  packets: 0,
  cause: 'disk' as const,
  at: '',
})
const track = (lost: number) => ({
  trackId: 1,
  kind: 'video' as const,
  codec: 'h264',
  received: 10,
  written: 10 - lost,
  lost,
})

const CASES: readonly { name: string; ledger: LedgerDocument; text: string; isComplete?: boolean }[] = [
  { name: 'nothing missing', ledger: { tracks: [track(0)], gaps: [] }, text: 'complete', isComplete: true },
  {
    name: 'gaps and losses',
    ledger: { tracks: [track(4), track(8)], gaps: [gap(1), gap(2), gap(3)] },
    text: '3 gaps, 12 lost',
  },
  { name: 'a gap in which nothing arrived', ledger: { tracks: [track(0)], gaps: [gap(1)] }, text: '1 gap' },
  { name: 'a loss without a time', ledger: { tracks: [track(1)], gaps: [] }, text: '1 lost' },
]
for (const { name, ledger, text, isComplete = false } of CASES) {
  test(`completeness: ${name}`, () => {
    assert.deepEqual(completeness(recordingDocument({ id: 'a', ledger })), { isComplete, text })
  })
}
