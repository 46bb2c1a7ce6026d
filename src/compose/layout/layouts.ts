import { even, type Rectangle, within } from './rectangle.ts'

/** How the tiles of a composition are arranged. */
export const LAYOUTS = ['best-fit', 'picture-in-picture', 'vertical-presentation', 'horizontal-presentation'] as const
/** One of {@link LAYOUTS}. */
export type Layout = (typeof LAYOUTS)[number]

/** Shapes of tiles in a grid: what cameras send needs little cropping then. */
const MIN_ASPECT = 4 / 3
const MAX_ASPECT = 16 / 9

/** Share of the frame that belongs to the one presented. */
const STAGE_SHARE = 0.8

/** Pictures in a picture: their height, and the gap around them, in shares of the frame’s sides. */
const INSET_SHARE = 0.22
const GAP_SHARE = 0.02

/**
 * Where each of so many tiles goes, in their order; later ones are drawn over earlier ones.
 * @param stage position of the tile that is presented, in the layouts that present one; the others keep their order
 * @param frame width and height are even
 */
export function layOut(layout: Layout, tiles: number, stage: number, frame: Rectangle): readonly Rectangle[] {
  if (tiles === 0) return []
  if (layout === 'best-fit') return grid(tiles, frame)
  if (tiles === 1) return [frame]
  const presented = Math.min(Math.max(0, stage), tiles - 1)
  const [main, others] = presenting(layout, tiles - 1, frame)
  return Array.from({ length: tiles }, (_, tile) => {
    if (tile === presented) return main
    return others[tile < presented ? tile : tile - 1] ?? main
  })
}

function presenting(
  layout: Exclude<Layout, 'best-fit'>,
  others: number,
  frame: Rectangle,
): [Rectangle, readonly Rectangle[]] {
  const { x, y, width, height } = frame
  switch (layout) {
    case 'picture-in-picture':
      return [frame, insets(others, frame)]
    case 'vertical-presentation': {
      const stageWidth = even(width * STAGE_SHARE)
      const side = { x: x + stageWidth, y, width: width - stageWidth, height }
      return [{ ...frame, width: stageWidth }, line(others, side, 'column')]
    }
    case 'horizontal-presentation': {
      const stageHeight = even(height * STAGE_SHARE)
      const below = { x, y: y + stageHeight, width, height: height - stageHeight }
      return [{ ...frame, height: stageHeight }, line(others, below, 'row')]
    }
  }
}

/** As many columns as make the tiles largest; what is left in the last row stands in its middle. */
function grid(tiles: number, frame: Rectangle): Rectangle[] {
  let best = { columns: 1, area: 0 }
  for (let columns = 1; columns <= tiles; columns++) {
    const { width, height } = within(cellOf(columns, Math.ceil(tiles / columns), frame), MIN_ASPECT, MAX_ASPECT)
    if (width * height > best.area) best = { columns, area: width * height }
  }
  const { columns } = best
  const rows = Math.ceil(tiles / columns)
  const tile = within({ ...cellOf(columns, rows, frame), x: 0, y: 0 }, MIN_ASPECT, MAX_ASPECT)
  const top = frame.y + even((frame.height - rows * tile.height) / 2)
  return Array.from({ length: tiles }, (_, index) => {
    const row = Math.floor(index / columns)
    const inRow = row === rows - 1 ? tiles - columns * (rows - 1) : columns
    const left = frame.x + even((frame.width - inRow * tile.width) / 2)
    return {
      x: left + (index % columns) * tile.width,
      y: top + row * tile.height,
      width: tile.width,
      height: tile.height,
    }
  })
}

function cellOf(columns: number, rows: number, { width, height }: Rectangle): Rectangle {
  return { x: 0, y: 0, width: even(width / columns), height: even(height / rows) }
}

function line(tiles: number, place: Rectangle, along: 'row' | 'column'): Rectangle[] {
  const isRow = along === 'row'
  const cell = cellOf(isRow ? tiles : 1, isRow ? 1 : tiles, place)
  const tile = within(cell, MIN_ASPECT, MAX_ASPECT)
  const x = place.x + even((place.width - (isRow ? tiles * tile.width : tile.width)) / 2)
  const y = place.y + even((place.height - (isRow ? tile.height : tiles * tile.height)) / 2)
  return Array.from({ length: tiles }, (_, index) => {
    return isRow ? { ...tile, x: x + index * tile.width, y } : { ...tile, x, y: y + index * tile.height }
  })
}

/** Small ones along the lower edge, from the right; smaller when there are many. */
function insets(tiles: number, frame: Rectangle): Rectangle[] {
  const gap = even(Math.min(frame.width, frame.height) * GAP_SHARE)
  const room = even((frame.width - gap) / tiles) - gap
  const width = even(Math.min(frame.height * INSET_SHARE * MAX_ASPECT, room))
  const height = even(width / MAX_ASPECT)
  const right = frame.x + frame.width
  const y = frame.y + frame.height - gap - height
  return Array.from({ length: tiles }, (_, index) => {
    return { x: right - (index + 1) * (width + gap), y, width, height }
  })
}
