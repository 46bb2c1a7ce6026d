import { errorCode, errorMessage } from '#base/error.ts'
import type { PublishRequest, WebRtcApi, WebRtcSession } from '#hub/webrtc.ts'
import type { LeaveReason, Publication, Subscription, UnpublishReason } from '#sessions/publication.ts'
import type { Connection } from '../connection.ts'
import type { Desk } from '../desk.ts'
import { newIds } from '../ids.ts'
import type { PublishedStream } from '../properties.ts'
import type { Room } from '../room.ts'
import { codecsOf, isForced } from './codecs.ts'
import type { Line } from './line.ts'
import { offeredKinds } from './offer.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'
import { streamObject } from './stream-object.ts'

/** How long a lost socket, or lost media, may stay away. spec section 7.11. */
const RECONNECT_MS = 10_000
/** From being told to leave to the end of the socket. spec section 7.9. */
const FAREWELL_MS = 1_000
/** A stream that is announced begins when its publisher is connected; clients wait 10 seconds for an answer. */
const STREAM_WAIT_MS = 8_000
/** Of notifications for a client that is away. */
const MAX_QUEUED = 1_000

const MAX_SDP_CHARACTERS = 64 * 1024
const MAX_ID_CHARACTERS = 256
const MAX_MESSAGE_CHARACTERS = 64 * 1024
const MAX_PROPERTY_CHARACTERS = 1_024

/** Nothing to be done: candidates are not needed by who is found by them, measurements by nobody. */
const UNNEEDED = ['onIceCandidate', 'videoData', 'echo']

/** What a request is answered with, and what is to be done when it is on its way. */
export interface Reply {
  readonly result: object
  readonly after?: () => void
}

/** What a client plays of another's. */
interface Played {
  readonly media: WebRtcSession
  readonly subscription: Subscription
}

/** A participant as the protocol knows it: his socket, his media. spec sections 7.8 to 7.11. */
export class Member {
  /** Of the protocol's own session. */
  readonly rpcId: string
  readonly #desk: Desk
  readonly #room: Room
  readonly #connection: Connection
  #line: Line | undefined
  #queued: { readonly method: string; readonly params: object }[] = []
  #away: NodeJS.Timeout | undefined
  #isPublishing = false
  #publishedMedia: WebRtcSession | undefined
  #mediaAway: NodeJS.Timeout | undefined
  /** By connection id of the publisher. */
  readonly #played = new Map<string, Played>()

  constructor(desk: Desk, room: Room, connection: Connection, line: Line) {
    this.rpcId = desk.runtime.newId()
    this.#desk = desk
    this.#room = room
    this.#connection = connection
    this.#line = line
  }

  /** Undefined: the socket is lost, and may come back. */
  get line(): Line | undefined {
    return this.#line
  }

