import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, formatBitrate, formatBytes, formatDuration, formatMoment, formatSpan, isoDuration } from './format.ts'

const SIZES: readonly [number, string][] = [
  [0, '0 B'],
  [17, '17 B'],
  [999, '999 B'],
  [999.7, '1 kB'],
  [1000, '1 kB'],
  [2_410_000, '2.41 MB'],
  [24_100_000, '24.1 MB'],
  [128_400_000_000, '128 GB'],
  [999_600, '1 MB'],
  [5e18, '5000 PB'],
  [-1, '0 B'],
]
for (const [bytes, text] of SIZES) test(`size of ${bytes} bytes`, () => assert.equal(formatBytes(bytes), text))

test('bitrates, and a dash before the first measurement', () => {
  assert.equal(formatBitrate(2_500_000), '2.5 Mbit/s')
  assert.equal(formatBitrate(640_000), '640 kbit/s')
  assert.equal(formatBitrate(0), '–')
})

const DURATIONS: readonly [number, string][] = [
  [-5, '0:00'],
  [0, '0:00'],
  [7_999, '0:07'],
  [754_000, '12:34'],
  [3_723_000, '1:02:03'],
  [100 * 3_600_000, '100:00:00'],
]
const SPANS = [
  [0.5, '0.5 s'],
  [90, '90 s'],
  [120, '2 min'],
  [3600, '1 h'],
  [5400, '90 min'],
] as const
for (const [seconds, text] of SPANS) test(`span of ${seconds} s`, () => assert.equal(formatSpan(seconds), text))

for (const [ms, text] of DURATIONS) test(`duration of ${ms} ms`, () => assert.equal(formatDuration(ms), text))

test('durations for machines', () => assert.equal(isoDuration(754_900), 'PT754S'))

test('a moment of today has no date, another has, neither breaks on nonsense', () => {
  const nowMs = Date.parse('2026-11-20T12:00:00Z')
  assert.equal(formatMoment('2026-11-20T09:05:00Z', nowMs, 'en-GB', 'UTC'), 'today, 09:05')
  assert.equal(formatMoment('2026-11-19T23:59:00Z', nowMs, 'en-GB', 'UTC'), '19 Nov 2026, 23:59')
  assert.equal(formatMoment('never', nowMs), 'never')
})

test('counts agree with their nouns', () => {
  assert.equal(count(1, 'gap'), '1 gap')
  assert.equal(count(0, 'gap'), '0 gaps')
  assert.equal(count(1204, 'lost', 'lost'), '1,204 lost')
})
