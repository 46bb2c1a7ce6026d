/** Header fields of an RTSP message: names in any case of letters, in the order they came. */
export class RtspHeaders {
  readonly #fields: [name: string, value: string][] = []

  constructor(fields: Iterable<readonly [name: string, value: string]> = []) {
    for (const [name, value] of fields) this.append(name, value)
  }

  get size(): number {
    return this.#fields.length
  }

  /** The first field of the name. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    return this.#fields.find(([each]) => each.toLowerCase() === wanted)?.[1]
  }

  /** Every field of the name: challenges come in several. */
  all(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#fields.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value)
  }

  append(name: string, value: string): void {
    this.#fields.push([name, value])
  }

  /** What continues the field before (RFC 2616 §2.2). */
  continueLast(value: string): void {
    const last = this.#fields.at(-1)
    if (last !== undefined) last[1] = `${last[1]} ${value}`.trim()
  }

  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.#fields.values()
  }
}
