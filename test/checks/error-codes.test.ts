import assert from 'node:assert/strict'
import { test } from 'node:test'
import { repositoryFile, serverSources } from './source-files.ts'

const CODE = /\breadonly code(?:: string)? = '([^']+)'/g

test('every error code of the source is in the reference, and none besides', () => {
  const inSource = new Set(serverSources().flatMap(({ text }) => [...text.matchAll(CODE)].map(([, code = '']) => code)))
  inSource.add('internal/unexpected') // errorCode() of foreign errors
  const page = repositoryFile('docs/reference/errors.md')
  const inPage = new Set([...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code = '']) => code))
  assert.deepEqual([...inPage].sort(), [...inSource].sort())
})

test('codes are area/what-happened', () => {
  for (const { path, text } of serverSources()) {
    for (const [, code = ''] of text.matchAll(CODE)) assert.match(code, /^[a-z0-9]+\/[a-z0-9-]+$/, path)
  }
})

test('every error class has a literal code', () => {
  const bare = serverSources().flatMap(({ path, text }) =>
    [...text.matchAll(/^export class (\w+Error) extends \w*Error \{([\s\S]*?)^\}/gm)]
      .filter(([, , body = '']) => !/\bcode(?:: string)? = '/.test(body))
      .map(([, name]) => `${path}: ${name}`),
  )
  assert.deepEqual(bare, [])
})
