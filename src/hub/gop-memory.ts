import type { AccessUnit } from '#media/access-unit.ts'
import { type DataMessage, heldBytes } from '#media/data-message.ts'

/** Of the rings below; they double when full. */
const INITIAL_LENGTH = 64

/** Of data messages kept beside the access units: the oldest make room. */
const MAX_DATA_BYTES = 256 * 1024

/** What a stream has brought since one of its random access points. */
export interface Remembered {
  /** In the stream's order; the first is an access unit, or what the publisher said right before it. */
  readonly items: readonly (AccessUnit | DataMessage)[]
  /** How long ago the first of them arrived, milliseconds. */
  readonly ageMs: number
}

/**
 * The access units since the last random access point of the leading track, so that a recording or player that starts
 * in mid-GOP has something to decode; and where recordings may begin in the past, the GOPs before it. Bounded in bytes:
 * the oldest GOPs make room, and a GOP that outgrows the bound alone is forgotten until the next one.
 */
export class GopMemory implements Disposable {
  readonly #gopBytes: number
  readonly #monotonicMs: () => number
  #capacityBytes: number
  #reachMs = 0
  /** Rings only ever grow: emptying an array gives its memory away, to be asked for again with the next GOP. */
  #accessUnits: (AccessUnit | undefined)[] = new Array<AccessUnit | undefined>(INITIAL_LENGTH)
  #first = 0
  #count = 0
  #bytes = 0
  /** Whole GOPs before the present one: how many access units each has, and when it began. */
  #formerCounts: number[] = new Array<number>(INITIAL_LENGTH).fill(0)
  #formerMs: number[] = new Array<number>(INITIAL_LENGTH).fill(Number.NaN)
  #firstFormer = 0
  #formers = 0
  /** The present one; until the first random access point it is what came before that. */
  #presentCount = 0
  #presentMs = Number.NaN
  #hasStart = false
  #overflowed = false
  /** How many access units were forgotten: the number of the first in the ring. */
  #firstNumber = 0
  /** What came between them, each with the number of the access unit it came before. */
  #data: { readonly number: number; readonly message: DataMessage }[] = []
  #dataBytes = 0

  /** @param gopBytes bound where only the present GOP is remembered */
  constructor(gopBytes: number, monotonicMs: () => number) {
    this.#gopBytes = gopBytes
    this.#capacityBytes = gopBytes
    this.#monotonicMs = monotonicMs
  }

  get bytes(): number {
    return this.#bytes
  }

  /** From now on keeps what is needed to begin `reachMs` ago, within `bytes`. 0: the present GOP alone. */
  reachBack(reachMs: number, bytes: number): void {
    this.#reachMs = reachMs
    this.#capacityBytes = reachMs === 0 ? this.#gopBytes : Math.max(bytes, this.#gopBytes)
  }

