import type { Rectangle } from '../layout/rectangle.ts'
import { COLUMNS, glyphOf } from './glyphs.ts'

const WHITE = 214
/** A glyph and the space beside it; and its height. */
const PITCH = COLUMNS + 1
const ROWS = 8
/** Of the tile's width. */
const MAX_SHARE = 0.8
/** Of its height, for one line. */
const LINE_SHARE = 0.11

/** Writes a name into the middle of a tile, as large as fits; cut off where it would be too small to read. */
export function drawName(luma: Uint8Array, stride: number, tile: Rectangle, name: string): void {
  const wanted = Math.max(1, Math.floor((tile.height * LINE_SHARE) / ROWS))
  const text = [...plain(name)]
  const fitting = Math.floor((tile.width * MAX_SHARE) / (PITCH * Math.max(1, text.length)))
  const scale = Math.max(1, Math.min(wanted, fitting))
  const shown = text.slice(0, Math.floor((tile.width * MAX_SHARE) / (PITCH * scale)))
  const left = tile.x + Math.floor((tile.width - shown.length * PITCH * scale) / 2)
  const top = tile.y + Math.floor((tile.height - ROWS * scale) / 2)
  if (top < tile.y) return
  for (const [index, letter] of shown.entries()) {
    for (const [column, bits] of glyphOf(letter).entries()) {
      for (let row = 0; row < ROWS; row++) {
        if (((bits >> row) & 1) === 0) continue
        const x = left + (index * PITCH + column) * scale
        for (let y = top + row * scale; y < top + (row + 1) * scale; y++) {
          luma.fill(WHITE, y * stride + x, y * stride + x + scale)
        }
      }
    }
  }
}

/** Without accents: the letters there are glyphs for. */
function plain(name: string): string {
  return name.normalize('NFKD').replace(/\p{M}/gu, '').trim()
}
