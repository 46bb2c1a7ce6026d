import type { Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { RtmpToStream } from '#ingest/rtmp/to-stream.ts'
import { ChunkReader } from '#protocols/rtmp/chunk-reader.ts'
import { MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'

/** A publisher without a socket. */
export class BenchPublisher {
  readonly #publication: Publication
  readonly #input: RtmpToStream
  readonly #reader: ChunkReader

  constructor(runtime: Runtime, hub: Hub, path: string) {
    const { monotonicMs, log } = runtime
    this.#publication = hub.publish(path, {
      ...{ protocol: 'bench', remoteAddress: '127.0.0.1', connectionId: path, encoder: '' },
      ...NO_CONNECTION_FACTS,
      disconnect() {},
    })
    const input = new RtmpToStream({ stream: this.#publication.stream, log, monotonicMs })
    this.#input = input
    this.#reader = new ChunkReader({
      maxMessageBytes: 16 * 1024 * 1024,
      maxChunkStreams: 64,
      sink: {
        place: (head, firstBytes) => input.place(head, firstBytes),
        message: (message: RtmpMessage) => {
          if (message.typeId === MessageType.data) input.data(message)
          else if (message.typeId === MessageType.audio || message.typeId === MessageType.video) input.media(message)
        },
      },
    })
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  end(): void {
    this.#publication.end({ cause: 'unpublished', message: '' })
    this.#input[Symbol.dispose]()
  }
}