  /**
   * From the last random access point that is at least `backMs` old, else from the oldest one. Undefined when nothing is
   * remembered.
   */
  since(backMs: number): Remembered | undefined {
    if (this.#count === 0) return undefined
    const nowMs = this.#monotonicMs()
    let count = this.#presentCount
    let beganMs = this.#hasStart ? this.#presentMs : nowMs
    for (let i = this.#formers - 1; i >= 0 && nowMs - beganMs < backMs; i--) {
      const at = (this.#firstFormer + i) & (this.#formerMs.length - 1)
      count += this.#formerCounts[at] ?? 0
      beganMs = this.#formerMs[at] ?? beganMs
    }
    const items: (AccessUnit | DataMessage)[] = []
    const skipped = this.#count - count
    let nextData = this.#data.findIndex(({ number }) => number >= this.#firstNumber + skipped)
    for (let i = skipped; i <= this.#count; i++) {
      for (; nextData >= 0 && this.#data[nextData]?.number === this.#firstNumber + i; nextData++) {
        const data = this.#data[nextData]
        if (data !== undefined) items.push(data.message)
      }
      const accessUnit = this.#accessUnits[(this.#first + i) & (this.#accessUnits.length - 1)]
      if (i < this.#count && accessUnit !== undefined) items.push(accessUnit)
    }
    return { items, ageMs: nowMs - beganMs }
  }

  /** Retains the access unit. `startsGop`: it is a random access point of the leading track. */
  add(accessUnit: AccessUnit, startsGop: boolean): void {
    if (startsGop) this.#beginGop()
    if (this.#overflowed) return
    const { payloadBytes } = accessUnit
    while (this.#formers > 0 && this.#bytes + payloadBytes > this.#capacityBytes) this.#forgetOldest()
    if (this.#bytes + payloadBytes > this.#capacityBytes) {
      this.#forget(this.#count)
      this.#presentCount = 0
      this.#overflowed = true
      return
    }
    if (this.#count === this.#accessUnits.length) {
      this.#accessUnits = doubled(this.#accessUnits, this.#first)
      this.#first = 0
    }
    this.#accessUnits[(this.#first + this.#count) & (this.#accessUnits.length - 1)] = accessUnit.retain()
    this.#count++
    this.#presentCount++
    this.#bytes += payloadBytes
  }

  /** Kept as long as the access unit that follows it. */
  addData(message: DataMessage): void {
    this.#data.push({ number: this.#firstNumber + this.#count, message })
    this.#dataBytes += heldBytes(message)
    while (this.#dataBytes > MAX_DATA_BYTES) this.#forgetData()
  }

  #forgetData(): void {
    const oldest = this.#data.shift()
    if (oldest !== undefined) this.#dataBytes -= heldBytes(oldest.message)
  }

  #beginGop(): void {
    const nowMs = this.#monotonicMs()
    this.#overflowed = false
    if (this.#reachMs === 0 || !this.#hasStart) {
      this.#forget(this.#count)
      this.#formers = 0
    } else {
      if (this.#presentCount > 0) this.#keepPresent()
      while (this.#formers > 0 && nowMs - this.#secondMs(nowMs) >= this.#reachMs) this.#forgetOldest()
    }
    this.#presentCount = 0
    this.#presentMs = nowMs
    this.#hasStart = true
  }

  #keepPresent(): void {
    if (this.#formers === this.#formerMs.length) {
      this.#formerMs = doubled(this.#formerMs, this.#firstFormer)
      this.#formerCounts = doubled(this.#formerCounts, this.#firstFormer)
      this.#firstFormer = 0
    }
    const at = (this.#firstFormer + this.#formers) & (this.#formerMs.length - 1)
    this.#formerMs[at] = this.#presentMs
    this.#formerCounts[at] = this.#presentCount
    this.#formers++
  }

  /** When the GOP after the oldest began: once that is as old as is wanted, the oldest is not needed. */
  #secondMs(nowMs: number): number {
    if (this.#formers < 2) return nowMs
    return this.#formerMs[(this.#firstFormer + 1) & (this.#formerMs.length - 1)] ?? nowMs
  }

  #forgetOldest(): void {
    this.#forget(this.#formerCounts[this.#firstFormer] ?? 0)
    this.#firstFormer = (this.#firstFormer + 1) & (this.#formerMs.length - 1)
    this.#formers--
  }

  /** The first `count` access units. */
  #forget(count: number): void {
    const mask = this.#accessUnits.length - 1
    for (let i = 0; i < count; i++) {
      const at = (this.#first + i) & mask
      const accessUnit = this.#accessUnits[at]
      this.#bytes -= accessUnit?.payloadBytes ?? 0
      accessUnit?.release()
      this.#accessUnits[at] = undefined
    }
    this.#first = (this.#first + count) & mask
    this.#count -= count
    this.#firstNumber += count
    while (this.#data[0] !== undefined && this.#data[0].number < this.#firstNumber) this.#forgetData()
  }

  [Symbol.dispose](): void {
    this.#forget(this.#count)
    this.#formers = 0
    this.#presentCount = 0
    this.#overflowed = true
    this.#data = []
    this.#dataBytes = 0
  }
}

/** A full ring that begins at `first`, with room for as much again; the new one begins at 0. */
function doubled<Item>(ring: readonly Item[], first: number): Item[] {
  const grown = new Array<Item>(ring.length * 2)
  for (let i = 0; i < ring.length; i++) {
    const item = ring[(first + i) & (ring.length - 1)]
    if (item !== undefined) grown[i] = item
  }
  return grown
}