  get isGone(): boolean {
    return this.#connection.arrival?.participant.left !== undefined
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
    clearTimeout(this.#mediaAway)
    for (const { media } of this.#played.values()) media.close({ cause: 'unpublished', message: 'the player left' })
    this.#played.clear()
    const line = this.#line
    // The room tells him first that he has to go.
    setTimeout(() => line?.close(), FAREWELL_MS).unref()
    this.#desk.runtime.log.debug({ event: 'facade.participant-left', session: this.#room.id, reason })
  }

  /** @throws {RpcRefusal} */
  async call(method: string, params: RpcParams): Promise<Reply> {
    if (method === 'leaveRoom') return { result: {}, after: () => this.#leave('left') }
    if (this.isGone) throw new RpcRefusal(RPC_CODES.notJoined, 'the participant has left')
    switch (method) {
      case 'publishVideo':
        return this.#publish(params)
      case 'unpublishVideo':
        return this.#unpublish()
      case 'receiveVideoFrom':
        return this.#receive(params.text('sender', MAX_ID_CHARACTERS), params.text('sdpOffer', MAX_SDP_CHARACTERS))
      case 'unsubscribeFromVideo':
        this.#stopPlaying(params.text('sender', MAX_ID_CHARACTERS) ?? '')
        return { result: {} }
      case 'reconnectStream':
        return this.#reconnect(params)
      case 'sendMessage':
        return this.#signal(params)
      case 'streamPropertyChanged':
        return this.#propertyChanged(params)
      case 'forceDisconnect':
        return this.#forceDisconnect(params)
      case 'forceUnpublish':
        return this.#forceUnpublish(params)
      default:
        if (UNNEEDED.includes(method)) return { result: {} }
        throw new RpcRefusal(RPC_CODES.methodUnknown, `${method.slice(0, 64)} is not supported`)
    }
  }

  async #publish(params: RpcParams): Promise<Reply> {
    const participant = this.#participant()
    if (participant.role === 'subscriber' || this.#connection.isRecorder) {
      throw new RpcRefusal(RPC_CODES.notAllowed, 'a SUBSCRIBER may not publish')
    }
    if (this.#isPublishing) throw new RpcRefusal(RPC_CODES.publishingAlready, 'the participant publishes already')
    const sdp = params.text('sdpOffer', MAX_SDP_CHARACTERS)
    if (sdp === undefined) throw new RpcRefusal(RPC_CODES.sdp, 'sdpOffer is missing')
    const offered = offeredKinds(sdp)
    const hasAudio = offered.audio && params.flag('hasAudio') !== false
    const hasVideo = offered.video && params.flag('hasVideo') !== false
    const named = params.text('typeOfVideo', 16) ?? ''
    const typeOfVideo = hasVideo ? (named === '' ? 'CAMERA' : named) : undefined
    const id = newIds.stream(typeOfVideo, this.#connection.id)
    this.#isPublishing = true
    let publication: Publication
    let media: WebRtcSession
    try {
      media = await this.#publishMedia(sdp, this.#pathOf(id))
      publication = this.#announce(id, { hasAudio, hasVideo, isScreen: typeOfVideo === 'SCREEN' }, media)
    } catch (error) {
      this.#isPublishing = false
      throw error
    }
    const dimensions = params.text('videoDimensions', MAX_PROPERTY_CHARACTERS)
    const stream: PublishedStream = {
      id,
      createdAt: publication.createdAtMs,
      hasAudio,
      hasVideo,
      audioActive: hasAudio && params.flag('audioActive') !== false,
      videoActive: hasVideo && params.flag('videoActive') !== false,
      typeOfVideo,
      frameRate: params.integer('frameRate') ?? null,
      videoDimensions: hasVideo ? (dimensions ?? '{"width":640,"height":480}') : undefined,
    }
    this.#connection.published = { publication, stream }
    const result = { sdpAnswer: media.answer, id, createdAt: stream.createdAt }
    return {
      result,
      after: () => {
        const told = { id: this.#connection.id, streams: [streamObject(stream)] }
        if (publication.ended === undefined) this.#room.tell('participantPublished', told, this.#connection)
      },
    }
  }

  /** @throws {RpcRefusal} */
  #announce(
    id: string,
    { hasAudio, hasVideo, isScreen }: { hasAudio: boolean; hasVideo: boolean; isScreen: boolean },
    media: WebRtcSession,
  ): Publication {
    try {
      return this.#participant().publish({
        id,
        kind: isScreen ? 'screen' : 'camera',
        hasAudio,
        hasVideo,
        end: (reason) => this.#published(reason),
      })
    } catch (error) {
      // He has left meanwhile, or was made a subscriber.
      media.close({ cause: 'disconnected', message: errorMessage(error) })
      throw new RpcRefusal(RPC_CODES.notAllowed, errorMessage(error))
    }
  }

  /** The publication has ended, whoever ended it. */
  #published(reason: UnpublishReason): void {
    clearTimeout(this.#mediaAway)
    const media = this.#publishedMedia
    this.#publishedMedia = undefined
    this.#isPublishing = false
    const cause = reason === 'shutdown' ? 'shutdown' : reason === 'lost' ? 'lost' : 'unpublished'
    media?.close({ cause, message: `the stream ended: ${reason}` })
  }

  async #publishMedia(sdp: string, path: string): Promise<WebRtcSession> {
    const { settings } = this.#desk
    const { properties } = this.#room
    const { kurentoOptions } = this.#connection.properties
    const kbps = kurentoOptions?.videoMaxRecvBandwidth ?? settings.videoKbps.maxReceive
    const codecs = codecsOf(properties)
    const request: PublishRequest = {
      ...this.#offer(sdp, path),
      ...(codecs !== undefined && { codecs }),
      ...(kbps > 0 && { maxBitrateBps: kbps * 1000 }),
    }
    try {
      const media = await this.#webrtc().publish(request)
      this.#publishedMedia = media
      media.stateChanged.listen(() => this.#mediaChanged(media))
      return media
    } catch (error) {
      const isLacking = errorCode(error) === 'webrtc/no-common-codec'
      const code = isLacking && isForced(properties) ? RPC_CODES.forcedCodec : RPC_CODES.sdp
      throw new RpcRefusal(code, errorMessage(error))
    }
  }

  /** Media that break off may come again under the same id (reconnectStream), for as long as a socket may. */
  #mediaChanged(media: WebRtcSession): void {
    if (media.state === 'ended' && this.#publishedMedia === media) this.#awaitMedia()
  }

  #awaitMedia(): void {
    const publication = this.#connection.published?.publication
    clearTimeout(this.#mediaAway)
    this.#mediaAway = setTimeout(() => publication?.end('lost'), RECONNECT_MS)
    this.#mediaAway.unref()
  }

  #unpublish(): Reply {
    const published = this.#connection.published
    if (published === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'the participant does not publish')
    return { result: {}, after: () => published.publication.end('unpublished') }
  }

  async #receive(sender: string | undefined, sdp: string | undefined): Promise<Reply> {
    const publisher = sender === undefined ? undefined : this.#publisher(sender)
    if (publisher?.published === undefined)
      throw new RpcRefusal(RPC_CODES.notPublishing, `nobody publishes ${sender ?? ''}`)
    if (sdp === undefined) throw new RpcRefusal(RPC_CODES.sdp, 'sdpOffer is missing')
    const { publication } = publisher.published
    await this.#streamOf(publication)
    let media: WebRtcSession
    try {
      media = await this.#webrtc().play(this.#offer(sdp, publication.path))
    } catch (error) {
      const isLacking = errorCode(error) === 'webrtc/player-lacks-codec'
      const code = isForced(this.#room.properties) ? RPC_CODES.forcedCodec : RPC_CODES.endpoint
      throw new RpcRefusal(isLacking ? code : RPC_CODES.sdp, errorMessage(error))
    }
    if (this.isGone || publication.ended !== undefined) {
      media.close({ cause: 'unpublished', message: 'there is nobody to play, or to play to' })
      throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has ended')
    }
    this.#stopPlaying(publisher.id)
    const subscription = this.#participant().subscribe(publication)
    this.#played.set(publisher.id, { media, subscription })
    media.stateChanged.listen(() => {
      if (media.state === 'ended' && this.#played.get(publisher.id)?.media === media) this.#stopPlaying(publisher.id)
    })
    return { result: { sdpAnswer: media.answer } }
  }

  /** Its media begin a moment after it was announced. @throws {RpcRefusal} they don't */
  async #streamOf(publication: Publication): Promise<void> {
    if (publication.stream !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = this.#desk.control.hub.streamStarted.listen(({ path }) => {
      if (path === publication.path) resolve()
    })
    const timer = setTimeout(resolve, STREAM_WAIT_MS)
    await promise
    clearTimeout(timer)
    if (publication.stream === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has not begun')
  }

  #stopPlaying(publisherId: string): void {
    const played = this.#played.get(publisherId)
    this.#played.delete(publisherId)
    played?.subscription[Symbol.dispose]()
    played?.media.close({ cause: 'unpublished', message: 'the player has enough' })
  }

