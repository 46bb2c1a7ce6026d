import { randomInt } from 'node:crypto'
import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import { isChannelName, MAX_UID, parseUid } from './names.ts'

/** Somebody who is in a channel: a stream called `<channel>/<uid>`. */
export interface User {
  readonly channel: string
  /** Of who came with 0: one that was assigned. */
  readonly uid: number
  readonly stream: Stream
}

/** Who is in which channel, by the streams that are published. Dispose to stop following. */
export class Channels implements Disposable {
  readonly joined: Signal<User>
  readonly left: Signal<User>
  readonly #users = new Map<Stream, User>()
  readonly #following = new DisposableStack()

  constructor(runtime: Runtime, hub: Hub) {
    const failed = (error: unknown) => runtime.log.error({ event: 'facade.listener-failed', err: error })
    this.joined = new Signal(failed)
    this.left = new Signal(failed)
    for (const stream of hub.streams()) this.#started(stream)
    this.#following.use(hub.streamStarted.listen((stream) => this.#started(stream)))
    this.#following.use(hub.streamEnded.listen((stream) => this.#ended(stream)))
  }

  users(channel: string): readonly User[] {
    return [...this.#users.values()].filter((user) => user.channel === channel)
  }

  [Symbol.dispose](): void {
    this.#following.dispose()
  }

  #started(stream: Stream): void {
    const [component = '', uidText = '', ...more] = stream.path.split('/')
    const channel = decoded(component)
    const asked = more.length === 0 && isChannelName(channel) ? parseUid(uidText) : undefined
    if (asked === undefined) return
    const uid = asked === 0 ? this.#freeUid(channel) : asked
    const user = { channel, uid, stream }
    this.#users.set(stream, user)
    this.joined.emit(user)
  }

  #ended(stream: Stream): void {
    const user = this.#users.get(stream)
    if (user === undefined) return
    this.#users.delete(stream)
    this.left.emit(user)
  }

  #freeUid(channel: string): number {
    const taken = this.users(channel).map(({ uid }) => uid)
    for (;;) {
      const uid = randomInt(1, MAX_UID + 1)
      if (!taken.includes(uid)) return uid
    }
  }
}

/** Encoders send the blanks of an RTMP URL as they stand there: `my%20room`. */
function decoded(component: string): string {
  try {
    return decodeURIComponent(component)
  } catch {
    // A percent sign is an ordinary character of a channel.
    return component
  }
}
