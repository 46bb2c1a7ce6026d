import { Slabs } from '../slabs.ts'
import { PREVIOUS_TAG_SIZE_BYTES, TAG_HEADER_BYTES, writePreviousTagSize, writeTagHeader } from './tag.ts'

/** Collects tags as a list of buffers; see Slabs. */
export class TagBuffers {
  readonly #slabs = new Slabs()

  /** Bytes of all tags since the last take. */
  get pendingBytes(): number {
    return this.#slabs.pendingBytes
  }

  /**
   * A tag whose body is `header` followed by `source[start, start + bytes)`, which is borrowed until the batch is taken
   * and written.
   */
  tag(
    type: number,
    timestampMs: number,
    header: Uint8Array,
    source: Uint8Array,
    start = 0,
    bytes: number = source.length,
  ): void {
    const bodyBytes = header.length + bytes
    const at = this.#slabs.reserve(TAG_HEADER_BYTES + header.length)
    writeTagHeader(this.#slabs.memory, at, type, bodyBytes, timestampMs)
    this.#slabs.memory.set(header, at + TAG_HEADER_BYTES)
    this.#slabs.add(source, start, bytes)
    const end = this.#slabs.reserve(PREVIOUS_TAG_SIZE_BYTES)
    writePreviousTagSize(this.#slabs.memory, end, bodyBytes)
  }

  /** Bytes that are not a tag, or whole tags made elsewhere. Not copied when large. */
  raw(bytes: Uint8Array): void {
    this.#slabs.add(bytes, 0, bytes.length)
  }

  /** Everything since the last take, in order. Valid until the next take. */
  take(): Uint8Array[] {
    return this.#slabs.take()
  }
}
