const WRAP_MS = 2 ** 32

/**
 * Makes one endless time of RTMP's 32-bit milliseconds, for all tracks of a publisher together. Steps of less than half
 * the range either way are taken as they are; the wrap after 49.7 days is one of them.
 */
export class TimestampUnwrapper {
  #lastMs: number | undefined

  unwrap(timestampMs: number): number {
    this.#lastMs = this.peek(timestampMs)
    return this.#lastMs
  }

  /** Without taking it for the present time: of a message whose sender may not care. */
  peek(timestampMs: number): number {
    const lastMs = this.#lastMs
    // `| 0` takes the difference modulo 2^32 as a signed number.
    return lastMs === undefined ? timestampMs : lastMs + ((timestampMs - (lastMs % WRAP_MS)) | 0)
  }
}
