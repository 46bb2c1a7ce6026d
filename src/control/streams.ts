import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { StreamNotFoundError } from './errors.ts'
import { describeStream, type StreamDocument } from './stream-document.ts'

export interface StreamPage {
  /** By path. */
  readonly streams: readonly StreamDocument[]
  readonly nextCursor: string | undefined
}

export interface StreamQuery {
  readonly limit: number
  /** The last path of the page before. */
  readonly cursor?: string
  /** Leaves out what the asker may not see. */
  readonly isVisible: (path: string) => boolean
}

/** Who publishes now, and ending it. */
export class Streams {
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #recorder: RecorderApi

  constructor(runtime: Runtime, hub: Hub, recorder: RecorderApi) {
    this.#runtime = runtime
    this.#hub = hub
    this.#recorder = recorder
  }

  list({ limit, cursor, isVisible }: StreamQuery): StreamPage {
    const paths: string[] = []
    for (const { path } of this.#hub.streams()) {
      if ((cursor === undefined || path > cursor) && isVisible(path)) paths.push(path)
    }
    paths.sort()
    const page = paths.slice(0, limit)
    return {
      streams: page.map((path) => this.describe(path)),
      nextCursor: paths.length > limit ? page.at(-1) : undefined,
    }
  }

  /**
   * @throws {StreamPathError} the path can't name a stream
   * @throws {StreamNotFoundError} nobody publishes it
   */
  get(path: string): Stream {
    const normalized = normalizeStreamPath(path)
    const stream = this.#hub.get(normalized)
    if (stream === undefined) throw new StreamNotFoundError(normalized)
    return stream
  }

  /** @throws as get() */
  describe(path: string): StreamDocument {
    return describeStream(this.get(path), this.#recorder)
  }

  /** Ends the publisher's connection; its encoder may connect again. @throws as get() */
  disconnect(path: string, by: string): void {
    const stream = this.get(path)
    this.#runtime.log.info({ event: 'stream.disconnect', stream: stream.path, by }, 'publisher disconnected on request')
    stream.publisher.disconnect(`disconnected by ${by}`)
  }
}
