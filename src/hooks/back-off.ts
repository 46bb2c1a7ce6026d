const FIRST_MS = 1_000
const LONGEST_MS = 600_000

/**
 * How long to wait after so many failed attempts: a second, doubling to ten minutes, each up to a quarter shorter so
 * that what failed together does not come back together.
 * @param random from 0 up to 1
 */
export function backOffMs(attempts: number, random: number): number {
  // 2 ** 10 s is beyond the longest already; the bound keeps the power finite.
  const wholeMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 10))
  return Math.round(wholeMs * (1 - random / 4))
}
