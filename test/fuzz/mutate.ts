/** Pseudo-random numbers that a seed repeats: a failing input can be made again. Marsaglia's xorshift32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 1
  }

  /** 0 to `limit` - 1. */
  roll(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % Math.max(1, limit)
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.roll(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
}

/** Values at which lengths and counts go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff] as const

/** May change the bytes it is given. */
type Mutation = (bytes: Buffer, dice: Dice, others: readonly Buffer[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, dice) {
    for (let i = 1 + dice.roll(8); i > 0; i--) {
      const at = dice.roll(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.roll(8))
    }
    return bytes
  },
  function setEdges(bytes, dice) {
    for (let i = 1 + dice.roll(3); i > 0; i--) {
      const width = dice.pick([1, 2, 3, 4])
      const at = dice.roll(Math.max(1, bytes.length - width))
      if (at + width <= bytes.length) bytes.writeUIntBE(dice.pick(EDGES) % 2 ** (8 * width), at, width)
    }
    return bytes
  },
  function cutOff(bytes, dice) {
    return bytes.subarray(0, dice.roll(bytes.length))
  },
  function removePiece(bytes, dice) {
    const from = dice.roll(bytes.length)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + dice.roll(64))])
  },
  function repeatPiece(bytes, dice) {
    const from = dice.roll(bytes.length)
    const piece = bytes.subarray(from, from + 1 + dice.roll(512))
    return Buffer.concat([bytes.subarray(0, from), piece, piece, bytes.subarray(from)])
  },
  function insertNoise(bytes, dice) {
    const from = dice.roll(bytes.length)
    const noise = Buffer.from(Array.from({ length: 1 + dice.roll(64) }, () => dice.roll(256)))
    return Buffer.concat([bytes.subarray(0, from), noise, bytes.subarray(from)])
  },
  function spliceOther(bytes, dice, others) {
    const other = dice.pick(others)
    return Buffer.concat([bytes.subarray(0, dice.roll(bytes.length)), other.subarray(dice.roll(other.length))])
  },
]

/** One to three mutations of a copy of the bytes. */
export function mutate(bytes: Buffer, dice: Dice, others: readonly Buffer[]): Buffer {
  let mutated: Buffer = Buffer.from(bytes)
  for (let i = 1 + dice.roll(3); i > 0 && mutated.length > 0; i--) mutated = dice.pick(MUTATIONS)(mutated, dice, others)
  return mutated
}
