import type { Runtime } from '#base/runtime.ts'
import type { ComposedTile } from '#compose/composed-tile.ts'
import type { Composition } from '#compose/composition.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { User } from '../channels.ts'
import type { RecordedFiles } from './recorded-files.ts'
import type { MixLayout } from './request.ts'
import type { MixedSource as Source } from './source.ts'
import { type Subscription, wantedOf } from './subscription.ts'

export interface MixedSourceOptions {
  readonly runtime: Runtime
  readonly sid: string
  readonly files: RecordedFiles
  readonly composition: Composition
  readonly layout: MixLayout
  readonly subscription: Subscription
  /** Called once if the composition ends before this does. */
  readonly lost: () => void
}

/** Seconds the composition may be away, while its process is replaced. */
const RECONNECT_SECONDS = 15

/** All users in one picture and one sound, recorded from the first user on. */
export class MixedSource implements Source {
  readonly #options: MixedSourceOptions
  readonly #tiles = new Map<User, ComposedTile>()
  #layout: MixLayout
  #subscription: Subscription
  #begun: Promise<readonly string[]> | undefined
  #ended: Promise<void> | undefined

  constructor(options: MixedSourceOptions) {
    this.#options = options
    this.#layout = options.layout
    this.#subscription = options.subscription
    const ended = ({ cause }: StreamEnd) => {
      if (this.#ended === undefined && cause !== 'shutdown') options.lost()
    }
    options.composition.stream.attach({ accessUnit() {}, format() {}, ended }, { from: 'now', live: false })
  }

  joined(user: User): void {
    const { composition, runtime, sid } = this.#options
    if (this.#ended !== undefined || user.stream === composition.stream) return
    const facts = this.#facts(user)
    if (facts.isVideoMuted && facts.isAudioMuted) return
    this.#begun ??= this.#begin()
    try {
      this.#tiles.set(user, composition.add(user.stream, facts))
    } catch (err) {
      runtime.log.warn({ event: 'facade.user-not-recorded', channel: user.channel, uid: user.uid, sid, err })
    }
  }

  left(user: User): void {
    this.#tiles.get(user)?.[Symbol.dispose]()
    this.#tiles.delete(user)
  }

  update(subscription: Subscription, users: readonly User[]): void {
    this.#subscription = subscription
    for (const user of users) {
      const facts = this.#facts(user)
      if (facts.isVideoMuted && facts.isAudioMuted) this.left(user)
      else if (this.#tiles.has(user)) this.#tiles.get(user)?.update(facts)
      else this.joined(user)
    }
  }

  setLayout(layout: MixLayout): void {
    this.#layout = layout
    this.#options.composition.setLayout(layout.layout)
    for (const [user, tile] of this.#tiles) tile.update(this.#facts(user))
  }

  end(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  #facts({ uid }: User) {
    const { audio, video } = wantedOf(this.#subscription, uid)
    // Screens come before cameras where one picture is larger than the others.
    const kind = uid === this.#layout.stageUid ? ('screen' as const) : ('camera' as const)
    return { name: String(uid), kind, isVideoMuted: !video, isAudioMuted: !audio }
  }

  async #begin(): Promise<readonly string[]> {
    const { files, composition, runtime, sid } = this.#options
    const { audio, video } = composition.request
    try {
      const request = { stream: composition.output, waitForStream: true, reconnectSeconds: RECONNECT_SECONDS }
      return await files.begin(undefined, request, { audio, video })
    } catch (err) {
      runtime.log.error({ event: 'facade.mix-not-recorded', sid, err })
      return []
    }
  }

  async #end(): Promise<void> {
    const { files, composition } = this.#options
    for (const user of [...this.#tiles.keys()]) this.left(user)
    await files.stop((await this.#begun) ?? [])
    await composition.end()
  }
}
