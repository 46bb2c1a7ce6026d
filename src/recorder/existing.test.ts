import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { withoutPart } from './existing.ts'

const first = partSample()
const second = partSample({ index: 2, path: 'live/cam1/x_part0002.mp4', startMs: 2_000 })

test('the last part that is replaced takes the recording with it', () => {
  assert.equal(withoutPart(recordingSample({ parts: [first] }), first), undefined)
})

test('any other leaves a recording whose account is that of the parts that remain', () => {
  const tracks = recordingSample().ledger.tracks.map((track) => {
    return { ...track, received: track.received + track.written, written: track.written * 2 }
  })
  const recording = recordingSample({ parts: [first, second], bytes: 8_642, ledger: { tracks, gaps: [] } })
  const left = withoutPart(recording, { root: second.root, path: second.path })
  assert.deepEqual(left?.parts, [first])
  assert.equal(left?.bytes, first.bytes)
  assert.deepEqual(left?.ledger.tracks, recordingSample().ledger.tracks)
})

test('a part that is not the recording’s changes nothing', () => {
  const recording = recordingSample({ parts: [first, second], bytes: first.bytes + second.bytes })
  assert.deepEqual(withoutPart(recording, { root: '/elsewhere', path: first.path }), recording)
})
