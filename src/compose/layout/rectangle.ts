/** A place in a picture, in pixels. All four are even: chroma has half the resolution. */
export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The nearest even number below. */
export function even(value: number): number {
  return 2 * Math.floor(value / 2 + 1e-9)
}

/** The largest place with one of the aspect ratios (width / height) in the middle of another place. */
export function within(place: Rectangle, minAspect: number, maxAspect: number): Rectangle {
  const aspect = Math.min(maxAspect, Math.max(minAspect, place.width / place.height))
  const width = even(Math.min(place.width, place.height * aspect))
  const height = even(Math.min(place.height, place.width / aspect))
  return { x: place.x + even((place.width - width) / 2), y: place.y + even((place.height - height) / 2), width, height }
}
