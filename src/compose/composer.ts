import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import { admit } from './admission.ts'
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

  constructor(options: ComposerOptions) {
    this.#options = options
  }

  async start(request: CompositionRequest): Promise<Composition> {
    const { runtime, hub, capacityCores } = this.#options
    const complete = completed(request)
    admit(complete, [...this.#compositions.values()], capacityCores, runtime.nowMs())
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

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#compositions.values()].map((composition) => composition[Symbol.asyncDispose]()))
  }
}
