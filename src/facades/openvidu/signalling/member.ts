import type { LeaveReason } from '#sessions/publication.ts'
import type { Connection } from '../connection.ts'
import type { Desk } from '../desk.ts'
import type { Room } from '../room.ts'
import type { Line } from './line.ts'
import { Playing } from './playing.ts'
import { Publishing } from './publishing.ts'
import type { Reply } from './reply.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'
import { idOf, Seat, sdpOf } from './seat.ts'
import { forceDisconnect, forceUnpublish, propertyChanged, signal } from './talking.ts'

/** How long a lost socket, or lost media, may stay away. spec section 7.11. */
const RECONNECT_MS = 10_000
/** From being told to leave to the end of the socket. spec section 7.9. */
const FAREWELL_MS = 1_000
/** Of notifications for a client that is away. */
const MAX_QUEUED = 1_000

/** Nothing to be done: candidates are not needed by who is found by them, measurements by nobody. */
const UNNEEDED = ['onIceCandidate', 'videoData', 'echo']

/** A participant as the protocol knows it: his socket, which he may lose and find again, and what he asks. spec section 7. */
export class Member {
  /** Of the protocol's own session. */
  readonly rpcId: string
  readonly #seat: Seat
  readonly #publishing: Publishing
  readonly #playing: Playing
  #line: Line | undefined
  #queued: { readonly method: string; readonly params: object }[] = []
  #away: NodeJS.Timeout | undefined

  constructor(desk: Desk, room: Room, connection: Connection, line: Line) {
    this.rpcId = desk.runtime.newId()
    this.#line = line
    this.#seat = new Seat(desk, room, connection, () => this.#line?.caller)
    this.#publishing = new Publishing(this.#seat, RECONNECT_MS)
    this.#playing = new Playing(this.#seat)
  }

  /** Undefined: the socket is lost, and may come back. */
  get line(): Line | undefined {
    return this.#line
  }

  get isGone(): boolean {
    return this.#seat.isLeft
  }

  notify(method: string, params: object): void {
    if (this.#line !== undefined) this.#line.notify(method, params)
    else if (this.#queued.length < MAX_QUEUED) this.#queued.push({ method, params })
  }

  /** The socket has gone; media go on. */
  lineLost(isGoodbye: boolean): void {
    this.#line = undefined
    if (this.isGone) return
    if (isGoodbye) this.#leave('left')
    else this.#away = setTimeout(() => this.#leave('lost'), RECONNECT_MS).unref()
  }

  /** The client is back by another socket. */
  lineFound(line: Line): void {
    clearTimeout(this.#away)
    const old = this.#line
    this.#line = line
    if (old !== undefined && old !== line) old.close()
    const queued = this.#queued
    this.#queued = []
    for (const { method, params } of queued) line.notify(method, params)
  }

  /** Called by the room when he leaves, or is made to. */
  left(reason: LeaveReason): void {
    clearTimeout(this.#away)
    this.#publishing.close()
    this.#playing.close()
    const line = this.#line
    // The room tells him first that he has to go.
    setTimeout(() => line?.close(), FAREWELL_MS).unref()
    const { desk, room } = this.#seat
    desk.runtime.log.debug({ event: 'facade.participant-left', session: room.id, reason })
  }

  /** @throws {RpcRefusal} */
  async call(method: string, params: RpcParams): Promise<Reply> {
    if (method === 'leaveRoom') return { result: {}, after: () => this.#leave('left') }
    if (this.isGone) throw new RpcRefusal(RPC_CODES.notJoined, 'the participant has left')
    switch (method) {
      case 'publishVideo':
        return this.#publishing.publish(params)
      case 'unpublishVideo':
        return this.#publishing.unpublish()
      case 'receiveVideoFrom':
        return this.#playing.receive(idOf(params, 'sender'), sdpOf(params, 'sdpOffer'))
      case 'unsubscribeFromVideo':
        this.#playing.stop(idOf(params, 'sender'))
        return { result: {} }
      case 'reconnectStream':
        return this.#reconnect(params)
      case 'sendMessage':
        return signal(this.#seat, params)
      case 'streamPropertyChanged':
        return propertyChanged(this.#seat, params)
      case 'forceDisconnect':
        return forceDisconnect(this.#seat, params)
      case 'forceUnpublish':
        return forceUnpublish(this.#seat, params)
      default:
        if (UNNEEDED.includes(method)) return { result: {} }
        throw new RpcRefusal(RPC_CODES.methodUnknown, `${method.slice(0, 64)} is not supported`)
    }
  }

  /** spec section 7.8: new media for a stream that goes on. */
  #reconnect(params: RpcParams): Promise<Reply> {
    const id = idOf(params, 'stream')
    // Late libraries that play call it as they do when they begin.
    const sdp = sdpOf(params, 'sdpString', 'sdpOffer')
    return this.#publishing.isOwn(id) ? this.#publishing.reconnect(sdp) : this.#playing.receive(id, sdp)
  }

  #leave(reason: LeaveReason): void {
    this.#seat.connection.arrival?.participant.leave(reason)
  }
}
