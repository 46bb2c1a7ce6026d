import type { Logger } from '#base/runtime.ts'
import type { Publication } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { RtmpToStream } from './to-stream.ts'

/** One accepted publish: from NetStream.Publish.Start until the stream ends, whoever ends it. */
export class PublishSession {
  readonly kind = 'publish'
  readonly publication: Publication
  readonly input: RtmpToStream
  /** As the publisher gave it, for answers to FCUnpublish. */
  readonly streamName: string

  constructor(options: { publication: Publication; streamName: string; log: Logger; monotonicMs: () => number }) {
    this.publication = options.publication
    this.streamName = options.streamName
    const { log, monotonicMs } = options
    this.input = new RtmpToStream({ stream: options.publication.stream, log, monotonicMs })
  }

  get isWatched(): boolean {
    return this.publication.stream.isWatched
  }

  /** Idempotent. */
  end(end: StreamEnd): void {
    this.publication.end(end)
    this.input[Symbol.dispose]()
  }
}
