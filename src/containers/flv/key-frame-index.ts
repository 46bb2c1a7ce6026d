/** A key frame's tag: where it begins in the file and when it decodes. */
export interface KeyFrameEntry {
  readonly position: number
  readonly timeMs: number
}

/** What a checkpoint keeps of the index. */
export interface KeyFrameIndexState {
  /** One of so many key frames has an entry. A power of two. */
  readonly stride: number
  /** Key frames so far, with or without an entry. */
  readonly seen: number
  readonly entries: readonly KeyFrameEntry[]
}

/**
 * The key frames of a part, at most `capacity` of them: when there are more, every second entry goes, so that what is
 * left lies evenly over the whole part and every entry stays true.
 */
export class KeyFrameIndex {
  readonly #capacity: number
  #stride: number
  #seen: number
  #entries: KeyFrameEntry[]
  #thinned = 0

  constructor(capacity: number, state: KeyFrameIndexState = { stride: 1, seen: 0, entries: [] }) {
    this.#capacity = capacity
    this.#stride = state.stride
    this.#seen = state.seen
    this.#entries = [...state.entries]
    this.#fit()
  }

  get state(): KeyFrameIndexState {
    return { stride: this.#stride, seen: this.#seen, entries: this.#entries }
  }

  get entries(): readonly KeyFrameEntry[] {
    return this.#entries
  }

  /** How often entries were dropped: what was noted before such a moment is no prefix of the entries any more. */
  get thinned(): number {
    return this.#thinned
  }

  add(position: number, timeMs: number): void {
    if (this.#seen % this.#stride === 0) this.#entries.push({ position, timeMs })
    this.#seen++
    this.#fit()
  }

  #fit(): void {
    while (this.#entries.length > this.#capacity) {
      this.#entries = this.#entries.filter((_, index) => index % 2 === 0)
      this.#stride *= 2
      this.#thinned++
    }
  }
}
