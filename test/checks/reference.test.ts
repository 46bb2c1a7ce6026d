import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { ALL_KEYS } from '../../scripts/reference/config-pages.ts'
import { REFERENCE_PAGES } from '../../scripts/reference/pages.ts'
import { keysOf } from '../../src/config/key.ts'
import { loadConfig } from '../../src/config/load.ts'
import { FACADES } from '../../src/facades/declarations.ts'
import { ROOT, repositoryFile } from './source-files.ts'

for (const [path, page] of Object.entries(REFERENCE_PAGES)) {
  test(`${path} is what the source says`, () => {
    assert.equal(repositoryFile(path), page(), 'run npm run reference')
  })
}

test('the sample holds every key, no other, and loads as the defaults', async () => {
  const sample = parse(repositoryFile('tapedeck.sample.yaml'))
  for (const [path, key] of keysOf(ALL_KEYS)) {
    const value = path.split('.').reduce((at, name) => at?.[name], sample)
    assert.deepEqual(value, key.default, path)
  }
  const given = { env: {}, flags: {}, cwd: ROOT, nodeName: 'look', facades: FACADES } as const
  const [fromSample, fromNothing] = await Promise.all([
    loadConfig({ ...given, file: 'tapedeck.sample.yaml' }),
    loadConfig({ ...given, file: undefined, cwd: ROOT }),
  ])
  assert.deepEqual(fromSample.config, fromNothing.config)
})
