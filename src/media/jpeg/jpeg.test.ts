import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { jfifHeader } from './jfif-header.ts'
import { parseJfif } from './parse-jfif.ts'
import { isJpeg, jpegSegments } from './segments.ts'
import { BASE_QUANTIZATION } from './standard-tables.ts'

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

test('what describes an image makes its header, and is read from it', () => {
  for (const subsampling of ['4:2:0', '4:2:2'] as const) {
    const wide = new Uint8Array(128).fill(7)
    for (const quantizationTables of [BASE_QUANTIZATION, [BASE_QUANTIZATION[0]], [wide, BASE_QUANTIZATION[1]]]) {
      const image = { widthPixels: 1920, heightPixels: 1080, subsampling, quantizationTables, restartInterval: 4 }
      const bytes = Buffer.concat([jfifHeader(image), hex('aabb'), hex('ffd9')])
      assert.deepEqual(parseJfif(bytes), {
        ...image,
        quantizationTables: quantizationTables.map(asBuffer),
        scan: asBuffer(hex('aabb')),
      })
    }
  }
})

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes)

test('whatever comes as an image, only typed errors come of it', () => {
  const header = jfifHeader({
    ...{ widthPixels: 320, heightPixels: 184, subsampling: '4:2:0', restartInterval: 0 },
    quantizationTables: BASE_QUANTIZATION,
  })
  assertThrowsOnlyTapedeckErrors(parseJfif, [header])
  assertThrowsOnlyTapedeckErrors((image) => [...jpegSegments(image)], [IMAGE])
})
