import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverSources } from './source-files.ts'

/** Promise 10: facades translate, the core decides. */
const VENDORS = /flashphoner|evostream|wowza|nanostream|openvidu|agora/i

test("no vendor's word appears outside src/facades", () => {
  const found = serverSources().filter(({ path, text }) => !path.startsWith('src/facades/') && VENDORS.test(text))
  assert.deepEqual(
    found.map(({ path }) => path),
    [],
  )
})
