import { parseVideoTag, type VideoTag } from '#media/flv/video-tag.ts'

/** All that a legacy header is, and an enhanced one without a composition time. */
const HEADER_BYTES = 5

/** A power of two; a stream has a key and an inter frame for each of a few composition times. */
const PLACES = 32

/**
 * Reads the headers of plain video tags, which are the same few over and over: each is parsed once and remembered,
 * until another with the same place comes.
 */
export class PlainVideoTags {
  /** Two numbers of a header's bytes each: the first, the other four. */
  readonly #keys = new Uint32Array(2 * PLACES)
  readonly #tags: (VideoTag | undefined)[] = new Array<VideoTag | undefined>(PLACES).fill(undefined)

  /** @param firstBytes at least five of the body @throws {FlvTagError} shorter than its own header */
  read(firstBytes: Uint8Array): VideoTag {
    const first = firstBytes[0] ?? 0
    const last = firstBytes[4] ?? 0
    const rest =
      (((firstBytes[1] ?? 0) << 24) | ((firstBytes[2] ?? 0) << 16) | ((firstBytes[3] ?? 0) << 8) | last) >>> 0
    const place = (last ^ (first >> 4)) & (PLACES - 1)
    const known = this.#tags[place]
    if (known !== undefined && this.#keys[2 * place] === first && this.#keys[2 * place + 1] === rest) return known
    const tag = parseVideoTag(firstBytes)
    if (tag.headerBytes === HEADER_BYTES) {
      this.#tags[place] = tag
      this.#keys[2 * place] = first
      this.#keys[2 * place + 1] = rest
    }
    return tag
  }
}
