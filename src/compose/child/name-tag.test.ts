import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawName } from './name-tag.ts'

const [WIDTH, HEIGHT] = [160, 90]

/** What a name looks like in a tile of a dark picture. */
function drawn(name: string, tile = { x: 0, y: 0, width: WIDTH, height: HEIGHT }): Uint8Array {
  const luma = new Uint8Array(WIDTH * HEIGHT)
  drawName(luma, WIDTH, tile, name)
  return luma
}

function lit(luma: Uint8Array): number {
  return luma.reduce((count, value) => count + (value > 128 ? 1 : 0), 0)
}

test('a name stands in the middle of its tile, and nowhere else', () => {
  const tile = { x: 80, y: 44, width: 80, height: 46 }
  const luma = drawn('AB', tile)
  assert.ok(lit(luma) > 20)
  for (const [index, value] of luma.entries()) {
    const [x, y] = [index % WIDTH, Math.floor(index / WIDTH)]
    assert.ok(value === 0 || (x >= 100 && x < 140 && y >= 56 && y < 78), `${x}, ${y}`)
  }
})

test('accents are left out, other scripts are boxes, and a long name is cut off', () => {
  assert.deepEqual(drawn('Zoë'), drawn('Zoe'))
  assert.ok(lit(drawn('名')) > 10)
  assert.equal(lit(drawn('')), 0)
  assert.equal(lit(drawn('   ')), 0)
  // Eight tenths of the width, at six pixels a letter.
  assert.deepEqual(drawn('x'.repeat(500)), drawn('x'.repeat(21)))
  assert.equal(lit(drawn('name', { x: 0, y: 0, width: 4, height: 4 })), 0)
})
