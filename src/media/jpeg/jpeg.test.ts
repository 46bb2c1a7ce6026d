import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { isJpeg, jpegSegments } from './segments.ts'

const IMAGE = hex('ffd8 ffe0 0004 4a46 ff ffdb 0005 000102 ffda 0003 01 aabbccffd9')

test('an image is read marker by marker up to its coded data', () => {
  const seen = [...jpegSegments(IMAGE)].map(({ marker, content, end }) => [marker, content.length, end])
  assert.deepEqual(seen, [
    [0xe0, 2, 8],
    [0xdb, 3, 16],
    [0xda, 1, 21],
  ])
})

test('an image begins with SOI and a marker', () => {
  assert.deepEqual([IMAGE, hex('ffd8'), hex('ffd900'), hex('')].map(isJpeg), [true, false, false, false])
})

test('whatever comes as an image, only typed errors come of it', () => {
  assertThrowsOnlyTapedeckErrors((image) => [...jpegSegments(image)], [IMAGE])
})
