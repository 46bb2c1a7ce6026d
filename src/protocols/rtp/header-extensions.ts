import { type RtpPacket, u16 } from './packet.ts'

/** RFC 8285 §4.2 and §4.3; the lower four bits of the two-byte form's profile are the application's. */
const ONE_BYTE_PROFILE = 0xbede
const TWO_BYTE_PROFILE = 0x1000
/** Of the one-byte form: nothing behind it is to be read (RFC 8285 §4.2). */
const STOP_ID = 15

/** What an `a=extmap` line calls the extensions that are read here. */
export const EXTENSION_URIS = {
  /** RFC 9143 §15. */
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  /** RFC 8852 §4. */
  rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  repairedRid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  /** draft-holmer-rmcat-transport-wide-cc-extensions-01 §2. */
  transportSequence: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
} as const

/** The ids that were negotiated, 1 to 255; left out: not negotiated. */
export type HeaderExtensionIds = { readonly [Name in keyof typeof EXTENSION_URIS]?: number | undefined }

/** Header extensions of RTP packets (RFC 8285) as a reusable view: `read` finds them, the getters copy what is asked for. */
export class HeaderExtensions {
  readonly #mid: number
  readonly #rid: number
  readonly #repairedRid: number
  readonly #transportSequence: number
  #bytes: Uint8Array = new Uint8Array(0)
  #midStart = 0
  #midEnd = 0
  #ridStart = 0
  #ridEnd = 0
  #repairedRidStart = 0
  #repairedRidEnd = 0
  /** Counts all packets of a transport, 16 bits; -1: the packet has none. */
  transportSequence = -1

  constructor(ids: HeaderExtensionIds) {
    this.#mid = ids.mid ?? 0
    this.#rid = ids.rid ?? 0
    this.#repairedRid = ids.repairedRid ?? 0
    this.#transportSequence = ids.transportSequence ?? 0
  }

  /** The medium the packet belongs to; undefined when it does not say. */
  get mid(): string | undefined {
    return this.#text(this.#midStart, this.#midEnd)
  }

  /** The encoding of the medium it belongs to; undefined when it does not say. */
  get rid(): string | undefined {
    return this.#text(this.#ridStart, this.#ridEnd)
  }

  /** The encoding that a retransmission belongs to; undefined when it does not say. */
  get repairedRid(): string | undefined {
    return this.#text(this.#repairedRidStart, this.#repairedRidEnd)
  }

  /** Borrows the packet's memory. What is malformed, and what follows it, is left out. */
  read(packet: RtpPacket): void {
    this.#bytes = packet.bytes
    this.#midStart = this.#midEnd = 0
    this.#ridStart = this.#ridEnd = 0
    this.#repairedRidStart = this.#repairedRidEnd = 0
    this.transportSequence = -1
    if (packet.extensionStart === packet.extensionEnd) return
    const isOneByte = packet.extensionProfile === ONE_BYTE_PROFILE
    if (!isOneByte && (packet.extensionProfile & 0xfff0) !== TWO_BYTE_PROFILE) return
    const { bytes, extensionStart, extensionEnd } = packet
    let at = extensionStart
    while (at < extensionEnd) {
      const first = bytes[at] ?? 0
      // Padding.
      if (first === 0) {
        at++
        continue
      }
      const id = isOneByte ? first >> 4 : first
      if (isOneByte && id === STOP_ID) return
      const start = at + (isOneByte ? 1 : 2)
      const end = start + (isOneByte ? (first & 0x0f) + 1 : (bytes[at + 1] ?? 0))
      if (end > extensionEnd) return
      this.#found(id, start, end)
      at = end
    }
  }

  #found(id: number, start: number, end: number): void {
    if (id === this.#transportSequence) {
      if (end - start >= 2) this.transportSequence = u16(this.#bytes, start)
    } else if (id === this.#mid) {
      this.#midStart = start
      this.#midEnd = end
    } else if (id === this.#rid) {
      this.#ridStart = start
      this.#ridEnd = end
    } else if (id === this.#repairedRid) {
      this.#repairedRidStart = start
      this.#repairedRidEnd = end
    }
  }

  #text(start: number, end: number): string | undefined {
    return start === end ? undefined : Buffer.from(this.#bytes.subarray(start, end)).toString('utf8')
  }
}
