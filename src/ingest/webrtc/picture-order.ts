import type { Stream } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'

/** Tells whether a video track's pictures are shown in the order in which they are decoded: without B-frames. */
export class PictureOrder {
  #lastPts = Number.NEGATIVE_INFINITY
  #lastDts = Number.NEGATIVE_INFINITY

  /** @returns false when this picture is shown before the one that was decoded before it */
  follows({ pts, dts }: AccessUnit): boolean {
    // Where the source's clock begins anew, both go back.
    const isReordered = pts < this.#lastPts && dts >= this.#lastDts
    this.#lastPts = pts
    this.#lastDts = dts
    return !isReordered
  }
}

/** Whether what is remembered of a stream shows pictures in another order than it decodes them. */
export function reordersPictures(stream: Stream, trackId: number): boolean {
  const format = stream.formats.get(trackId)
  if (format?.codec !== 'h264' && format?.codec !== 'h265') return false
  const order = new PictureOrder()
  let isReordered = false
  const accessUnit = (accessUnit: AccessUnit) => {
    if (accessUnit.format.trackId === trackId && !order.follows(accessUnit)) isReordered = true
  }
  const sink = { accessUnit, format() {}, ended() {} }
  stream.attach(sink, { from: 'memory', live: false })[Symbol.dispose]()
  return isReordered
}
