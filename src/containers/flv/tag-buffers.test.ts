import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '#media/bytes.ts'
import { TagType, tagBytes } from './tag.ts'
import { TagBuffers } from './tag-buffers.ts'

test('batches of any size hold their tags, wherever a slab ends', () => {
  // Mostly small payloads, which share a slab with their headers, and enough of them to fill several.
  const payloadBytes = fc.integer({ min: 0, max: 1100 })
  const headerBytes = fc.integer({ min: 0, max: 20 })
  const batch = fc.array(fc.tuple(headerBytes, payloadBytes), { minLength: 60, maxLength: 200 })
  const batches = fc.array(batch, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(batches, (sizes) => {
      const buffers = new TagBuffers()
      let fill = 0
      for (const tags of sizes) {
        const expected: Uint8Array[] = []
        for (const [header, payload] of tags) {
          fill = (fill % 255) + 1
          const bytes = new Uint8Array(header + payload).fill(fill)
          buffers.tag(TagType.video, fill, bytes.subarray(0, header), bytes, header, payload)
          expected.push(tagBytes(TagType.video, fill, bytes))
        }
        const whole = concatBytes(expected)
        assert.equal(buffers.pendingBytes, whole.length)
        assert.ok(Buffer.from(concatBytes(buffers.take())).equals(whole))
      }
    }),
    { numRuns: 30 },
  )
})
