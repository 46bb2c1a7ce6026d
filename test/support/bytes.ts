import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'

/** Bytes from hexadecimal digits; spaces are for the reader. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/**
 * The property every parser of foreign bytes must have: whatever comes in, it returns or throws a TapedeckError.
 * Inputs are random bytes, and the seeds cut short and with bytes changed.
 */
export function assertThrowsOnlyTapedeckErrors(
  parse: (bytes: Uint8Array) => unknown,
  seeds: readonly Uint8Array[],
): void {
  const changes = fc.array(fc.tuple(fc.nat({ max: 300 }), fc.nat({ max: 255 })), { maxLength: 4 })
  const damaged = fc
    .tuple(fc.constantFrom(...seeds), changes, fc.nat({ max: 300 }))
    .map(([seed, edits, length]) => damage(seed, edits, length))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged), (bytes) => {
      try {
        parse(bytes)
      } catch (error) {
        assert.ok(error instanceof TapedeckError, `${String(error)} on ${toHex(bytes)}`)
      }
    }),
    { numRuns: 1000 },
  )
}

function damage(seed: Uint8Array, edits: readonly [number, number][], length: number): Uint8Array {
  const bytes = seed.slice(0, Math.max(length, 1))
  for (const [position, value] of edits) bytes[position % bytes.length] = value
  return bytes
}
