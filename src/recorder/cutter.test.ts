import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TrackFormat } from '#media/track.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { type CutOutlook, Cutter, type TimedAccessUnit } from './cutter.ts'

const video = testVideo()
const audio = testAudio()
const otherVideo = testVideo({ widthPixels: 640 })
const otherAudio = testAudio({ channels: 1 })
const make = unitMaker()

function timed(track: 'v' | 'a', ms: number, key = false, changed = false): TimedAccessUnit {
  const [format, other] = track === 'v' ? [video, otherVideo] : [audio, otherAudio]
  const accessUnit = make(changed ? other : format, ms, { key: key || track === 'a' })
  return { accessUnit, dts: accessUnit.dts, pts: accessUnit.pts, isLeading: track === 'v', startsGop: key }
}

/** A cutter that lists what it writes, with `|` where a part begins. */
function listed({ isExact = false } = {}) {
  let nowMs = 0
  const out: string[] = []
  /** A part takes one format of each track. */
  let formats = new Map<number, TrackFormat>()
  const cutter = new Cutter(
    {
      accepts: ({ accessUnit: { format } }) => {
        if (!formats.has(format.trackId)) formats.set(format.trackId, format)
        return formats.get(format.trackId) === format
      },
      write: ({ accessUnit, isLeading, pts }) =>
        out.push(`${isLeading ? 'v' : 'a'}${Math.round((pts * 1000) / accessUnit.format.timescale)}`),
      cut: () => {
        out.push('|')
        formats = new Map()
      },
    },
    () => nowMs,
    isExact,
  )
  return { cutter, out, advance: (ms: number) => (nowMs += ms) }
}

test('without a cut in sight everything passes at once', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0), timed('a', 500), timed('v', 40)]) cutter.push(unit, 'never')
  assert.deepEqual(out, ['v0', 'a0', 'a500', 'v40'])
  assert.equal(cutter.heldBytes, 0)
})

test('audio ahead of the cut waits for it and goes to the new part', () => {
  const { cutter, out } = listed()
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('v', 40), 'due')
  cutter.push(timed('a', 60), 'due')
  cutter.push(timed('a', 80), 'due')
  cutter.push(timed('a', 100), 'due')
  cutter.push(timed('v', 80, true), 'due')
  cutter.push(timed('v', 120), 'never')
  assert.deepEqual(out, ['v0', 'v40', 'a60', '|', 'v80', 'a80', 'a100', 'v120'])
})

test('an exact cut is at the access unit where it is due, and sound divides where that is decoded', () => {
  const { cutter, out } = listed({ isExact: true })
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('a', 0), 'never')
  cutter.push(timed('v', 40), 'possible')
  cutter.push(timed('a', 70), 'possible')
  cutter.push(timed('a', 90), 'possible')
  cutter.push(timed('v', 80), 'due')
  cutter.push(timed('v', 120), 'never')
  assert.deepEqual(out, ['v0', 'a0', 'v40', 'a70', '|', 'v80', 'a90', 'v120'])
  // Asked for without warning, sound that was written already keeps it waiting.
  cutter.push(timed('a', 190), 'never')
  cutter.push(timed('v', 160), 'due')
  cutter.push(timed('v', 200), 'due')
  cutter.push(timed('a', 210), 'due')
  assert.deepEqual(out.slice(8), ['a190', 'v160', '|', 'v200', 'a210'])
})

test('audio behind the cut still reaches the old part', () => {
  const { cutter, out } = listed()
  cutter.push(timed('a', 0), 'never')
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('v', 80, true), 'due')
  cutter.push(timed('v', 120), 'never')
  cutter.push(timed('a', 40), 'never')
  cutter.push(timed('a', 79), 'never')
  cutter.push(timed('a', 80), 'never')
  assert.deepEqual(out, ['a0', 'v0', 'a40', 'a79', '|', 'v80', 'v120', 'a80'])
})

test('audio already written past the point puts the cut off to the next GOP', () => {
  const { cutter, out } = listed()
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('a', 90), 'never')
  cutter.push(timed('v', 80, true), 'due')
  cutter.push(timed('v', 160, true), 'due')
  cutter.push(timed('a', 170), 'never')
  assert.deepEqual(out, ['v0', 'a90', 'v80', '|', 'v160', 'a170'])
})

test('a track that has ended is not waited for', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 20)]) cutter.push(unit, 'never')
  cutter.push(timed('v', 80, true), 'due')
  assert.deepEqual(out, ['v0', 'a20'], 'the audio may still bring what belongs before')
  cutter.endTrack(audio.trackId)
  assert.deepEqual(out, ['v0', 'a20', '|', 'v80'])
  cutter.push(timed('v', 120), 'due')
  cutter.push(timed('v', 160, true), 'due')
  assert.deepEqual(out.slice(4), ['v120', '|', 'v160'])
})

test('a track that has ended is not waited for, though what it brought is written later', () => {
  const { cutter, out } = listed()
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('a', 20), 'due')
  cutter.endTrack(audio.trackId)
  cutter.push(timed('v', 40), 'due')
  cutter.push(timed('v', 80, true), 'due')
  assert.deepEqual(out, ['v0', 'v40', 'a20', '|', 'v80'])
  cutter.push(timed('a', 90), 'never')
  cutter.push(timed('v', 160, true), 'due')
  assert.deepEqual(out.slice(5), ['a90'], 'it is back')
})

