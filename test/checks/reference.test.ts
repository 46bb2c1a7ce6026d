import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { REFERENCE_PAGES } from '../../scripts/reference/pages.ts'
import { keysOf } from '../../src/config/key.ts'
import { loadConfig } from '../../src/config/load.ts'
import { CONFIG_KEYS } from '../../src/config/sections/all.ts'
import { ROOT, repositoryFile } from './source-files.ts'

for (const [path, page] of Object.entries(REFERENCE_PAGES)) {
  test(`${path} is what the source says`, () => {
    assert.equal(repositoryFile(path), page(), 'run npm run reference')
  })
}

test('the sample holds every key, no other, and loads as the defaults', async () => {
  const sample = parse(repositoryFile('tapedeck.sample.yaml'))
  for (const [path, key] of keysOf(CONFIG_KEYS)) {
    const value = path.split('.').reduce((at, name) => at?.[name], sample)
    assert.deepEqual(value, key.default, path)
  }
  const given = { env: {}, flags: {}, cwd: ROOT, nodeName: 'look' } as const
  const [fromSample, fromNothing] = await Promise.all([
    loadConfig({ ...given, file: 'tapedeck.sample.yaml' }),
    loadConfig({ ...given, file: undefined, cwd: ROOT }),
  ])
  assert.deepEqual(fromSample.config, fromNothing.config)
})
