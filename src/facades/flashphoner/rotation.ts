/** When a part is full; 0: no such limit. */
export interface Rotation {
  readonly seconds: number
  readonly bytes: number
}

/** One part, however long it gets. */
export const NO_ROTATION: Rotation = { seconds: 0, bytes: 0 }

const UNIT_BYTES: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** What the recorder can tell apart from a part for every picture. */
const MIN_BYTES = 64 * 1024

/**
 * `20` is seconds, `10M` (K, M, G: 1024 based, either case) a size; empty and `0` are off. Undefined: neither.
 * spec section 4; the vendor's page calls 20 "10 seconds" in one place and seconds everywhere else.
 */
export function parseRotation(text: string): Rotation | undefined {
  const [, digits, unit = ''] = /^\s*(\d{1,12})\s*([KMG]?)\s*$/i.exec(text) ?? []
  if (digits === undefined) return text.trim() === '' ? NO_ROTATION : undefined
  const number = Number(digits)
  if (number === 0) return NO_ROTATION
  if (unit === '') return { seconds: number, bytes: 0 }
  const bytes = number * (UNIT_BYTES[unit.toUpperCase()] ?? 1)
  return bytes >= MIN_BYTES && Number.isSafeInteger(bytes) ? { seconds: 0, bytes } : undefined
}

/** How a rotation should have been written, for messages. */
export const ROTATION_EXPECTED = 'seconds such as 20, a size of at least 64K such as 10M, or 0 for off'
