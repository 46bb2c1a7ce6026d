import { type Layout, layOut } from '../layout/layouts.ts'
import type { Rectangle } from '../layout/rectangle.ts'
import { Canvas, TilePainter } from './canvas.ts'
import type { Tile } from './tile.ts'

/** Somebody else has to be this much louder to be presented instead. */
const LOUDER = 4
/** And nobody is for speaking this softly: mean square. */
const AUDIBLE = 1e-5
/** Nor so soon after the last one was. */
const HOLD_MS = 2_000

interface Placed {
  readonly tile: Tile
  readonly place: Rectangle
  readonly painter: TilePainter
  /** What is in the place now. */
  content: 'nothing' | 'picture' | 'name'
}

/** The composed picture: the tiles, where the layout puts them. Only what has changed is drawn. */
export class Scene implements Disposable {
  readonly #canvas: Canvas
  readonly #frame: Rectangle
  #layout: Layout
  #placed: Placed[] = []
  #isStale = true
  #presented: Tile | undefined
  #presentedMs = 0

  constructor(widthPixels: number, heightPixels: number, layout: Layout) {
    this.#canvas = new Canvas(widthPixels, heightPixels)
    this.#frame = { x: 0, y: 0, width: widthPixels, height: heightPixels }
    this.#layout = layout
  }

  set layout(layout: Layout) {
    this.#layout = layout
    this.#isStale = true
  }

  /** Tiles have come, left or changed. */
  changed(): void {
    this.#isStale = true
  }

  /** Draws what is due. @param patienceMs for pictures that should have been shown before */
  draw(tiles: readonly Tile[], nowMs: number, patienceMs: number): Canvas['frame'] {
    this.#present(tiles, nowMs)
    if (this.#isStale) this.#arrange(tiles)
    const overlap = this.#layout === 'picture-in-picture'
    let isCovered = false
    for (const placed of this.#placed) {
      const hasChanged = placed.tile.advance(nowMs, patienceMs / this.#placed.length)
      const content = placed.tile.picture === undefined ? 'name' : 'picture'
      if (content === placed.content && !hasChanged && !isCovered) continue
      this.#paint(placed)
      placed.content = content
      // What lies over it has to be drawn again.
      if (overlap) isCovered = true
    }
    return this.#canvas.frame
  }

  [Symbol.dispose](): void {
    for (const { painter } of this.#placed) painter[Symbol.dispose]()
    this.#canvas[Symbol.dispose]()
  }

  #paint({ tile, place, painter }: Placed): void {
    const { picture } = tile
    if (picture === undefined) {
      this.#canvas.nameTag(place, tile.facts.name)
      return
    }
    try {
      painter.paint(picture, tile.pixelAspect)
    } catch {
      // A picture of a form that libswscale does not know, or of none.
      this.#canvas.nameTag(place, tile.facts.name)
    }
  }

  /** Screens are presented before cameras, and who speaks before who does not. */
  #present(tiles: readonly Tile[], nowMs: number): void {
    if (this.#layout === 'best-fit') return
    const screens = tiles.filter(({ facts }) => facts.kind === 'screen')
    const candidates = screens.length > 0 ? screens : tiles
    let next = candidates.find((tile) => tile === this.#presented)
    if (next === undefined) next = candidates[0]
    else if (nowMs - this.#presentedMs > HOLD_MS) {
      for (const tile of candidates) if (tile.energy > LOUDER * (next?.energy ?? 0) + AUDIBLE) next = tile
    }
    if (next === this.#presented) return
    this.#presented = next
    this.#presentedMs = nowMs
    this.#isStale = true
  }

  #arrange(tiles: readonly Tile[]): void {
    this.#isStale = false
    for (const { painter } of this.#placed) painter[Symbol.dispose]()
    this.#canvas.fill(this.#frame)
    const stage = Math.max(0, this.#presented === undefined ? 0 : tiles.indexOf(this.#presented))
    const places = layOut(this.#layout, tiles.length, stage, this.#frame)
    this.#placed = tiles.flatMap((tile, index) => {
      const place = places[index]
      if (place === undefined || place.width < 2 || place.height < 2) return []
      return [{ tile, place, painter: new TilePainter(this.#canvas, place, tile.facts.kind), content: 'nothing' }]
    })
    // In a picture in a picture the one presented lies below all others.
    if (this.#layout !== 'picture-in-picture') return
    const main = this.#placed.find(({ tile }) => tile === tiles[stage])
    if (main !== undefined) this.#placed = [main, ...this.#placed.filter((placed) => placed !== main)]
  }
}
