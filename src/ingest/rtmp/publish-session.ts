import type { Logger } from '#base/runtime.ts'
import type { Publication } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { ClientDescription, Peer, Surroundings } from './peer.ts'
import type { StreamTarget } from './stream-name.ts'
import { RtmpToStream } from './to-stream.ts'

/** One accepted publish: from NetStream.Publish.Start until the stream ends, whoever ends it. */
export class PublishSession {
  readonly kind = 'publish'
  readonly path: string
  /** As the publisher gave it: FCUnpublish names it again. */
  readonly streamName: string
  readonly input: RtmpToStream
  readonly #publication: Publication
  readonly #log: Logger

  constructor(publication: Publication, streamName: string, surroundings: Surroundings) {
    const { log, monotonicMs } = surroundings.runtime
    const { stream } = publication
    this.path = stream.path
    this.streamName = streamName
    this.#publication = publication
    this.#log = log.child({ stream: stream.path })
    this.input = new RtmpToStream({ stream, log: this.#log, monotonicMs })
  }

  get isWatched(): boolean {
    return this.#publication.stream.isWatched
  }

  /** Idempotent. */
  end(end: StreamEnd): void {
    this.#log.info({ event: 'rtmp.publish-ended', cause: end.cause }, end.message)
    this.#publication.end(end)
    this.input[Symbol.dispose]()
  }
}

/**
 * Takes the path for a publisher that may have it. The publish type (live, record, append) does not matter here: rules
 * and requests decide what is recorded.
 * @throws {TapedeckError} not allowed, path taken or impossible, too many publishers
 */
export function openPublishSession(
  target: StreamTarget,
  streamName: string,
  client: ClientDescription,
  peer: Peer,
  surroundings: Surroundings,
): PublishSession {
  const { id, protocol, remoteAddress } = peer
  const { encoder } = client
  const publication = surroundings.hub.publish(target.path, {
    protocol,
    remoteAddress,
    connectionId: id,
    encoder,
    disconnect: (reason) => peer.disconnect({ cause: 'disconnected', message: reason }),
  })
  const { path } = publication.stream
  surroundings.runtime.log.info({ event: 'rtmp.publish-started', stream: path, encoder }, 'publisher accepted')
  return new PublishSession(publication, streamName, surroundings)
}
