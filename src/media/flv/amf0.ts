import { AmfBudget, AmfError, type AmfObject, type AmfValue, MAX_AMF_DEPTH } from './amf-value.ts'
import { Amf3Reader } from './amf3.ts'

/** Type markers. Adobe AMF 0, §2.1. */
const Marker = {
  number: 0,
  boolean: 1,
  string: 2,
  object: 3,
  null: 5,
  undefined: 6,
  reference: 7,
  ecmaArray: 8,
  objectEnd: 9,
  strictArray: 10,
  date: 11,
  longString: 12,
  unsupported: 13,
  xmlDocument: 15,
  typedObject: 16,
  amf3: 17,
} as const

const decoder = new TextDecoder()

/** A value already read that a reference may point to. `size` is undefined while it is still being read. */
interface Referable {
  readonly value: AmfValue
  size: number | undefined
}

/** Reads AMF0 values one after the other. Adobe AMF 0 specification. */
export class Amf0Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #budget = new AmfBudget()
  readonly #referables: Referable[] = []
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset
  }

  /** @throws {AmfError} truncated, too deep, too large, or a marker the specification does not define */
  read(): AmfValue {
    return this.#value(0)
  }

  #value(depth: number): AmfValue {
    if (depth > MAX_AMF_DEPTH) {
      throw new AmfError('too-deep', this.#offset, `is nested deeper than ${MAX_AMF_DEPTH} levels`)
    }
    this.#budget.spend(1, this.#offset)
    const marker = this.#u8()
    switch (marker) {
      case Marker.number:
        return this.#number()
      case Marker.boolean:
        return this.#u8() !== 0
      case Marker.string:
        return this.#text(this.#u16())
      case Marker.object:
        return this.#object(depth)
      case Marker.null:
        return null
      case Marker.undefined:
      case Marker.unsupported:
        return undefined
      case Marker.reference:
        return this.#reference()
      case Marker.ecmaArray:
        this.#skip(4) // associative-count: a hint that encoders get wrong
        return this.#object(depth)
      case Marker.strictArray:
        return this.#strictArray(depth)
      case Marker.date: {
        const date = new Date(this.#number())
        this.#skip(2) // time-zone: reserved, to be ignored
        return date
      }
      case Marker.longString:
      case Marker.xmlDocument:
        return this.#text(this.#u32())
      case Marker.typedObject:
        this.#text(this.#u16()) // class-name
        return this.#object(depth)
      case Marker.amf3:
        return this.#amf3(depth)
      default:
        throw new AmfError('unknown-marker', this.#offset - 1, `has the type marker ${marker}`)
    }
  }

  #object(depth: number): AmfObject {
    const object: Record<string, AmfValue> = Object.create(null)
    const referable = this.#refer(object)
    const usedBefore = this.#budget.used
    for (;;) {
      // Some encoders leave the end marker off the last object of a message.
      if (this.atEnd && depth === 0) break
      const key = this.#text(this.#u16())
      if (key === '' && this.#bytes[this.#offset] === Marker.objectEnd) {
        this.#offset++
        break
      }
      object[key] = this.#value(depth + 1)
    }
    referable.size = this.#budget.used - usedBefore + 1
    return object
  }

  #strictArray(depth: number): AmfValue[] {
    const count = this.#u32()
    // Every value takes at least its marker: a count beyond the bytes left is a lie, refused before memory is spent.
    if (count > this.#bytes.length - this.#offset) {
      throw new AmfError('truncated', this.#offset, `announces ${count} array values, more than its bytes can hold`)
    }
    const array: AmfValue[] = []
    const referable = this.#refer(array)
    const usedBefore = this.#budget.used
    for (let i = 0; i < count; i++) array.push(this.#value(depth + 1))
    referable.size = this.#budget.used - usedBefore + 1
    return array
  }

  #refer(value: AmfValue): Referable {
    const referable: Referable = { value, size: undefined }
    this.#referables.push(referable)
    return referable
  }

  #reference(): AmfValue {
    const index = this.#u16()
    const referable = this.#referables[index]
    if (referable?.size === undefined) {
      throw new AmfError('bad-reference', this.#offset, `refers to object ${index}, which is absent or contains itself`)
    }
    this.#budget.spend(referable.size, this.#offset)
    return referable.value
  }

  #amf3(depth: number): AmfValue {
    const reader = new Amf3Reader(this.#bytes, this.#offset, this.#budget)
    const value = reader.read(depth)
    this.#offset = reader.offset
    return value
  }

  #number(): number {
    const at = this.#advance(8)
    return this.#view.getFloat64(at)
  }

  #u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  #u16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  #u32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  #text(bytes: number): string {
    const at = this.#advance(bytes)
    return decoder.decode(this.#bytes.subarray(at, at + bytes))
  }

  #skip(bytes: number): void {
    this.#advance(bytes)
  }

  /** Moves on and returns where it was. */
  #advance(bytes: number): number {
    const at = this.#offset
    if (at + bytes > this.#bytes.length) {
      throw new AmfError('truncated', at, `ends where ${bytes} more bytes are needed`)
    }
    this.#offset = at + bytes
    return at
  }
}

