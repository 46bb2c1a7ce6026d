import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import { admit, spare, usedBy } from './admission.ts'
import { Composition, type CompositionChange } from './composition.ts'
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
}

/** So far, of all compositions there were. */
export interface ComposerCounters {
  /** Starts refused for want of room. */
  readonly refused: number
  /** Pictures left out for want of time. */
  readonly droppedPictures: number
  /** Composing processes that were replaced. */
  readonly restarts: number
}

/** Something has happened to a composition. */
export interface ComposerEvent {
  readonly change: CompositionChange
  readonly composition: Composition
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
  readonly events: Signal<ComposerEvent>
  readonly #compositions = new Map<string, Composition>()
  /** Of compositions that have ended. */
  #past: ComposerCounters = { refused: 0, droppedPictures: 0, restarts: 0 }

  constructor(options: ComposerOptions) {
    this.#options = options
    const { log } = options.runtime
    this.events = new Signal((err) => log.error({ event: 'composition.listener-failed', err }))
  }

  async start(request: CompositionRequest): Promise<Composition> {
    const { runtime, hub, capacityCores } = this.#options
    const complete = completed(request)
    try {
      admit(complete, [...this.#compositions.values()], capacityCores, runtime.nowMs())
    } catch (error) {
      this.#past = { ...this.#past, refused: this.#past.refused + 1 }
      throw error
    }
    const id = runtime.newId()
    const onChange = (changed: Composition, change: CompositionChange) => this.#changed(changed, change)
    const composition = new Composition({ runtime, hub, id, request: complete, onChange })
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
    return { usedCores, capacityCores, spareCores }
  }

  get counters(): ComposerCounters {
    return [...this.#compositions.values()].reduce(added, this.#past)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#compositions.values()].map((composition) => composition[Symbol.asyncDispose]()))
  }

  #changed(composition: Composition, change: CompositionChange): void {
    if (change === 'ended' && this.#compositions.delete(composition.id)) this.#past = added(this.#past, composition)
    this.events.emit({ change, composition })
  }
}

function added(counters: ComposerCounters, { overload, restarts }: Composition): ComposerCounters {
  return {
    ...counters,
    droppedPictures: counters.droppedPictures + overload.droppedPictures,
    restarts: counters.restarts + restarts,
  }
}
