import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fit } from './fit.ts'
import { LAYOUTS, layOut } from './layouts.ts'
import type { Rectangle } from './rectangle.ts'

const FRAME: Rectangle = { x: 0, y: 0, width: 1280, height: 720 }

test('a grid takes as many columns as make its tiles largest', () => {
  const size = (tiles: number) => {
    const { width = 0, height = 0 } = layOut('best-fit', tiles, 0, FRAME)[0] ?? {}
    return [width, height]
  }
  assert.deepEqual(size(1), [1280, 720])
  assert.deepEqual(size(2), [640, 480])
  assert.deepEqual(size(4), [640, 360])
  assert.deepEqual(size(9), [426, 240])
  const three = layOut('best-fit', 3, 0, FRAME)
  // The last row stands in the middle.
  assert.deepEqual(three[2], { x: 320, y: 360, width: 640, height: 360 })
})

test('the one presented is large, the others keep their order beside it', () => {
  const [first, second, third] = layOut('vertical-presentation', 3, 1, FRAME)
  assert.deepEqual(second, { x: 0, y: 0, width: 1024, height: 720 })
  assert.ok(first !== undefined && third !== undefined)
  assert.ok(first.x >= 1024 && third.x >= 1024 && first.y < third.y)
  const [main, inset] = layOut('picture-in-picture', 2, 0, FRAME)
  assert.deepEqual(main, FRAME)
  assert.ok(inset !== undefined && inset.width < 320 && inset.x > 900 && inset.y > 500)
})

const overlap = (left: Rectangle, right: Rectangle) =>
  left.x < right.x + right.width &&
  right.x < left.x + left.width &&
  left.y < right.y + right.height &&
  right.y < left.y + left.height

test('whatever the frame and the number of tiles: even, within the frame, and never over each other', () => {
  const size = fc.integer({ min: 160, max: 1999 }).map((pixels) => pixels - (pixels % 2))
  const frames = fc.record({ x: fc.constant(0), y: fc.constant(0), width: size, height: size })
  fc.assert(
    fc.property(
      frames,
      fc.integer({ min: 1, max: 16 }),
      fc.nat(20),
      fc.constantFrom(...LAYOUTS),
      (frame, tiles, stage, layout) => {
        const places = layOut(layout, tiles, stage, frame)
        assert.equal(places.length, tiles)
        for (const { x, y, width, height } of places) {
          for (const value of [x, y, width, height]) assert.equal(value % 2, 0)
          assert.ok(x >= 0 && y >= 0 && x + width <= frame.width && y + height <= frame.height)
        }
        if (layout === 'picture-in-picture') return
        for (const [index, place] of places.entries()) {
          for (const other of places.slice(index + 1)) assert.ok(!overlap(place, other))
        }
      },
    ),
  )
})

test('cameras fill their tiles, portraits and screens are shown whole', () => {
  const tile: Rectangle = { x: 640, y: 0, width: 640, height: 360 }
  assert.deepEqual(fit(640, 480, 'camera', tile), { shown: { x: 0, y: 60, width: 640, height: 360 }, place: tile })
  const whole = { x: 0, y: 0, width: 360, height: 640 }
  assert.deepEqual(fit(360, 640, 'camera', tile), {
    shown: whole,
    place: { x: 858, y: 0, width: 202, height: 360 },
  })
  assert.deepEqual(fit(640, 480, 'screen', tile), {
    shown: { x: 0, y: 0, width: 640, height: 480 },
    place: { x: 720, y: 0, width: 480, height: 360 },
  })
})
