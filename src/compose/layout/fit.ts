import { even, type Rectangle, within } from './rectangle.ts'

/** More than this share of a camera's picture is never cut off in one direction: a portrait stays a portrait. */
const MAX_CROP_SHARE = 0.34

/** What of a picture is shown, and where. */
export interface Fit {
  /** In the source. */
  readonly shown: Rectangle
  /** In the frame. */
  readonly place: Rectangle
}

/** Fits a picture into its tile: screens whole, cameras filling it unless too much of them would be lost. */
export function fit(widthPixels: number, heightPixels: number, kind: 'camera' | 'screen', tile: Rectangle): Fit {
  const source = { x: 0, y: 0, width: even(widthPixels), height: even(heightPixels) }
  const aspect = source.width / source.height
  const tileAspect = tile.width / tile.height
  const cropShare = 1 - Math.min(aspect / tileAspect, tileAspect / aspect)
  if (kind === 'camera' && cropShare <= MAX_CROP_SHARE) {
    return { shown: within(source, tileAspect, tileAspect), place: tile }
  }
  return { shown: source, place: within(tile, aspect, aspect) }
}