test('a stalled track is waited for two seconds, no longer', () => {
  const { cutter, out, advance } = listed()
  cutter.push(timed('a', 0), 'never')
  cutter.push(timed('v', 0, true), 'never')
  cutter.push(timed('v', 80, true), 'due')
  cutter.push(timed('v', 120), 'never')
  advance(1_900)
  cutter.tick()
  assert.deepEqual(out, ['a0', 'v0'])
  advance(200)
  cutter.tick()
  assert.deepEqual(out, ['a0', 'v0', '|', 'v80', 'v120'])
})

test('new video begins a part of its own, and audio of the time before still reaches the old one', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0), timed('v', 40)]) cutter.push(unit, 'never')
  cutter.push(timed('v', 80, true, true), 'never')
  cutter.push(timed('a', 60), 'never')
  cutter.push(timed('v', 120, false, true), 'never')
  cutter.push(timed('a', 80), 'never')
  assert.deepEqual(out, ['v0', 'a0', 'v40', 'a60', '|', 'v80', 'v120', 'a80'])
})

test('new video cuts though audio was written past it: no cut could be foreseen', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0), timed('a', 90)]) cutter.push(unit, 'never')
  cutter.push(timed('v', 80, true, true), 'never')
  cutter.push(timed('a', 110), 'never')
  assert.deepEqual(out, ['v0', 'a0', 'a90', '|', 'v80', 'a110'])
})

test('new audio waits for a GOP to begin a part with, and video goes on until then', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0)]) cutter.push(unit, 'never')
  cutter.push(timed('a', 20, false, true), 'never')
  cutter.push(timed('v', 40), 'never')
  cutter.push(timed('a', 40, false, true), 'never')
  cutter.push(timed('v', 80, true), 'never')
  cutter.push(timed('a', 60, false, true), 'never')
  assert.deepEqual(out, ['v0', 'a0', 'v40', '|', 'v80', 'a20', 'a40', 'a60'])
})

test('new audio waits ten seconds for a GOP, no longer', () => {
  const { cutter, out, advance } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0)]) cutter.push(unit, 'never')
  cutter.push(timed('a', 20, false, true), 'never')
  advance(9_900)
  cutter.tick()
  assert.deepEqual(out, ['v0', 'a0'])
  advance(200)
  cutter.tick()
  cutter.push(timed('v', 40), 'never')
  assert.deepEqual(out, ['v0', 'a0', '|', 'a20', 'v40'])
})

test('a format that changes twice before its cut makes two', () => {
  const { cutter, out } = listed()
  for (const unit of [timed('v', 0, true), timed('a', 0)]) cutter.push(unit, 'never')
  cutter.push(timed('v', 40, true, true), 'never')
  cutter.push(timed('v', 80, true), 'never')
  cutter.push(timed('a', 100), 'never')
  cutter.flush()
  assert.deepEqual(out, ['v0', 'a0', '|', 'v40', '|', 'v80', 'a100'])
})

test('a flush at the end leaves nothing behind, whatever changes in what is held', () => {
  const step = fc.record({
    track: fc.constantFrom('v' as const, 'a' as const),
    key: fc.boolean(),
    changed: fc.boolean(),
    outlook: fc.constantFrom<CutOutlook>('never', 'possible', 'due'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { cutter, out } = listed()
      const next = { v: 0, a: 0 }
      const sent: Record<'v' | 'a', string[]> = { v: [], a: [] }
      for (const { track, key, changed, outlook } of steps) {
        const ms = next[track]
        next[track] += track === 'v' ? 40 : 20
        sent[track].push(`${track}${ms}`)
        cutter.push(timed(track, ms, track === 'v' && key, changed), outlook)
      }
      cutter.flush()
      assert.equal(cutter.heldBytes, 0)
      for (const track of ['v', 'a'] as const) {
        assert.deepEqual(
          out.filter((entry) => entry.startsWith(track)),
          sent[track],
        )
      }
    }),
  )
})

test('however tracks interleave, nothing is lost or reordered, and every part begins with a GOP', () => {
  const outlook = fc.constantFrom<CutOutlook>('never', 'possible', 'due')
  const scenario = fc.array(fc.record({ lead: fc.integer({ min: 0, max: 4 }), outlook }), {
    minLength: 5,
    maxLength: 60,
  })
  fc.assert(
    fc.property(scenario, (steps) => {
      const { cutter, out } = listed()
      let audioMs = 0
      const sent: string[] = []
      steps.forEach(({ lead, outlook }, index) => {
        const videoMs = index * 40
        // Audio runs up to `lead` access units ahead of video.
        for (; audioMs <= videoMs + lead * 20; audioMs += 20) {
          sent.push(`a${audioMs}`)
          cutter.push(timed('a', audioMs), outlook)
        }
        sent.push(`v${videoMs}`)
        cutter.push(timed('v', videoMs, index % 4 === 0), outlook)
      })
      cutter.flush()
      for (const track of ['a', 'v']) {
        const wrote = out.filter((entry) => entry.startsWith(track))
        assert.deepEqual(
          wrote,
          sent.filter((entry) => entry.startsWith(track)),
        )
      }
      const parts = out
        .join(' ')
        .split('|')
        .map((part) =>
          part
            .trim()
            .split(' ')
            .filter((entry) => entry !== ''),
        )
      parts.slice(1).forEach((part, index) => {
        const begin = Number(part[0]?.slice(1))
        assert.equal(part[0]?.charAt(0), 'v')
        assert.equal(begin % 160, 0)
        for (const entry of part.filter((e) => e.startsWith('a'))) assert.ok(Number(entry.slice(1)) >= begin)
        for (const entry of parts[index]?.filter((e) => e.startsWith('a')) ?? [])
          assert.ok(Number(entry.slice(1)) < begin)
      })
    }),
  )
})
