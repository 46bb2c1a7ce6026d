import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverSources } from './source-files.ts'

const sources = serverSources()

test('modules export names, not a default', () => {
  const found = sources.filter(({ text }) => /^export default\b/m.test(text)).map(({ path }) => path)
  assert.deepEqual(found, [])
})

test('no module keeps state of its own: no top-level let, no top-level cache', () => {
  const found = sources.flatMap(({ path, text }) =>
    [
      ...text.matchAll(
        /^(?:export )?(?:let|var) \w+|^(?:export )?const \w+(?:: [^=]+)? = new (?:Map|Set|WeakMap)(?:<[^>]*>)?\(\)/gm,
      ),
    ].map(([match]) => `${path}: ${match}`),
  )
  // Programs that run in a process or thread of their own are that process's composition root.
  assert.deepEqual(
    found.filter((each) => !/-(?:child|worker)\.ts:/.test(each)),
    [],
  )
})

test('nothing is left for later or unchecked', () => {
  const found = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b|@ts-(?:ignore|nocheck|expect-error)/g)].map(
      ([match]) => `${path}: ${match}`,
    ),
  )
  assert.deepEqual(found, [])
})
