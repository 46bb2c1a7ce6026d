import { TapedeckError } from '#base/error.ts'
import { bytesEqual, copyOf } from '#media/bytes.ts'
import type { DepacketizerOptions, UnitSink } from './payload-format.ts'

/** What differs between the codecs made of NAL units. */
export interface NalSyntax {
  /** Of a NAL unit's first byte. */
  typeOf(firstByte: number): number
  isSlice(type: number): boolean
  /** Whether the slice whose first bytes these are begins a picture. */
  beginsPicture(bytes: Uint8Array, start: number): boolean
  isParameterSet(type: number): boolean
  /** A key under which a set replaces an earlier one: its type and id. */
  parameterSetKey(unit: Uint8Array): number
  /** Of all sets; undefined while some are missing. @throws TapedeckError they are malformed */
  configuration(sets: readonly Uint8Array[]): Uint8Array | undefined
}

/** More parameter sets than this are an attack on our memory, larger ones too. */
const MAX_SETS = 64
const MAX_SET_BYTES = 4096

/**
 * Puts NAL units into access units with 4-byte lengths: what has one timestamp is one access unit, which ends with the
 * marker where the sender sets it as it should (once), and with the next timestamp in any case. Parameter sets stay in
 * the access unit as they came and make the configuration besides.
 */
export class NalAssembler {
  readonly #sink: UnitSink
  readonly #syntax: NalSyntax
  readonly #configured: DepacketizerOptions['configured']
  readonly #sets = new Map<number, Uint8Array>()
  #configuration: Uint8Array | undefined
  #setsChanged = false
  #timestamp: number | undefined
  /** The last access unit was ended by its marker: another packet of the same time shows that markers mean nothing. */
  #endedByMarker = false
  #markersAreWrong = false
  #hasSlice = false
  #isDamaged = false
  #followsLoss = false
  /** Where the length of the fragmented NAL unit stands; -1 outside of one. */
  #fragmentAt = -1
  #fragmentSet: Uint8Array[] | undefined

  constructor(sink: UnitSink, syntax: NalSyntax, configured: DepacketizerOptions['configured']) {
    this.#sink = sink
    this.#syntax = syntax
    this.#configured = configured
  }

  /** Sets from the session description. Malformed ones count as missing: cameras get these wrong. */
  preset(units: readonly Uint8Array[]): void {
    for (const unit of units) this.#take(unit, 0, unit.length)
    this.#configure()
  }

  /** A packet begins. */
  packet(timestamp: number, lostBefore: number): void {
    if (this.#timestamp !== timestamp) {
      const wasOpen = this.#sink.length > 0
      // The end of the open unit may be among what is missing.
      if (lostBefore > 0 && wasOpen) this.#isDamaged = true
      this.#finish()
      this.#timestamp = timestamp
      this.#endedByMarker = false
      if (lostBefore > 0) this.#followsLoss = true
    } else if (this.#endedByMarker) {
      this.#markersAreWrong = true
      this.#endedByMarker = false
      this.#isDamaged = true
    } else if (lostBefore > 0) {
      this.#isDamaged = true
    }
    if (lostBefore > 0) this.#breakFragment()
  }

  /** A whole NAL unit. */
  unit(bytes: Uint8Array, start: number, end: number): void {
    this.#breakFragment()
    if (end <= start) return
    this.#note(bytes[start] ?? 0, bytes, start)
    const type = this.#syntax.typeOf(bytes[start] ?? 0)
    if (this.#syntax.isParameterSet(type)) this.#take(bytes, start, end)
    const at = this.#sink.reserve(4)
    this.#sink.setUint32(at, end - start)
    this.#sink.append(bytes, start, end)
  }

  /** The first fragment of a NAL unit: its header, rebuilt, and the bytes after it. */
  fragmentStart(header: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    this.#breakFragment()
    const type = this.#syntax.typeOf(header[0] ?? 0)
    if (this.#syntax.isSlice(type)) {
      if (this.#followsLoss && !this.#hasSlice) {
        const head = new Uint8Array(header.length + 1)
        head.set(header)
        head[header.length] = bytes[start] ?? 0
        this.#note(header[0] ?? 0, head, 0)
      }
      this.#hasSlice = true
    }
    this.#fragmentSet = this.#syntax.isParameterSet(type) ? [copyOf(header)] : undefined
    this.#fragmentAt = this.#sink.reserve(4)
    this.#sink.append(header, 0, header.length)
    this.#appendFragment(bytes, start, end)
  }

  fragment(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if (this.#fragmentAt === -1) {
      // Its beginning is missing.
      this.#isDamaged = true
      return
    }
    this.#appendFragment(bytes, start, end)
    if (isLast) this.#endFragment()
  }

  /** The packet was the last of its access unit, says the sender. */
  marker(): void {
    if (this.#markersAreWrong || !this.#hasSlice) return
    this.#finish()
    this.#endedByMarker = true
  }

  /** Something in the packet could not be used. */
  damaged(): void {
    this.#isDamaged = true
  }

  flush(): void {
    this.#finish()
  }

  #appendFragment(bytes: Uint8Array, start: number, end: number): void {
    this.#sink.append(bytes, start, end)
    const set = this.#fragmentSet
    if (set !== undefined && set.length < MAX_SETS) set.push(copyOf(bytes.subarray(start, end)))
  }

  #endFragment(): void {
    this.#sink.setUint32(this.#fragmentAt, this.#sink.length - this.#fragmentAt - 4)
    this.#fragmentAt = -1
    if (this.#fragmentSet === undefined) return
    const unit = new Uint8Array(Buffer.concat(this.#fragmentSet))
    this.#fragmentSet = undefined
    this.#take(unit, 0, unit.length)
  }

  /** The rest of a fragmented NAL unit won't come: what there is stays, marked. */
  #breakFragment(): void {
    if (this.#fragmentAt === -1) return
    this.#fragmentSet = undefined
    this.#isDamaged = true
    this.#endFragment()
  }

  #note(firstByte: number, bytes: Uint8Array, start: number): void {
    if (!this.#syntax.isSlice(this.#syntax.typeOf(firstByte))) return
    if (!this.#hasSlice && this.#followsLoss && !this.#syntax.beginsPicture(bytes, start)) this.#isDamaged = true
    this.#hasSlice = true
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2 || end - start > MAX_SET_BYTES) return
    const unit = bytes.subarray(start, end)
    const key = this.#syntax.parameterSetKey(unit)
    const known = this.#sets.get(key)
    if (known !== undefined && bytesEqual(known, unit)) return
    if (known === undefined && this.#sets.size >= MAX_SETS) return
    this.#sets.set(key, copyOf(unit))
    this.#setsChanged = true
  }

  #configure(): void {
    if (!this.#setsChanged) return
    this.#setsChanged = false
    try {
      const configuration = this.#syntax.configuration([...this.#sets.values()])
      if (configuration === undefined) return
      if (this.#configuration !== undefined && bytesEqual(this.#configuration, configuration)) return
      this.#configured(configuration, {})
      this.#configuration = configuration
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // Sets that make no sense are as good as none; right ones may follow.
      this.#sets.clear()
    }
  }

  #finish(): void {
    this.#breakFragment()
    const { length } = this.#sink
    if (length > 0) {
      this.#configure()
      this.#sink.finish({
        rtpTimestamp: this.#timestamp ?? 0,
        isDamaged: this.#isDamaged,
        followsLoss: this.#followsLoss,
      })
      this.#followsLoss = false
    } else if (this.#isDamaged) {
      this.#followsLoss = true
    }
    this.#hasSlice = false
    this.#isDamaged = false
  }
}
