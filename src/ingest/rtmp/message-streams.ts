import type { StreamEnd } from '#hub/stream.ts'
import type { PlaySession } from './play-session.ts'
import type { PublishSession } from './publish-session.ts'

/** Message streams one connection may have open; encoders use one. */
export const MAX_MESSAGE_STREAMS = 16

/** What a message stream can be doing. */
export type Session = PublishSession | PlaySession

/** The message streams of one connection, and what each publishes or plays. */
export class MessageStreams {
  readonly #ids = new Set<number>()
  readonly #sessions = new Map<number, Session>()
  /** Where the last media message went: there is hardly ever another place. */
  #lastPublish: { readonly id: number; readonly session: PublishSession } | undefined
  #lastId = 0

  get isBusy(): boolean {
    return this.#sessions.size > 0
  }

  /** The session media last came in for, while it lasts. */
  get publishing(): PublishSession | undefined {
    return this.#lastPublish?.session
  }

  /** A new id; undefined when there are too many. */
  create(): number | undefined {
    if (this.#ids.size >= MAX_MESSAGE_STREAMS) return undefined
    this.#ids.add(++this.#lastId)
    return this.#lastId
  }

  has(id: number): boolean {
    return this.#ids.has(id)
  }

  sessions(): IterableIterator<Session> {
    return this.#sessions.values()
  }

  session(id: number): Session | undefined {
    return this.#sessions.get(id)
  }

  begin(id: number, session: Session): void {
    this.#sessions.set(id, session)
    if (session.kind === 'publish') this.#lastPublish = { id, session }
  }

  publishSession(id: number): PublishSession | undefined {
    if (this.#lastPublish?.id === id) return this.#lastPublish.session
    const session = this.#sessions.get(id)
    if (session?.kind !== 'publish') return undefined
    this.#lastPublish = { id, session }
    return session
  }

  playSession(id: number): PlaySession | undefined {
    const session = this.#sessions.get(id)
    return session?.kind === 'play' ? session : undefined
  }

  /** Paths of what is published, oldest first. */
  publishedPaths(): string[] {
    return [...this.#sessions.values()].flatMap((session) => (session.kind === 'publish' ? [session.path] : []))
  }

  /** The message stream that publishes under this name (FCUnpublish gives no id). */
  idOfPublished(streamName: string): number | undefined {
    for (const [id, session] of this.#sessions) {
      if (session.kind === 'publish' && session.streamName === streamName) return id
    }
    return undefined
  }

  /** Ends what the message stream does; the id can be used again. Gives what ended. */
  end(id: number, end: StreamEnd): Session | undefined {
    const session = this.#sessions.get(id)
    if (session === undefined) return undefined
    this.#sessions.delete(id)
    if (this.#lastPublish?.id === id) this.#lastPublish = undefined
    session.end(end)
    return session
  }

  delete(id: number): void {
    this.#ids.delete(id)
  }

  /** Ends everything. Idempotent. */
  endAll(end: StreamEnd): void {
    for (const id of [...this.#sessions.keys()]) this.end(id, end)
  }
}
