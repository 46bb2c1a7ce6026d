import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attachment } from './content-disposition.ts'

const CASES = [
  { name: 'cam1.mp4', header: `attachment; filename="cam1.mp4"; filename*=UTF-8''cam1.mp4` },
  {
    name: 'RFC 5987 §3.2.2: € rates',
    header: `attachment; filename="RFC 5987 _3.2.2: _ rates"; filename*=UTF-8''RFC%205987%20%C2%A73.2.2%3A%20%E2%82%AC%20rates`,
  },
  { name: 'a"b\\c%d', header: `attachment; filename="a_b_c_d"; filename*=UTF-8''a%22b%5Cc%25d` },
  { name: "it's (1)*", header: `attachment; filename="it's (1)*"; filename*=UTF-8''it%27s%20%281%29%2A` },
]

for (const { name, header } of CASES) test(`attachment ${name}`, () => assert.equal(attachment(name), header))

test('no name can end the header or begin another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const header = attachment(name)
      assert.match(header, /^attachment; filename="[^"\\]*"; filename\*=UTF-8''[A-Za-z0-9!_.~%-]*$/)
      assert.doesNotMatch(header, /[^\x20-\x7e]/)
    }),
  )
})
