import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import { admit, spare, usedBy } from './admission.ts'
import { Composition } from './composition.ts'
import { type CompositionRequest, completed } from './request.ts'

/** Composes streams. */
export interface ComposerApi {
  /**
   * Begins a composition without tiles; resolves with its first picture or sound.
   * @throws {CompositionRequestError | StreamPathError | StreamPathInUseError | TooManyPublishersError}
   * @throws {ComposerBusyError} the machine can't hold another
   * @throws {ComposerFailedError} it did not begin
   */
  start(request: CompositionRequest): Promise<Composition>
  compositions(): Iterable<Composition>
}

/** What compositions take of the machine, and may take. CPU cores. */
export interface ComposerLoad {
  readonly usedCores: number
  readonly capacityCores: number
  /** For what can wait: less than the difference where compositions have no time for all of their pictures. */
  readonly spareCores: number
  /** Starts refused for want of room so far. */
  readonly refused: number
}

export interface ComposerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  /** What compositions may take of the machine, all together. */
  readonly capacityCores: number
}

/** All compositions of this node, each a process of its own. They last until they are ended, or the server is. */
export class Composer implements ComposerApi, AsyncDisposable {
  readonly #options: ComposerOptions
  readonly #compositions = new Map<string, Composition>()
  #refused = 0

  constructor(options: ComposerOptions) {
    this.#options = options
  }

  async start(request: CompositionRequest): Promise<Composition> {
    const { runtime, hub, capacityCores } = this.#options
    const complete = completed(request)
    try {
      admit(complete, [...this.#compositions.values()], capacityCores, runtime.nowMs())
    } catch (error) {
      this.#refused++
      throw error
    }
    const id = runtime.newId()
    const onEnded = () => void this.#compositions.delete(id)
    const composition = new Composition({ runtime, hub, id, request: complete, onEnded })
    this.#compositions.set(id, composition)
    await composition.begun()
    return composition
  }

  compositions(): Iterable<Composition> {
    return this.#compositions.values()
  }

  get load(): ComposerLoad {
    const { runtime, capacityCores } = this.#options
    const running = [...this.#compositions.values()]
    const nowMs = runtime.nowMs()
    const [usedCores, spareCores] = [usedBy(running, nowMs), spare(running, capacityCores, nowMs)]
    return { usedCores, capacityCores, spareCores, refused: this.#refused }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#compositions.values()].map((composition) => composition[Symbol.asyncDispose]()))
  }
}