  /** spec section 7.8: new media for a stream that goes on. */
  async #reconnect(params: RpcParams): Promise<Reply> {
    const id = params.text('stream', MAX_ID_CHARACTERS)
    // Late libraries that play call it as they do when they begin.
    const sdp = params.text('sdpString', MAX_SDP_CHARACTERS) ?? params.text('sdpOffer', MAX_SDP_CHARACTERS)
    const published = this.#connection.published
    if (published === undefined || published.stream.id !== id) return this.#receive(id, sdp)
    if (sdp === undefined) throw new RpcRefusal(RPC_CODES.sdp, 'sdpString is missing')
    const { stream, publication } = published
    const old = this.#publishedMedia
    this.#publishedMedia = undefined
    this.#awaitMedia()
    old?.close({ cause: 'lost', message: 'the publisher comes again' })
    const media = await this.#publishMedia(sdp, publication.path)
    clearTimeout(this.#mediaAway)
    if (publication.ended !== undefined) {
      media.close({ cause: 'unpublished', message: 'the stream has ended' })
      throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has ended')
    }
    return { result: { sdpAnswer: media.answer, id: stream.id, createdAt: stream.createdAt } }
  }

  #signal(params: RpcParams): Reply {
    const message = readSignal(params.raw('message'))
    if (message === undefined) throw new RpcRefusal(RPC_CODES.signalFormat, 'the signal is not as it should be')
    const { to, type, data } = message
    const present = this.#room.present()
    if (to.some((id) => !present.some((each) => each.id === id))) {
      throw new RpcRefusal(RPC_CODES.signalTo, 'the signal is for somebody who is not there')
    }
    return { result: {}, after: () => void this.#room.signal(to, type, data, this.#connection) }
  }

