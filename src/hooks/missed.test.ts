import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { missedEvents } from './missed.ts'
import type { ToldRecording } from './outbox/stored.ts'

const two = [partSample(), partSample({ index: 2, path: 'live/b.mp4' })]
const waiting = { state: 'waiting', startedAt: null, endedAt: null, parts: [] } as const
const told = (state: string, openedParts: number[] = [], readyParts: number[] = []): ToldRecording => {
  return { recording: 'r1', state, openedParts, readyParts }
}

const CASES: readonly {
  name: string
  recording: Partial<RecordingDocument>
  told: ToldRecording | undefined
  missed: string[]
}[] = [
  {
    name: 'nothing was told of a whole recording',
    recording: { parts: two },
    told: undefined,
    missed: [
      'recording.waiting',
      'part.opened 1',
      'recording.started',
      'part.ready 1',
      'part.opened 2',
      'part.ready 2',
      'recording.ready',
    ],
  },
  { name: 'all was told', recording: { parts: two }, told: told('ready', [1, 2], [1, 2]), missed: [] },
  {
    name: 'the end was not',
    recording: { parts: two },
    told: told('finishing', [1, 2], [1]),
    missed: ['part.ready 2', 'recording.ready'],
  },
  { name: 'it waits, and nobody knows', recording: waiting, told: undefined, missed: ['recording.waiting'] },
  { name: 'it waits, as told', recording: waiting, told: told('waiting'), missed: [] },
  {
    name: 'what is open is left to recovery',
    recording: { state: 'recording', parts: [partSample(), partSample({ index: 2, state: 'open' })] },
    told: told('started', [1], []),
    missed: ['part.ready 1', 'part.opened 2'],
  },
  {
    name: 'a part without a file yet is none',
    recording: { state: 'recording', parts: [partSample({ path: '', state: 'open' })] },
    told: told('started'),
    missed: [],
  },
  {
    name: 'it failed before anything was recorded',
    recording: { ...waiting, state: 'failed' },
    told: told('waiting'),
    missed: ['recording.failed'],
  },
  {
    name: 'it went on after its end and ended again, of which the outbox was told before the catalog',
    recording: { state: 'recording', parts: two },
    told: told('ready', [1, 2], [1, 2]),
    missed: [],
  },
]
for (const { name, recording, told, missed } of CASES) {
  test(name, () => {
    const events = missedEvents(recordingSample(recording), told)
    assert.deepEqual(
      events.map(({ type, part }) => (part === undefined ? type : `${type} ${part.index}`)),
      missed,
    )
  })
}
