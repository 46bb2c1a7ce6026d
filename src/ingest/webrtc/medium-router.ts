import type { HeaderExtensions } from '#protocols/rtp/header-extensions.ts'
import type { RtpPacket } from '#protocols/rtp/packet.ts'
import type { ReceivedMedium } from '#protocols/webrtc/negotiation.ts'

/** Sources that a session may bring; each camera that is switched on may be a new one. Beyond it the oldest is forgotten. */
const MAX_SOURCES = 64

/** Where packets of a source go. */
export interface Route {
  /** Index of the medium. */
  readonly medium: number
  readonly isRetransmission: boolean
}

/**
 * Tells by its packets which medium a source belongs to (RFC 9143 §9.2): by what the description says of it, else by the
 * MID that a packet has, else by a payload type that only one medium has.
 */
export class MediumRouter {
  readonly #bySource = new Map<number, Route>()
  readonly #byMid = new Map<string, number>()
  /** By payload type; -1: several media have it. */
  readonly #byPayloadType = new Int8Array(128).fill(-1)
  readonly #isRetransmission = new Uint8Array(128)
  /** By medium: the layer that is taken. */
  readonly #rids = new Map<number, string>()

  constructor(media: readonly ReceivedMedium[]) {
    const taken = new Set<number>()
    for (const [index, { offered, format, retransmissionType, redundancyType }] of media.entries()) {
      this.#byMid.set(offered.mid, index)
      for (const ssrc of offered.ssrcs) this.#bySource.set(ssrc, { medium: index, isRetransmission: false })
      for (const ssrc of offered.retransmissions.keys()) {
        this.#bySource.set(ssrc, { medium: index, isRetransmission: true })
      }
      if (retransmissionType !== undefined) this.#isRetransmission[retransmissionType] = 1
      for (const type of [format.payloadType, retransmissionType, redundancyType]) {
        if (type === undefined) continue
        this.#byPayloadType[type] = taken.has(type) ? -1 : index
        taken.add(type)
      }
    }
  }

  /** Undefined: nobody knows whose it is. `extensions` have been read of the packet. */
  routeOf(packet: RtpPacket, extensions: HeaderExtensions): Route | undefined {
    return this.#bySource.get(packet.ssrc) ?? this.#learn(packet, extensions)
  }

  /** Of a source that packets came of, or that the description names. */
  mediumOf(ssrc: number): number | undefined {
    return this.#bySource.get(ssrc)?.medium
  }

  #learn({ ssrc, payloadType }: RtpPacket, { mid, rid, repairedRid }: HeaderExtensions): Route | undefined {
    const medium = (mid === undefined ? undefined : this.#byMid.get(mid)) ?? this.#byPayloadType[payloadType] ?? -1
    if (medium < 0) return undefined
    // Layers that were not asked for would take turns being the medium.
    const layer = rid ?? repairedRid
    if (layer !== undefined && (this.#rids.get(medium) ?? layer) !== layer) return undefined
    if (layer !== undefined) this.#rids.set(medium, layer)
    const route = { medium, isRetransmission: this.#isRetransmission[payloadType] === 1 }
    if (this.#bySource.size >= MAX_SOURCES) {
      for (const oldest of this.#bySource.keys()) {
        this.#bySource.delete(oldest)
        break
      }
    }
    this.#bySource.set(ssrc, route)
    return route
  }
}
