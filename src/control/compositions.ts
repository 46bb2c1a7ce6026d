import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Composer, ComposerEvent } from '#compose/composer.ts'
import type { Composition, CompositionState } from '#compose/composition.ts'
import { CompositionNotFoundError, CompositionRequestError } from '#compose/errors.ts'
import type { Layout } from '#compose/layout/layouts.ts'
import { DEFAULT_REQUEST } from '#compose/request.ts'
import type { Hub } from '#hub/hub.ts'
import { compilePathPattern, type PathPattern } from '#hub/path-pattern.ts'
import type { Stream } from '#hub/stream.ts'

/** What to compose, by path. */
export interface NewComposition {
  readonly output: string
  /** Paths and patterns: who publishes one of them is in the picture, now and later. */
  readonly inputs: readonly string[]
  /** Of them, those that are shown whole. */
  readonly screens?: readonly string[] | undefined
  readonly widthPixels?: number | undefined
  readonly heightPixels?: number | undefined
  readonly frameRate?: number | undefined
  readonly video?: boolean | undefined
  readonly audio?: boolean | undefined
  readonly layout?: Layout | undefined
  readonly videoBitrateBps?: number | undefined
  readonly audioBitrateBps?: number | undefined
}

/** A composition as the API shows it. */
export interface CompositionDocument {
  readonly id: string
  readonly output: string
  /** Patterns it follows; empty where somebody else says what is in it. */
  readonly inputs: readonly string[]
  readonly state: CompositionState
  /** ISO 8601, UTC. */
  readonly since: string
  readonly layout: Layout
  readonly video: boolean
  readonly audio: boolean
  readonly widthPixels: number
  readonly heightPixels: number
  readonly frameRate: number
  readonly tiles: readonly { readonly path: string; readonly name: string; readonly kind: 'camera' | 'screen' }[]
  /** libavcodec's name of the video encoder; empty without video. */
  readonly encoder: string
  /** CPU cores it takes; null while nobody knows. */
  readonly cpuCores: number | null
  readonly droppedPictures: number
  /** How often the composing process was replaced. */
  readonly restarts: number
}

/** What of compositions the feed tells. `restarted`: its process was replaced. */
export type CompositionEventType = `composition.${ComposerEvent['change']}`

/** Something has happened to a composition. */
export interface CompositionEvent {
  readonly type: CompositionEventType
  readonly composition: CompositionDocument
}

/** Compositions by the paths of their inputs. */
export interface CompositionsApi {
  /** Of all of this node. */
  readonly events: Signal<CompositionEvent>
  /**
   * Resolves with the first picture or sound.
   * @param mayUse streams it may show
   * @throws {PathPatternError} and what ComposerApi.start() throws
   */
  create(request: NewComposition, mayUse: (path: string) => boolean): Promise<CompositionDocument>
  /** All of this node, whoever has begun them, by path. */
  list(): readonly CompositionDocument[]
  /** @throws {CompositionNotFoundError} */
  get(id: string): CompositionDocument
  /** @throws {CompositionNotFoundError} */
  setLayout(id: string, layout: Layout): CompositionDocument
  /** Ends it and its stream. @throws {CompositionNotFoundError} */
  end(id: string): Promise<void>
}

/** Follows who publishes, for the compositions made by path. They last until they are ended, or the server is. */
export class Compositions implements CompositionsApi {
  readonly events: Signal<CompositionEvent>
  readonly #hub: Hub
  readonly #composer: Composer
  /** What each follows, by id. */
  readonly #inputs = new WeakMap<Composition, readonly string[]>()

  constructor(runtime: Runtime, hub: Hub, composer: Composer) {
    this.#hub = hub
    this.#composer = composer
    this.events = new Signal((err) => runtime.log.error({ event: 'composition.listener-failed', err }))
    composer.events.listen(({ change, composition }) => {
      this.events.emit({ type: `composition.${change}`, composition: this.#describe(composition) })
    })
  }

  async create(request: NewComposition, mayUse: (path: string) => boolean): Promise<CompositionDocument> {
    const { inputs, screens = [], ...rest } = request
    if (inputs.length === 0) throw new CompositionRequestError('inputs', 'names no stream')
    const wanted = inputs.map(compilePathPattern)
    const whole = screens.map(compilePathPattern)
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
    const composition = await this.#composer.start({ ...DEFAULT_REQUEST, ...given, output: request.output })
    this.#inputs.set(composition, inputs)
    const take = (stream: Stream) => {
      // By a pattern, what is composed itself is no input: two compositions would show each other for ever.
      const isNamed = inputs.some((input) => input.replace(/^\/+|\/+$/g, '') === stream.path)
      const isWanted = isNamed || (matches(wanted, stream.path) && stream.publisher.protocol !== 'composed')
      if (!isWanted || stream === composition.stream || !mayUse(stream.path)) return
      const kind = matches(whole, stream.path) ? 'screen' : 'camera'
      composition.add(stream, { name: stream.path.split('/').at(-1) ?? '', kind })
    }
    const arrivals = this.#hub.streamStarted.listen(take)
    composition.stream.attach(
      { accessUnit: () => {}, format: () => {}, ended: () => arrivals[Symbol.dispose]() },
      { from: 'now', live: false },
    )
    for (const stream of this.#hub.streams()) take(stream)
    return this.#describe(composition)
  }

  list(): readonly CompositionDocument[] {
    const documents = [...this.#composer.compositions()].map((composition) => this.#describe(composition))
    return documents.sort((a, b) => (a.output < b.output ? -1 : 1))
  }

  get(id: string): CompositionDocument {
    return this.#describe(this.#find(id))
  }

  setLayout(id: string, layout: Layout): CompositionDocument {
    const composition = this.#find(id)
    composition.setLayout(layout)
    return this.#describe(composition)
  }

  async end(id: string): Promise<void> {
    await this.#find(id).end()
  }

  #find(id: string): Composition {
    for (const composition of this.#composer.compositions()) if (composition.id === id) return composition
    throw new CompositionNotFoundError(id)
  }

  #describe(composition: Composition): CompositionDocument {
    const { id, output, state, startedAtMs, layout, request, tiles, encoder, cpu, overload, restarts } = composition
    const { video, audio, widthPixels, heightPixels, frameRate } = request
    return {
      id,
      output,
      inputs: this.#inputs.get(composition) ?? [],
      state,
      since: new Date(startedAtMs).toISOString(),
      layout,
      video,
      audio,
      widthPixels,
      heightPixels,
      frameRate,
      tiles: tiles.map(({ stream, facts }) => ({ path: stream.path, name: facts.name, kind: facts.kind })),
      encoder,
      cpuCores: cpu.cores ?? null,
      droppedPictures: overload.droppedPictures,
      restarts,
    }
  }
}

function matches(patterns: readonly PathPattern[], path: string): boolean {
  return patterns.some((pattern) => pattern.matches(path))
}
