import { errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { PullsApi } from '#control/pulls.ts'
import type { RecordedFiles } from './recorded-files.ts'
import type { CloudSource } from './source.ts'

export interface PageSourceOptions {
  readonly runtime: Runtime
  readonly sid: string
  readonly pulls: Pick<PullsApi, 'add' | 'list' | 'remove' | 'events'>
  readonly files: RecordedFiles
  /** Path of the stream. */
  readonly output: string
  /** Of the page, as pulls take it. */
  readonly url: string
  /** Called once if the page ends before this does. */
  readonly lost: () => void
}

/** Seconds that its picture and sound may be away. */
const RECONNECT_SECONDS = 15

/** A page, as a browser of this machine shows it. */
export class PageSource implements CloudSource {
  readonly #options: PageSourceOptions
  readonly #pull: string
  readonly #recordings: readonly string[]
  readonly #following: Disposable
  #ended: Promise<void> | undefined

  private constructor(options: PageSourceOptions, pull: string, recordings: readonly string[]) {
    this.#options = options
    this.#pull = pull
    this.#recordings = recordings
    this.#following = options.pulls.events.listen((event) => {
      if (event.type === 'pull.removed' && event.pull.id === pull && this.#ended === undefined) options.lost()
    })
    // It may have failed at once.
    if (!options.pulls.list().some(({ id }) => id === pull)) options.lost()
  }

  /** @throws {TapedeckError} the page can't be pulled, or its files can't be begun */
  static async open(options: PageSourceOptions): Promise<PageSource> {
    const { pulls, files, output, url } = options
    const request = { stream: output, waitForStream: true, reconnectSeconds: RECONNECT_SECONDS }
    const recordings = await files.begin(undefined, request, { audio: true, video: true })
    try {
      // One try: an address that can't be opened is told of, and a restart begins nothing by itself.
      const { id } = await pulls.add({ path: output, url, keepAlive: false })
      return new PageSource(options, id, recordings)
    } catch (error) {
      await files.stop(recordings)
      throw error
    }
  }

  /** Nobody is in a page. */
  joined(): void {}
  left(): void {}
  update(): void {}

  end(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    const { files, pulls, runtime, sid } = this.#options
    this.#following[Symbol.dispose]()
    await files.stop(this.#recordings)
    await pulls.remove(this.#pull).catch((error: unknown) => {
      // It has ended by itself.
      runtime.log.debug({ event: 'facade.cloud-page-gone', sid }, errorMessage(error))
    })
  }
}
