import type { Reply } from './reply.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'
import { idOf, MAX_PROPERTY_CHARACTERS, type Seat } from './seat.ts'

const MAX_MESSAGE_CHARACTERS = 64 * 1024

/** `sendMessage`: to some, or to all, oneself among them. @throws {RpcRefusal} */
export function signal({ room, connection }: Seat, params: RpcParams): Reply {
  const message = readSignal(params.raw('message'))
  if (message === undefined) throw new RpcRefusal(RPC_CODES.signalFormat, 'the signal is not as it should be')
  const { to, type, data } = message
  const present = room.present()
  if (to.some((id) => !present.some((each) => each.id === id))) {
    throw new RpcRefusal(RPC_CODES.signalTo, 'the signal is for somebody who is not there')
  }
  return { result: {}, after: () => void room.signal(to, type, data, connection) }
}

/** `streamPropertyChanged`: muted, or of another size. spec section 7.8. @throws {RpcRefusal} */
export function propertyChanged({ room, connection }: Seat, params: RpcParams): Reply {
  const { published } = connection
  const streamId = idOf(params, 'streamId')
  const property = params.text('property', 64)
  if (published === undefined || published.stream.id !== streamId || property === undefined) {
    throw new RpcRefusal(RPC_CODES.notPublishing, 'that is not the stream of the participant')
  }
  const value = params.raw('newValue')
  const { stream } = published
  if (property === 'audioActive' || property === 'videoActive') stream[property] = String(value) === 'true'
  else if (property === 'videoDimensions' && typeof value === 'string' && value.length < MAX_PROPERTY_CHARACTERS) {
    stream.videoDimensions = value
  } else throw new RpcRefusal(RPC_CODES.generic, 'there is no such property, or it has no such value')
  const reason = params.text('reason', 64) ?? ''
  const changed = { connectionId: connection.id, streamId, property, newValue: JSON.stringify(value), reason }
  return { result: {}, after: () => room.tell('streamPropertyChanged', changed, connection) }
}

/** A MODERATOR sends somebody away. @throws {RpcRefusal} */
export function forceDisconnect(seat: Seat, params: RpcParams): Reply {
  requireModerator(seat)
  const other = seat.room.connection(idOf(params, 'connectionId'))
  if (other?.arrival === undefined) throw new RpcRefusal(RPC_CODES.userNotFound, 'there is no such participant')
  const { participant } = other.arrival
  return { result: {}, after: () => participant.leave('evicted-by-user') }
}

/** A MODERATOR ends somebody's stream. @throws {RpcRefusal} */
export function forceUnpublish(seat: Seat, params: RpcParams): Reply {
  requireModerator(seat)
  const publisher = seat.room.publisherOf(idOf(params, 'streamId'))
  const published = publisher?.published
  if (publisher?.kind === 'camera') throw new RpcRefusal(RPC_CODES.notAllowed, 'an IP camera can only be disconnected')
  if (published === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'there is no such stream')
  return { result: {}, after: () => published.publication.end('evicted-by-user') }
}

function requireModerator(seat: Seat): void {
  if (seat.participant().role !== 'moderator') throw new RpcRefusal(RPC_CODES.notAllowed, 'only a MODERATOR may')
}

function readSignal(message: unknown): { to: string[]; type: string; data: string } | undefined {
  if (typeof message !== 'string' || message.length > MAX_MESSAGE_CHARACTERS) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(message)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { to = [], type = '', data = '' } = parsed as Record<string, unknown>
  if (!Array.isArray(to) || !to.every((id) => typeof id === 'string')) return undefined
  return {
    to,
    type: typeof type === 'string' ? type : '',
    data: typeof data === 'string' ? data : JSON.stringify(data),
  }
}
