import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingDocument } from '#test/support/dashboard/documents.ts'
import { type ActiveRecordings, elapsedMs, withListing, withRecording } from './active-recordings.ts'

const recording = (id: string, change = {}) =>
  recordingDocument({ id, state: 'recording', durationMs: 10_000, ...change })
const NONE: ActiveRecordings = new Map()
const LISTED = { states: ['recording'], askedAtMs: 100 }

test('an event puts a recording in, its end takes it out, a finished stranger changes nothing', () => {
  const one = withRecording(NONE, recording('a'), 5)
  assert.deepEqual([...one.keys()], ['a'])
  assert.equal(withRecording(one, recording('b', { state: 'ready' }), 6), one)
  assert.equal(withRecording(one, recording('a', { state: 'ready' }), 6).size, 0)
})

test('a listing replaces what it is about and leaves other states alone', () => {
  let active = withRecording(NONE, recording('gone'), 1)
  active = withRecording(active, recording('waiting', { state: 'waiting' }), 1)
  const next = withListing(active, { ...LISTED, recordings: [recording('new')] }, new Map(), 110)
  assert.deepEqual([...next.keys()].sort(), ['new', 'waiting'])
})

test('an event that came while a listing was on its way knows better', () => {
  const active = withRecording(NONE, recording('started'), 105)
  const told = new Map([
    ['started', 105],
    ['stopped', 106],
  ])
  const next = withListing(active, { ...LISTED, recordings: [recording('stopped')] }, told, 110)
  assert.deepEqual([...next.keys()], ['started'])
})

test('elapsed time runs on between answers, and stands with the recording', () => {
  assert.equal(elapsedMs({ recording: recording('a'), seenAtMs: 1_000 }, 3_500, true), 12_500)
  assert.equal(elapsedMs({ recording: recording('a'), seenAtMs: 1_000 }, 3_500, false), 10_000)
  const impaired = recording('a', { error: { code: 'storage/disk-full', message: '' } })
  assert.equal(elapsedMs({ recording: impaired, seenAtMs: 1_000 }, 3_500, true), 10_000)
  assert.equal(elapsedMs({ recording: recording('a', { state: 'waiting' }), seenAtMs: 1_000 }, 3_500, true), 10_000)
})
