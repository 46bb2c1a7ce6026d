import { TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { CombinedStream } from '#hub/combined-stream.ts'
import type { Hub } from '#hub/hub.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'

export class CombinedNotFoundError extends TapedeckError {
  readonly code = 'combined/not-found'
  readonly origin = 'client'
  readonly path: string
  constructor(path: string) {
    super(`${path} is no combined stream: create it first`)
    this.path = path
  }
}

/** A combined stream and what it is made of. */
export interface CombinedDocument {
  readonly path: string
  /** By path. */
  readonly sources: readonly {
    readonly path: string
    /** Somebody publishes it now. */
    readonly isLive: boolean
    /** What it brings, as tracks of the combined stream. */
    readonly trackIds: readonly number[]
  }[]
}

/** Several streams as one, each as tracks of its own. */
export interface CombinedApi {
  /**
   * Begins a stream without tracks: attach what is to have all of it, then add sources.
   * @throws {StreamPathError | StreamPathInUseError | TooManyPublishersError}
   */
  create(path: string): CombinedDocument
  /**
   * The source may come later, leave and return.
   * @throws {CombinedNotFoundError | StreamPathError | CombinedSourceError}
   */
  add(path: string, sourcePath: string): CombinedDocument
  /** Ends the source's tracks. @throws {CombinedNotFoundError | StreamPathError} */
  remove(path: string, sourcePath: string): CombinedDocument
  /** By path. */
  list(): readonly CombinedDocument[]
  /** Ends the stream; its sources go on. @throws {CombinedNotFoundError} */
  end(path: string): void
}

/** All combined streams of this node. They last until they are ended, or the server is. */
export class CombinedStreams implements CombinedApi, Disposable {
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #streams = new Map<string, CombinedStream>()

  constructor(runtime: Runtime, hub: Hub) {
    this.#runtime = runtime
    this.#hub = hub
  }

  create(path: string): CombinedDocument {
    const combined: CombinedStream = new CombinedStream({
      runtime: this.#runtime,
      hub: this.#hub,
      path,
      onEnded: () => this.#streams.delete(combined.path),
    })
    this.#streams.set(combined.path, combined)
    return describe(combined)
  }

  add(path: string, sourcePath: string): CombinedDocument {
    const combined = this.#find(path)
    combined.add(sourcePath)
    return describe(combined)
  }

  remove(path: string, sourcePath: string): CombinedDocument {
    const combined = this.#find(path)
    combined.remove(sourcePath)
    return describe(combined)
  }

  list(): readonly CombinedDocument[] {
    const documents = [...this.#streams.values()].map(describe)
    return documents.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  end(path: string): void {
    this.#find(path)[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    for (const combined of this.#streams.values()) {
      combined.end({ cause: 'shutdown', message: 'the server is shutting down' })
    }
  }

  #find(path: string): CombinedStream {
    const normalized = normalizeStreamPath(path)
    const combined = this.#streams.get(normalized)
    if (combined === undefined) throw new CombinedNotFoundError(normalized)
    return combined
  }
}

function describe({ path, sources }: CombinedStream): CombinedDocument {
  const parts = [...sources.values()].map((source) => {
    return { path: source.path, isLive: source.isLive, trackIds: source.trackIds }
  })
  return { path, sources: parts.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}