  #propertyChanged(params: RpcParams): Reply {
    const published = this.#connection.published
    const streamId = params.text('streamId', MAX_ID_CHARACTERS)
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
    const changed = {
      connectionId: this.#connection.id,
      streamId,
      property,
      newValue: JSON.stringify(value),
      reason: params.text('reason', 64) ?? '',
    }
    return { result: {}, after: () => this.#room.tell('streamPropertyChanged', changed, this.#connection) }
  }

  #forceDisconnect(params: RpcParams): Reply {
    this.#requireModerator()
    const other = this.#room.connection(params.text('connectionId', MAX_ID_CHARACTERS) ?? '')
    if (other?.arrival === undefined) throw new RpcRefusal(RPC_CODES.userNotFound, 'there is no such participant')
    const { participant } = other.arrival
    return { result: {}, after: () => participant.leave('evicted-by-user') }
  }

  #forceUnpublish(params: RpcParams): Reply {
    this.#requireModerator()
    const published = this.#room.publisherOf(params.text('streamId', MAX_ID_CHARACTERS) ?? '')?.published
    if (published === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'there is no such stream')
    return { result: {}, after: () => published.publication.end('evicted-by-user') }
  }

  #requireModerator(): void {
    if (this.#participant().role !== 'moderator') throw new RpcRefusal(RPC_CODES.notAllowed, 'only a MODERATOR may')
  }

  /** By stream, or, as some ask, by whose it is. */
  #publisher(sender: string): Connection | undefined {
    return this.#room.publisherOf(sender) ?? this.#room.connection(sender)
  }

  #participant() {
    const { arrival } = this.#connection
    if (arrival === undefined) throw new RpcRefusal(RPC_CODES.notJoined, 'the participant has left')
    return arrival.participant
  }

  #webrtc(): Pick<WebRtcApi, 'publish' | 'play'> {
    const { webrtc } = this.#desk.control
    if (webrtc === undefined) throw new RpcRefusal(RPC_CODES.media, 'WebRTC is off here: see webrtc.udp')
    return webrtc
  }

  #offer(sdp: string, path: string): PublishRequest {
    const { caller } = this.#line ?? {}
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

  #pathOf(streamId: string): string {
    return `${this.#room.session.streamPrefix}/${this.#room.id}/${streamId}`
  }

  #leave(reason: LeaveReason): void {
    this.#connection.arrival?.participant.leave(reason)
  }
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
