import { errorCode, errorMessage } from '#base/error.ts'
import type { WebRtcSession } from '#hub/webrtc.ts'
import type { Publication, Subscription } from '#sessions/publication.ts'
import type { Connection } from '../connection.ts'
import { isForced } from './codecs.ts'
import { lacksVideoCodec } from './offer.ts'
import type { Reply } from './reply.ts'
import { RPC_CODES, RpcRefusal } from './rpc.ts'
import type { Seat } from './seat.ts'

/** A stream that is announced begins when its publisher is connected; clients wait 10 seconds for an answer. */
const STREAM_WAIT_MS = 8_000

interface Played {
  readonly media: WebRtcSession
  readonly subscription: Subscription
}

/** What a client is sent of the others' streams. spec section 7.8. */
export class Playing {
  readonly #seat: Seat
  /** By connection id of the publisher. */
  readonly #played = new Map<string, Played>()

  constructor(seat: Seat) {
    this.#seat = seat
  }

  /** @param sender a stream, or, as some ask, whose it is @throws {RpcRefusal} */
  async receive(sender: string, sdp: string): Promise<Reply> {
    const { room } = this.#seat
    const publisher = room.publisherOf(sender) ?? room.connection(sender)
    if (publisher?.published === undefined) {
      throw new RpcRefusal(RPC_CODES.notPublishing, `nobody publishes ${sender}`)
    }
    const { publication } = publisher.published
    await this.#begun(publication)
    const media = await this.#takeMedia(sdp, publication)
    this.stop(publisher.id)
    const subscription = this.#seat.participant().subscribe(publication)
    this.#played.set(publisher.id, { media, subscription })
    media.stateChanged.listen(() => this.#changed(publisher, media))
    return { result: { sdpAnswer: media.answer } }
  }

  /** Ends what is played of a publisher, if anything is. @param publisherId of the connection */
  stop(publisherId: string): void {
    const played = this.#played.get(publisherId)
    this.#played.delete(publisherId)
    played?.subscription[Symbol.dispose]()
    played?.media.close({ cause: 'unpublished', message: 'the player has enough' })
  }

  /** The client has left, and its subscriptions with it. */
  close(): void {
    for (const { media } of this.#played.values()) media.close({ cause: 'unpublished', message: 'the player left' })
    this.#played.clear()
  }

  #changed({ id }: Connection, media: WebRtcSession): void {
    if (media.state === 'ended' && this.#played.get(id)?.media === media) this.stop(id)
  }

  async #takeMedia(sdp: string, publication: Publication): Promise<WebRtcSession> {
    const { room } = this.#seat
    const lacking = isForced(room.properties) ? RPC_CODES.forcedCodec : RPC_CODES.endpoint
    const codec = videoCodec(publication)
    if (codec !== undefined && lacksVideoCodec(sdp, codec)) {
      throw new RpcRefusal(lacking, `the stream is of ${codec}, which the offer lacks, and nothing is transcoded here`)
    }
    let media: WebRtcSession
    try {
      media = await this.#seat.webrtc().play(this.#seat.offer(sdp, publication.path))
    } catch (error) {
      const isLacking = errorCode(error) === 'webrtc/player-lacks-codec'
      throw new RpcRefusal(isLacking ? lacking : RPC_CODES.sdp, errorMessage(error))
    }
    if (!this.#seat.isLeft && publication.ended === undefined) return media
    media.close({ cause: 'unpublished', message: 'there is nobody to play, or to play to' })
    throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has ended')
  }

  /** Its media begin a moment after it was announced. @throws {RpcRefusal} they don't */
  async #begun(publication: Publication): Promise<void> {
    if (publication.stream !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = this.#seat.desk.control.hub.streamStarted.listen(({ path }) => {
      if (path === publication.path) resolve()
    })
    const timer = setTimeout(resolve, STREAM_WAIT_MS)
    await promise
    clearTimeout(timer)
    if (publication.stream === undefined) throw new RpcRefusal(RPC_CODES.notPublishing, 'the stream has not begun')
  }
}

/** Undefined: there are no pictures, or none have come. */
function videoCodec({ stream }: Publication): string | undefined {
  return [...(stream?.formats.values() ?? [])].find(({ kind }) => kind === 'video')?.codec
}
