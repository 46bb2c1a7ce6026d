import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { type CutOutlook, Cutter, type TimedAccessUnit } from './cutter.ts'

const video = testVideo()
const audio = testAudio()
const make = unitMaker()

function timed(track: 'v' | 'a', ms: number, key = false): TimedAccessUnit {
  const accessUnit = make(track === 'v' ? video : audio, ms, { key: key || track === 'a' })
  return { accessUnit, dts: accessUnit.dts, pts: accessUnit.pts, isLeading: track === 'v', startsGop: key }
}

/** A cutter that lists what it writes, with `|` where a part begins. */
function listed() {
  let nowMs = 0
  const out: string[] = []
  const cutter = new Cutter(
    {
      write: ({ accessUnit, isLeading, pts }) =>
        out.push(`${isLeading ? 'v' : 'a'}${Math.round((pts * 1000) / accessUnit.format.timescale)}`),
      cut: () => out.push('|'),
    },
    () => nowMs,
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
