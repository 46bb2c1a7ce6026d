import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fourCc } from '#media/flv/four-cc.ts'
import { isPlainVideoTag, parseVideoTag } from '#media/flv/video-tag.ts'
import { PlainVideoTags } from './plain-video-tags.ts'

const legacy = fc.tuple(
  fc.constantFrom(0x17, 0x27, 0x37, 0x57, 0x1c, 0x22),
  fc.constantFrom(0, 1, 2),
  fc.constantFrom(0, 0xff),
  fc.constantFrom(0, 1, 0xff),
  fc.nat(255),
)
const enhanced = fc
  .tuple(fc.constantFrom(0x90, 0x91, 0xa1, 0xa3, 0xd1), fc.constantFrom('avc1', 'hvc1', 'av01', 'vp09', 'none'))
  .map(([first, name]) => {
    const value = fourCc(name)
    return [first, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
  })
const header = fc.tuple(fc.oneof(legacy, enhanced), fc.nat(255)).map(([bytes, time]) => [...bytes, 0, 0, time])

test('a header that came before is read as if it had not', () => {
  const property = fc.property(fc.array(header, { minLength: 1, maxLength: 200 }), (headers) => {
    const tags = new PlainVideoTags()
    for (const bytes of headers.map((each) => Uint8Array.from(each))) {
      assert.ok(isPlainVideoTag(bytes[0] ?? 0))
      assert.deepEqual(tags.read(bytes), parseVideoTag(bytes))
    }
  })
  fc.assert(property)
})

test('what came before costs no new object', () => {
  const tags = new PlainVideoTags()
  const inter = Uint8Array.of(0x27, 1, 0, 0, 33)
  const key = Uint8Array.of(0x17, 1, 0, 0, 0)
  const first = [tags.read(inter), tags.read(key)]
  assert.deepEqual(
    [tags.read(inter), tags.read(key)].map((tag, i) => tag === first[i]),
    [true, true],
  )
})
