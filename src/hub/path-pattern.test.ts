import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePathPattern, PathPatternError } from './path-pattern.ts'

const CASES = [
  { pattern: '**', matches: ['a', 'live/cam1', 'a/b/c'], misses: [] },
  { pattern: 'live/*', matches: ['live/cam1', 'live/x.y'], misses: ['live', 'live/a/b', 'other/cam1'] },
  { pattern: 'live/**', matches: ['live', 'live/cam1', 'live/a/b'], misses: ['alive/cam1', 'other'] },
  { pattern: '**/cam1', matches: ['cam1', 'live/cam1', 'a/b/cam1'], misses: ['live/cam2', 'cam1/live'] },
  { pattern: 'live/cam*', matches: ['live/cam', 'live/cam12'], misses: ['live/xcam', 'live/cam/1'] },
  { pattern: 'a/**/z/*x', matches: ['a/z/x', 'a/b/z/c/z/yx'], misses: ['a/z/y', 'a/z'] },
  { pattern: '/live/cam.1/', matches: ['live/cam.1'], misses: ['live/camx1'] },
]

for (const { pattern, matches, misses } of CASES) {
  test(`pattern ${pattern}`, () => {
    const compiled = compilePathPattern(pattern)
    for (const path of matches) assert.equal(compiled.matches(path), true, path)
    for (const path of misses) assert.equal(compiled.matches(path), false, path)
  })
}

test('patterns that cannot be meant are refused', () => {
  for (const pattern of ['', '/', 'a//b', 'a**', '**b/c', 'x'.repeat(2000)]) {
    assert.throws(() => compilePathPattern(pattern), PathPatternError, pattern)
  }
})

test('a path matches itself, and hostile patterns stay quick', () => {
  const component = fc.stringMatching(/^[a-z0-9._-]{1,12}$/)
  fc.assert(
    fc.property(fc.array(component, { minLength: 1, maxLength: 6 }), (components) => {
      const path = components.join('/')
      assert.equal(compilePathPattern(path).matches(path), true)
    }),
  )
  assert.equal(compilePathPattern('*a'.repeat(100)).matches(`${'a'.repeat(200)}b`), false)
})
