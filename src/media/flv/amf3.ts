import { copyOf } from '../bytes.ts'
import { AmfBudget, AmfError, type AmfObject, type AmfValue, MAX_AMF_DEPTH } from './amf-value.ts'

/** Type markers. Adobe AMF 3, §3.1. */
const Marker = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  double: 5,
  string: 6,
  xmlDocument: 7,
  date: 8,
  array: 9,
  object: 10,
  xml: 11,
  byteArray: 12,
  vectorInt: 13,
  vectorUint: 14,
  vectorDouble: 15,
  vectorObject: 16,
  dictionary: 17,
} as const

/** Property names and kind of a class, sent once and then referred to. §3.12. */
interface Traits {
  readonly names: readonly string[]
  readonly isDynamic: boolean
}

interface Referable {
  readonly value: AmfValue
  size: number | undefined
}

const decoder = new TextDecoder()

/**
 * Reads AMF3 values (type 15 and 17 messages after the switch marker 0x11). Adobe AMF 3 specification. Classes that
 * write themselves (IExternalizable) have no length on the wire and are refused.
 */
export class Amf3Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #budget: AmfBudget
  readonly #strings: string[] = []
  readonly #traits: Traits[] = []
  readonly #referables: Referable[] = []
  #offset: number

  constructor(bytes: Uint8Array, offset = 0, budget: AmfBudget = new AmfBudget()) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#offset = offset
    this.#budget = budget
  }

  get offset(): number {
    return this.#offset
  }

  /** @throws {AmfError} */
  read(depth = 0): AmfValue {
    if (depth > MAX_AMF_DEPTH) {
      throw new AmfError('too-deep', this.#offset, `is nested deeper than ${MAX_AMF_DEPTH} levels`)
    }
    this.#budget.spend(1, this.#offset)
    const marker = this.#view.getUint8(this.#advance(1))
    switch (marker) {
      case Marker.undefined:
        return undefined
      case Marker.null:
        return null
      case Marker.false:
        return false
      case Marker.true:
        return true
      case Marker.integer:
        return (this.#u29() << 3) >> 3 // 29 bits, signed
      case Marker.double:
        return this.#double()
      case Marker.string:
        return this.#string()
      case Marker.xmlDocument:
      case Marker.xml:
        return this.#referable((bytes) => decoder.decode(this.#take(bytes)))
      case Marker.date:
        return this.#referable(() => new Date(this.#double()))
      case Marker.byteArray:
        return this.#referable((bytes) => copyOf(this.#take(bytes)))
      case Marker.array:
        return this.#complex((count) => this.#array(count, depth))
      case Marker.object:
        return this.#complex((flags) => this.#object(flags, depth))
      case Marker.vectorInt:
        return this.#referable((count) => this.#vector(count, 4, () => this.#view.getInt32(this.#advance(4))))
      case Marker.vectorUint:
        return this.#referable((count) => this.#vector(count, 4, () => this.#view.getUint32(this.#advance(4))))
      case Marker.vectorDouble:
        return this.#referable((count) => this.#vector(count, 8, () => this.#double()))
      case Marker.vectorObject:
        return this.#complex((count) => this.#objectVector(count, depth))
      case Marker.dictionary:
        return this.#complex((count) => this.#dictionary(count, depth))
      default:
        throw new AmfError('unknown-marker', this.#offset - 1, `has the AMF3 type marker ${marker}`)
    }
  }

  /** A value that holds no others: either a reference, or what `make` reads. */
  #referable(make: (length: number) => AmfValue): AmfValue {
    const header = this.#u29()
    if ((header & 1) === 0) return this.#reference(header >> 1)
    const value = make(header >> 1)
    this.#referables.push({ value, size: 1 })
    return value
  }

  /** A value that holds others: `make` gives the empty value and a function that fills it. */
  #complex(make: (flags: number) => { value: AmfValue; fill: () => void }): AmfValue {
    const header = this.#u29()
    if ((header & 1) === 0) return this.#reference(header >> 1)
    const { value, fill } = make(header >> 1)
    const referable: Referable = { value, size: undefined }
    this.#referables.push(referable)
    const usedBefore = this.#budget.used
    fill()
    referable.size = this.#budget.used - usedBefore + 1
    return value
  }

  #reference(index: number): AmfValue {
    const referable = this.#referables[index]
    if (referable?.size === undefined) {
      throw new AmfError('bad-reference', this.#offset, `refers to object ${index}, which is absent or contains itself`)
    }
    this.#budget.spend(referable.size, this.#offset)
    return referable.value
  }

  /** Dense values as an array; an array with named values as an object with both. §3.11 */
  #array(count: number, depth: number) {
    this.#checkCount(count, 1)
    const firstName = this.#string()
    if (firstName === '') {
      const array: AmfValue[] = []
      return {
        value: array,
        fill: () => {
          for (let i = 0; i < count; i++) array.push(this.read(depth + 1))
        },
      }
    }
    const object: Record<string, AmfValue> = Object.create(null)
    return {
      value: object as AmfObject,
      fill: () => {
        for (let name = firstName; name !== ''; name = this.#string()) object[name] = this.read(depth + 1)
        for (let i = 0; i < count; i++) object[i] = this.read(depth + 1)
      },
    }
  }

  #object(flags: number, depth: number) {
    const traits = this.#readTraits(flags)
    const object: Record<string, AmfValue> = Object.create(null)
    return {
      value: object as AmfObject,
      fill: () => {
        for (const name of traits.names) object[name] = this.read(depth + 1)
        if (!traits.isDynamic) return
        for (let name = this.#string(); name !== ''; name = this.#string()) object[name] = this.read(depth + 1)
      },
    }
  }

  #readTraits(flags: number): Traits {
    if ((flags & 1) === 0) {
      const traits = this.#traits[flags >> 1]
      if (traits === undefined)
        throw new AmfError('bad-reference', this.#offset, `refers to absent traits ${flags >> 1}`)
      return traits
    }
    if ((flags & 2) !== 0) {
      throw new AmfError(
        'unknown-marker',
        this.#offset,
        'holds an externalizable object, whose length only its class knows',
      )
    }
    const count = flags >> 3
    this.#checkCount(count, 1)
    this.#string() // class-name
    const names: string[] = []
    for (let i = 0; i < count; i++) names.push(this.#string())
    const traits: Traits = { names, isDynamic: (flags & 4) !== 0 }
    this.#traits.push(traits)
    return traits
  }

  #vector(count: number, itemBytes: number, next: () => number): AmfValue {
    this.#advance(1) // fixed-vector flag
    this.#checkCount(count, itemBytes)
    this.#budget.spend(count, this.#offset)
    return Array.from({ length: count }, next)
  }

  #objectVector(count: number, depth: number) {
    this.#advance(1) // fixed-vector flag
    this.#string() // object-type-name
    this.#checkCount(count, 1)
    const array: AmfValue[] = []
    return {
      value: array,
      fill: () => {
        for (let i = 0; i < count; i++) array.push(this.read(depth + 1))
      },
    }
  }

  #dictionary(count: number, depth: number) {
    this.#advance(1) // weak-keys flag
    this.#checkCount(count, 2)
    const object: Record<string, AmfValue> = Object.create(null)
    return {
      value: object as AmfObject,
      fill: () => {
        for (let i = 0; i < count; i++) {
          const key = this.read(depth + 1)
          object[typeof key === 'string' ? key : `${typeof key}:${i}`] = this.read(depth + 1)
        }
      },
    }
  }

  #string(): string {
    const header = this.#u29()
    if ((header & 1) === 0) {
      const known = this.#strings[header >> 1]
      if (known === undefined)
        throw new AmfError('bad-reference', this.#offset, `refers to absent string ${header >> 1}`)
      return known
    }
    const text = decoder.decode(this.#take(header >> 1))
    if (text !== '') this.#strings.push(text) // §1.3.2: the empty string is never sent by reference
    return text
  }

  /** Variable-length unsigned 29-bit integer. §1.3.1 */
  #u29(): number {
    let value = 0
    for (let i = 0; i < 3; i++) {
      const byte = this.#view.getUint8(this.#advance(1))
      if (byte < 0x80) return (value << 7) | byte
      value = (value << 7) | (byte & 0x7f)
    }
    return (value << 8) | this.#view.getUint8(this.#advance(1))
  }

  #double(): number {
    return this.#view.getFloat64(this.#advance(8))
  }

  #take(bytes: number): Uint8Array {
    const at = this.#advance(bytes)
    return this.#bytes.subarray(at, at + bytes)
  }

  #checkCount(count: number, bytesEach: number): void {
    if (count * bytesEach > this.#bytes.length - this.#offset) {
      throw new AmfError('truncated', this.#offset, `announces ${count} values, more than its bytes can hold`)
    }
  }

  #advance(bytes: number): number {
    const at = this.#offset
    if (at + bytes > this.#bytes.length) {
      throw new AmfError('truncated', at, `ends where ${bytes} more bytes are needed`)
    }
    this.#offset = at + bytes
    return at
  }
}
