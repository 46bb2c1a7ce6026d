import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesBelow, repositoryFile } from './source-files.ts'

const CITATION =
  /\b(ISO\/IEC \d+-\d+|RFC \d+|ITU-T [A-Z]\.\d+(?:\.0)?|ETSI TS \d{3} \d{3}|ATSC A\/\d+|Adobe FLV \d+\.\d|Adobe RTMP 1\.0|Adobe AMF [03]|Enhanced RTMP v[12]|AV1 in ISOBMFF|VP9 in ISOBMFF|AV1 specification|VP9 specification)/g

test('every specification that the source cites is listed', () => {
  const listed = new Set([...repositoryFile('SPECIFICATIONS.md').matchAll(CITATION)].map(([, name]) => name))
  const cited = filesBelow('src', '.ts').flatMap(({ path, text }) =>
    [...text.matchAll(CITATION)].map(([, name]) => ({ path, name })),
  )
  const unknown = cited.filter(({ name }) => !listed.has(name)).map(({ path, name }) => `${path}: ${name}`)
  assert.deepEqual(unknown, [])
})
