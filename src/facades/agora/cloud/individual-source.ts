import type { Runtime } from '#base/runtime.ts'
import type { User } from '../channels.ts'
import { firstMedia, onOtherVideo } from '../first-media.ts'
import type { RecordedFiles } from './recorded-files.ts'
import type { CloudSource } from './source.ts'
import { type Subscription, type Wanted, wantedOf } from './subscription.ts'

export interface IndividualSourceOptions {
  readonly runtime: Runtime
  readonly sid: string
  readonly files: RecordedFiles
  readonly audio: boolean
  readonly video: boolean
  readonly subscription: Subscription
}

/** What is recorded of one user at present. */
interface Take {
  readonly wanted: Wanted
  readonly ending: AbortController
  readonly begun: Promise<readonly string[]>
}

/** Every user into files of his own. */
export class IndividualSource implements CloudSource {
  readonly #options: IndividualSourceOptions
  #subscription: Subscription
  readonly #takes = new Map<User, Take>()
  readonly #ends = new Set<Promise<void>>()
  #isOver = false

  constructor(options: IndividualSourceOptions) {
    this.#options = options
    this.#subscription = options.subscription
  }

  joined(user: User): void {
    if (!this.#isOver) this.#take(user)
  }

  /** His recording ends with his stream. */
  left(user: User): void {
    this.#endTake(user)
  }

  update(subscription: Subscription, users: readonly User[]): void {
    this.#subscription = subscription
    for (const user of users) {
      const wanted = this.#wanted(user)
      const present = this.#takes.get(user)?.wanted
      if (present?.audio === wanted?.audio && present?.video === wanted?.video) continue
      this.#endTake(user)
      if (!this.#isOver) this.#take(user)
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    for (const user of [...this.#takes.keys()]) this.#endTake(user)
    await Promise.all(this.#ends)
  }

  /** Undefined: nothing of him. */
  #wanted({ uid }: User): Wanted | undefined {
    const { audio, video } = this.#options
    const asked = wantedOf(this.#subscription, uid)
    const wanted = { audio: audio && asked.audio, video: video && asked.video }
    return wanted.audio || wanted.video ? wanted : undefined
  }

  #take(user: User): void {
    const wanted = this.#wanted(user)
    if (wanted === undefined) return
    const ending = new AbortController()
    const { runtime, sid } = this.#options
    const begun = this.#begin(user, wanted, ending.signal).catch((err: unknown) => {
      runtime.log.error({ event: 'facade.user-not-recorded', channel: user.channel, uid: user.uid, sid, err })
      return []
    })
    this.#takes.set(user, { wanted, ending, begun })
  }

  #endTake(user: User): void {
    const take = this.#takes.get(user)
    if (take === undefined) return
    this.#takes.delete(user)
    take.ending.abort()
    const ended = take.begun.then((ids) => this.#options.files.stop(ids)).finally(() => this.#ends.delete(ended))
    this.#ends.add(ended)
  }

  async #begin({ channel, uid, stream }: User, wanted: Wanted, signal: AbortSignal): Promise<readonly string[]> {
    const { files, runtime, sid } = this.#options
    if (!(await firstMedia(stream, signal)) || signal.aborted) return []
    const refuse = (codec: string) => {
      const facts = { event: 'facade.user-not-recorded', channel, uid, sid, codec }
      runtime.log.warn(facts, 'only H.264 is recorded of pictures: let this user send it')
    }
    const other = [...stream.formats.values()].find(({ kind, codec }) => kind === 'video' && codec !== 'h264')
    if (other !== undefined && wanted.video) {
      refuse(other.codec)
      return []
    }
    // Leaving and returning makes a new file.
    const ids = await files.begin(uid, { stream: stream.path, reconnectSeconds: 0 }, wanted)
    if (wanted.video && !signal.aborted) {
      const watching = onOtherVideo(stream, (codec) => {
        refuse(codec)
        void files.stop(ids)
      })
      signal.addEventListener('abort', () => watching[Symbol.dispose](), { once: true })
    }
    return ids
  }
}
