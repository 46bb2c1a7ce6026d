import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/runtime.ts'
import type { Publication } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import { END_PATIENCE_MS, type PublishedHandle } from './extension.ts'
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
  #beside: PublishedHandle | undefined
  #farewell: Promise<void> | undefined

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

  /** Resolves when what went on beside the publication has ended too, or has had its time; undefined: nothing did. */
  get farewell(): Promise<void> | undefined {
    return this.#farewell
  }

  /** Lets an extension take part. Its faults are not the publisher's. */
  accompany(begin: (stream: Stream) => PublishedHandle | undefined): void {
    try {
      this.#beside = begin(this.#publication.stream)
    } catch (error) {
      this.#log.error({ event: 'rtmp.extension-failed', err: error })
    }
  }

  /** Idempotent. */
  end(end: StreamEnd): void {
    this.#log.info({ event: 'rtmp.publish-ended', cause: end.cause }, end.message)
    this.#publication.end(end)
    this.input[Symbol.dispose]()
    if (this.#beside !== undefined) this.#farewell ??= this.#leave(this.#beside)
  }

  async #leave(beside: PublishedHandle): Promise<void> {
    const patience = new AbortController()
    const timeout = sleep(END_PATIENCE_MS, undefined, { ref: false, signal: patience.signal }).catch(() => {})
    try {
      await Promise.race([beside.end(), timeout])
    } catch (error) {
      this.#log.error({ event: 'rtmp.extension-failed', err: error })
    } finally {
      patience.abort()
    }
  }
}

/**
 * Takes the path for a publisher that may have it. The publish type (live, record, append) does not matter here: rules,
 * requests and extensions decide what is recorded.
 * @throws {TapedeckError} not allowed, path taken or impossible, too many publishers
 */
export function openPublishSession(
  target: StreamTarget,
  streamName: string,
  client: ClientDescription,
  peer: Peer,
  surroundings: Surroundings,
): PublishSession {
  const { id, protocol, remoteAddress, remotePort, localAddress, localPort } = peer
  const { encoder, place } = client
  const publication = surroundings.hub.publish(target.path, {
    protocol,
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    connectionId: id,
    encoder,
    query: target.query,
    app: place.app,
    instance: place.instance,
    disconnect: (reason) => peer.disconnect({ cause: 'disconnected', message: reason }),
  })
  const { path } = publication.stream
  surroundings.runtime.log.info({ event: 'rtmp.publish-started', stream: path, encoder }, 'publisher accepted')
  return new PublishSession(publication, streamName, surroundings)
}