/**
 * Every value in the bytes, to their end.
 * @throws {AmfError}
 */
export function decodeAmf0(bytes: Uint8Array): AmfValue[] {
  const reader = new Amf0Reader(bytes)
  const values: AmfValue[] = []
  while (!reader.atEnd) values.push(reader.read())
  return values
}

/** Marks fields to be written as an ECMA array (marker 8), the form onMetaData has by custom, instead of an object. */
export class AmfEcmaArray {
  readonly fields: Readonly<Record<string, AmfEncodable>>
  constructor(fields: Readonly<Record<string, AmfEncodable>>) {
    this.fields = fields
  }
}

/** What encodeAmf0 takes: every AmfValue except bytes, which AMF0 can't carry. */
export type AmfEncodable =
  | number
  | boolean
  | string
  | null
  | undefined
  | Date
  | AmfEcmaArray
  | readonly AmfEncodable[]
  | { readonly [key: string]: AmfEncodable }

const encoder = new TextEncoder()

/**
 * Writes values one after the other: plain objects as objects (3), arrays as strict arrays (10), AmfEcmaArray as ECMA
 * arrays (8).
 * @throws {AmfError} nested deeper than MAX_AMF_DEPTH
 */
export function encodeAmf0(...values: readonly AmfEncodable[]): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink()
  for (const value of values) writeValue(sink, value, 0)
  return sink.finish()
}

function writeValue(sink: ByteSink, value: AmfEncodable, depth: number): void {
  if (depth > MAX_AMF_DEPTH) {
    throw new AmfError('too-deep', sink.length, `would be nested deeper than ${MAX_AMF_DEPTH} levels`)
  }
  if (typeof value === 'number') {
    sink.u8(Marker.number)
    sink.f64(value)
  } else if (typeof value === 'boolean') {
    sink.u8(Marker.boolean)
    sink.u8(value ? 1 : 0)
  } else if (typeof value === 'string') {
    writeString(sink, value)
  } else if (value === null) {
    sink.u8(Marker.null)
  } else if (value === undefined) {
    sink.u8(Marker.undefined)
  } else if (value instanceof Date) {
    sink.u8(Marker.date)
    sink.f64(value.getTime())
    sink.u16(0)
  } else if (value instanceof AmfEcmaArray) {
    sink.u8(Marker.ecmaArray)
    sink.u32(Object.keys(value.fields).length)
    writeFields(sink, value.fields, depth)
  } else if (isArray(value)) {
    sink.u8(Marker.strictArray)
    sink.u32(value.length)
    for (const item of value) writeValue(sink, item, depth + 1)
  } else {
    sink.u8(Marker.object)
    writeFields(sink, value, depth)
  }
}

function writeString(sink: ByteSink, text: string): void {
  const bytes = encoder.encode(text)
  if (bytes.length > 0xffff) {
    sink.u8(Marker.longString)
    sink.u32(bytes.length)
  } else {
    sink.u8(Marker.string)
    sink.u16(bytes.length)
  }
  sink.bytes(bytes)
}

function writeFields(sink: ByteSink, fields: Readonly<Record<string, AmfEncodable>>, depth: number): void {
  for (const [key, value] of Object.entries(fields)) {
    const name = encoder.encode(key)
    if (name.length > 0xffff)
      throw new AmfError('unencodable', sink.length, 'would have a key of more than 65,535 bytes')
    sink.u16(name.length)
    sink.bytes(name)
    writeValue(sink, value, depth + 1)
  }
  sink.u16(0)
  sink.u8(Marker.objectEnd)
}

function isArray(value: AmfEncodable): value is readonly AmfEncodable[] {
  return Array.isArray(value)
}

/** A growing byte buffer, big-endian as all of AMF is. */
class ByteSink {
  #buffer = new Uint8Array(256)
  #view = new DataView(this.#buffer.buffer)
  length = 0

  u8(value: number): void {
    const at = this.#reserve(1) // may replace the view
    this.#view.setUint8(at, value)
  }

  u16(value: number): void {
    const at = this.#reserve(2) // may replace the view
    this.#view.setUint16(at, value)
  }

  u32(value: number): void {
    const at = this.#reserve(4) // may replace the view
    this.#view.setUint32(at, value)
  }

  f64(value: number): void {
    const at = this.#reserve(8) // may replace the view
    this.#view.setFloat64(at, value)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.length)
  }

  /** Makes room, moves on and returns where to write. */
  #reserve(bytes: number): number {
    const at = this.length
    this.length += bytes
    if (this.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#buffer.length * 2))
      grown.set(this.#buffer)
      this.#buffer = grown
      this.#view = new DataView(grown.buffer)
    }
    return at
  }
}
