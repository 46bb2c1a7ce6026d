import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adoptedPath } from './adoption.ts'
import { RequestInvalidError } from './errors.ts'

for (const [name, path] of [
  ['clip.webm', 'live/cam1/clip'],
  ['clip', 'live/cam1/clip'],
  ['v1.5', 'live/cam1/v1.5'],
  ['day/clip.MP4', 'live/cam1/day/clip'],
  ['{stream}.mp4', 'live/cam1/{stream}'],
  ['a.b.c', 'live/cam1/a.b'],
] as const) {
  test(`${name} goes to ${path}`, () => assert.equal(adoptedPath('live/cam1', name), path))
}

for (const name of [
  '',
  '..',
  '../x',
  'a/../../x',
  '/etc/passwd',
  'a//b',
  'a\0b',
  'a\nb',
  '.',
  './a',
  'x'.repeat(2_000),
]) {
  test(`${JSON.stringify(name.slice(0, 20))} is no name`, () =>
    assert.throws(() => adoptedPath('live/cam1', name), RequestInvalidError))
}
