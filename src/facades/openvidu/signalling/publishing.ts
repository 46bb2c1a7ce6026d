import { errorCode, errorMessage } from '#base/error.ts'
import type { WebRtcSession } from '#hub/webrtc.ts'
import type { Publication, UnpublishReason } from '#sessions/publication.ts'
import { announceWhenBegun } from '../announcing.ts'
import { newIds } from '../ids.ts'
import type { PublishedStream } from '../properties.ts'
import { codecsOf, isForced } from './codecs.ts'
import { offeredKinds } from './offer.ts'
import type { Reply } from './reply.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'
import { MAX_PROPERTY_CHARACTERS, type Seat, sdpOf } from './seat.ts'

/** The one stream that a client publishes, and its media, which may break off and come again. spec section 7.8. */
export class Publishing {
  readonly #seat: Seat
  /** How long lost media may stay away. */
  readonly #patienceMs: number
  /** Taken before the media are there: a second one would be another stream. */
  #isTaken = false
  #media: WebRtcSession | undefined
  #away: NodeJS.Timeout | undefined
  #announcing: Disposable | undefined

  constructor(seat: Seat, patienceMs: number) {
    this.#seat = seat
    this.#patienceMs = patienceMs
  }

  /** @throws {RpcRefusal} */
  async publish(params: RpcParams): Promise<Reply> {
    const { desk, room, connection } = this.#seat
    if (this.#seat.participant().role === 'subscriber' || connection.isRecorder) {
      throw new RpcRefusal(RPC_CODES.notAllowed, 'a SUBSCRIBER may not publish')
    }
    if (this.#isTaken) throw new RpcRefusal(RPC_CODES.publishingAlready, 'the participant publishes already')
    const sdp = sdpOf(params, 'sdpOffer')
    const described = describedStream(params, sdp, connection.id)
    this.#isTaken = true
    let publication: Publication
    let media: WebRtcSession
    try {
      media = await this.#takeMedia(sdp, room.streamPath(described.id))
      publication = this.#announce(described, media)
    } catch (error) {
      this.#isTaken = false
      throw error
    }
    const stream: PublishedStream = { ...described, createdAt: publication.createdAtMs }
    connection.published = { publication, stream, isAnnounced: false }
    return {
      result: { sdpAnswer: media.answer, id: stream.id, createdAt: stream.createdAt },
      after: () => {
        this.#announcing = announceWhenBegun(room, connection, desk.control.hub)
      },
    }
  }

  /** @throws {RpcRefusal} */
  unpublish(): Reply {
    const { published } = this.#seat.connection
    if (published === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'the participant does not publish')
    return { result: {}, after: () => published.publication.end('unpublished') }
  }

  /** Whether a stream is the one that is published. */
  isOwn(streamId: string): boolean {
    return this.#seat.connection.published?.stream.id === streamId
  }

  /** New media for the stream, which goes on. @throws {RpcRefusal} */
  async reconnect(sdp: string): Promise<Reply> {
    const { published } = this.#seat.connection
    if (published === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'the participant does not publish')
    const { stream, publication } = published
    const old = this.#media
    this.#media = undefined
    this.#awaitMedia()
    old?.close({ cause: 'lost', message: 'the publisher comes again' })
    const media = await this.#takeMedia(sdp, publication.path)
    clearTimeout(this.#away)
    if (publication.ended !== undefined) {
      media.close({ cause: 'unpublished', message: 'the stream has ended' })
      throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has ended')
    }
    return { result: { sdpAnswer: media.answer, id: stream.id, createdAt: stream.createdAt } }
  }

  /** The client has left: nothing is waited for any more. */
  close(): void {
    clearTimeout(this.#away)
  }

  /** @throws {RpcRefusal} */
  #announce({ id, typeOfVideo, hasAudio, hasVideo }: DescribedStream, media: WebRtcSession): Publication {
    try {
      return this.#seat.participant().publish({
        id,
        kind: typeOfVideo === 'SCREEN' ? 'screen' : 'camera',
        hasAudio,
        hasVideo,
        end: (reason) => this.#ended(reason),
      })
    } catch (error) {
      // He has left meanwhile, or was made a subscriber.
      media.close({ cause: 'disconnected', message: errorMessage(error) })
      throw new RpcRefusal(RPC_CODES.notAllowed, errorMessage(error))
    }
  }

  /** The publication has ended, whoever ended it. */
  #ended(reason: UnpublishReason): void {
    clearTimeout(this.#away)
    this.#announcing?.[Symbol.dispose]()
    const media = this.#media
    this.#media = undefined
    this.#isTaken = false
    const cause = reason === 'shutdown' ? 'shutdown' : reason === 'lost' ? 'lost' : 'unpublished'
    media?.close({ cause, message: `the stream ended: ${reason}` })
  }

  async #takeMedia(sdp: string, path: string): Promise<WebRtcSession> {
    const { desk, room, connection } = this.#seat
    const { kurentoOptions } = connection.properties
    const kbps = kurentoOptions?.videoMaxRecvBandwidth ?? desk.settings.videoKbps.maxReceive
    const codecs = codecsOf(room.properties)
    try {
      const media = await this.#seat.webrtc().publish({
        ...this.#seat.offer(sdp, path),
        ...(codecs !== undefined && { codecs }),
        ...(kbps > 0 && { maxBitrateBps: kbps * 1000 }),
      })
      this.#media = media
      media.stateChanged.listen(() => {
        if (media.state === 'ended' && this.#media === media) this.#awaitMedia()
      })
      return media
    } catch (error) {
      const isLacking = errorCode(error) === 'webrtc/no-common-codec'
      const code = isLacking && isForced(room.properties) ? RPC_CODES.forcedCodec : RPC_CODES.sdp
      throw new RpcRefusal(code, errorMessage(error))
    }
  }

  /** Media that break off may come again under the same id (reconnectStream). spec section 7.10. */
  #awaitMedia(): void {
    const publication = this.#seat.connection.published?.publication
    clearTimeout(this.#away)
    this.#away = setTimeout(() => publication?.end('lost'), this.#patienceMs)
    this.#away.unref()
  }
}

type DescribedStream = Omit<PublishedStream, 'createdAt'>

/** What the client says of its stream, as far as its offer bears it out. spec section 7.6. */
function describedStream(params: RpcParams, sdp: string, connectionId: string): DescribedStream {
  const offered = offeredKinds(sdp)
  const hasAudio = offered.audio && params.flag('hasAudio') !== false
  const hasVideo = offered.video && params.flag('hasVideo') !== false
  const named = params.text('typeOfVideo', 16) ?? ''
  const typeOfVideo = hasVideo ? (named === '' ? 'CAMERA' : named) : undefined
  const dimensions = params.text('videoDimensions', MAX_PROPERTY_CHARACTERS)
  return {
    id: newIds.stream(typeOfVideo, connectionId),
    hasAudio,
    hasVideo,
    audioActive: hasAudio && params.flag('audioActive') !== false,
    videoActive: hasVideo && params.flag('videoActive') !== false,
    typeOfVideo,
    frameRate: params.integer('frameRate') ?? null,
    videoDimensions: hasVideo ? (dimensions ?? '{"width":640,"height":480}') : undefined,
  }
}
