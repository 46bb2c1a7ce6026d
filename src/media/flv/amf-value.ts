import { TapedeckError } from '#base/error.ts'

/**
 * What AMF0 and AMF3 carry, as plain values. Objects have no prototype, so a key such as `__proto__` from the network
 * is an ordinary key. Typed objects lose their class name, XML and long strings are strings, byte arrays stay bytes.
 */
export type AmfValue =
  | number
  | boolean
  | string
  | null
  | undefined
  | Date
  | Uint8Array
  | AmfObject
  | readonly AmfValue[]
/** Named values; see AmfValue. */
export interface AmfObject {
  readonly [key: string]: AmfValue
}

/** Deepest nesting we follow; encoders send three levels. Bounds the stack whatever a stranger sends. */
export const MAX_AMF_DEPTH = 64

/**
 * Most values one message may expand to, references counted as often as they are used: a few bytes of nested
 * references would otherwise print as gigabytes of JSON. A keyframe index of a day's FLV has about 90,000.
 */
export const MAX_AMF_VALUES = 200_000

export type AmfFault = 'truncated' | 'too-deep' | 'too-many-values' | 'unknown-marker' | 'bad-reference' | 'unencodable'

export class AmfError extends TapedeckError {
  readonly code = 'flv/amf-malformed'
  readonly origin = 'publisher'
  readonly fault: AmfFault
  readonly offset: number
  constructor(fault: AmfFault, offset: number, detail: string) {
    super(`AMF data ${detail} at byte ${offset} (${fault}): the encoder sent a damaged or hostile message`)
    this.fault = fault
    this.offset = offset
  }
}

/** Tells objects from arrays, dates and bytes. */
export function isAmfObject(value: AmfValue): value is AmfObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  )
}

/** The fields of an object, or none for anything else. */
export function amfFields(value: AmfValue): AmfObject {
  return isAmfObject(value) ? value : {}
}

/**
 * Counts what one message expands to. Every complex value remembers how many values it holds, so that a reference to
 * it costs that many.
 */
export class AmfBudget {
  #used = 0

  get used(): number {
    return this.#used
  }

  spend(values: number, offset: number): void {
    this.#used += values
    if (this.#used > MAX_AMF_VALUES) {
      throw new AmfError('too-many-values', offset, `expands to more than ${MAX_AMF_VALUES} values`)
    }
  }
}
