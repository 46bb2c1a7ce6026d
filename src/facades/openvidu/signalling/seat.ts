import type { PlayRequest, WebRtcApi } from '#hub/webrtc.ts'
import type { Participant } from '#sessions/participant.ts'
import type { Connection } from '../connection.ts'
import type { Desk } from '../desk.ts'
import type { Room } from '../room.ts'
import type { Caller } from './line.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'

/** Of a description. */
const MAX_SDP_CHARACTERS = 64 * 1024
const MAX_ID_CHARACTERS = 256
/** Of what clients say of a stream. */
export const MAX_PROPERTY_CHARACTERS = 1_024

/** A place in a room that a client speaks for, and what its requests are about. */
export class Seat {
  readonly desk: Desk
  readonly room: Room
  readonly connection: Connection
  readonly #caller: () => Caller | undefined

  /** @param caller undefined while the socket is lost */
  constructor(desk: Desk, room: Room, connection: Connection, caller: () => Caller | undefined) {
    this.desk = desk
    this.room = room
    this.connection = connection
    this.#caller = caller
  }

  get isLeft(): boolean {
    return this.connection.arrival?.participant.left !== undefined
  }

  /** @throws {RpcRefusal} */
  participant(): Participant {
    const { arrival } = this.connection
    if (arrival === undefined) throw new RpcRefusal(RPC_CODES.notJoined, 'the participant has left')
    return arrival.participant
  }

  /** @throws {RpcRefusal} */
  webrtc(): Pick<WebRtcApi, 'publish' | 'play'> {
    const { webrtc } = this.desk.control
    if (webrtc === undefined) throw new RpcRefusal(RPC_CODES.media, 'WebRTC is off here: see webrtc.udp')
    return webrtc
  }

  /** A description the client has sent, as the core takes it. */
  offer(sdp: string, path: string): PlayRequest {
    const caller = this.#caller()
    return {
      path,
      sdp,
      remoteAddress: caller?.remoteAddress ?? '',
      remotePort: caller?.remotePort ?? 0,
      localAddress: caller?.localAddress ?? '',
      localPort: caller?.localPort ?? 0,
      encoder: caller?.userAgent ?? '',
      query: {},
    }
  }
}

/** The first of these members that is a description. @throws {RpcRefusal} none is */
export function sdpOf(params: RpcParams, ...names: readonly [string, ...string[]]): string {
  for (const name of names) {
    const sdp = params.text(name, MAX_SDP_CHARACTERS)
    if (sdp !== undefined) return sdp
  }
  throw new RpcRefusal(RPC_CODES.sdp, `${names[0]} is missing`)
}

/** A member that names a connection or a stream; empty: it does not. */
export function idOf(params: RpcParams, name: string): string {
  return params.text(name, MAX_ID_CHARACTERS) ?? ''
}
