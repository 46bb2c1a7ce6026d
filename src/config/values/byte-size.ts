import { showFound } from '../problem.ts'
import { INVALID, type ValueType } from './value-type.ts'

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
}

/** `512MiB`, `1.5 GB`, `4096`: bytes, or undefined when it is no size. KiB is 1024 bytes, KB is 1000. */
export function parseByteSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const unitBytes = UNIT_BYTES[match?.[2]?.toLowerCase() ?? '?']
  if (match?.[1] === undefined || unitBytes === undefined) return undefined
  const bytes = Math.round(Number(match[1]) * unitBytes)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A size in bytes, as a number or with a unit. */
export function byteSize(limits: { min?: number; max?: number; zeroMeans?: string } = {}): ValueType<number> {
  const min = limits.min ?? 0
  const range = limits.max === undefined ? `at least ${min}` : `from ${min} to ${limits.max}`
  const zero = limits.zeroMeans === undefined ? '' : ` (0: ${limits.zeroMeans})`
  const expected = `a size such as 512MiB or 2GB, ${range} bytes${zero}`
  return {
    expected,
    text: 'plain',
    read(found, path, report) {
      const bytes = typeof found === 'number' || typeof found === 'string' ? parseByteSize(String(found)) : undefined
      if (bytes !== undefined && bytes <= (limits.max ?? Number.MAX_SAFE_INTEGER)) {
        if (bytes >= min || (bytes === 0 && limits.zeroMeans !== undefined)) return bytes
      }
      report(path, showFound(found), `expected ${expected}`)
      return INVALID
    },
  }
}
