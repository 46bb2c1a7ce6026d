import { createHash } from 'node:crypto'
import { Signal } from '#base/events.ts'
import { publicUrl } from '#base/public-url.ts'
import { DEFAULT_PULL_OPTIONS } from '#base/pull-options.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { PullSource } from '#hub/pull-source.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import type { Catalog, PullRow } from '#storage/catalog/catalog.ts'
import { type BackOff, Pull } from './pull.ts'
import type { PullDocument, PullSpec } from './pull-document.ts'
import { PullNotFoundError, PullReadOnlyError, PullSchemeError, TooManyPullsError } from './pull-errors.ts'

const BACK_OFF: BackOff = { firstMs: 1_000, maxMs: 30_000 }

/** Something happened to a pull. `removed`: nobody will ever hear of it again. */
export interface PullEvent {
  readonly type: 'pull.changed' | 'pull.removed'
  readonly pull: PullDocument
}

/** Streams fetched from other servers: what is to be fetched, and how it goes. */
export interface PullsApi {
  readonly events: Signal<PullEvent>
  /**
   * Begins at once, and again after every restart. Whether the origin can be reached is seen in the state.
   * @param options isRemembered false: not after a restart, since it belongs to something that a restart ends
   * @throws {StreamPathError | PullSchemeError | PullUrlError | PullOptionError | TooManyPullsError}
   */
  add(spec: PullSpec, options?: { readonly isRemembered?: boolean }): Promise<PullDocument>
  /** By path. */
  list(): readonly PullDocument[]
  /** @throws {PullNotFoundError} */
  get(id: string): PullDocument
  /** Ends the stream, too; gives what it was. @throws {PullNotFoundError | PullReadOnlyError} */
  remove(id: string): Promise<PullDocument>
}

export interface PullsOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly node: string
  /** By URL scheme, without the colon. */
  readonly sources: Readonly<Record<string, PullSource>>
  readonly store: Pick<Catalog, 'pulls' | 'savePull' | 'removePull'>
  /** Of the configuration. */
  readonly configured: readonly PullSpec[]
  readonly maxPulls: number
  readonly backOff?: BackOff
  /** 0 to 1. Default Math.random. */
  readonly random?: () => number
}

/** All pulls of this node. */
export class Pulls implements PullsApi, AsyncDisposable {
  readonly events: Signal<PullEvent>
  readonly #options: PullsOptions
  readonly #pulls = new Map<string, Pull>()
  /** Being stored, and so counted. */
  #adding = 0

  constructor(options: PullsOptions) {
    const { log } = options.runtime
    this.#options = options
    this.events = new Signal((error) => log.error({ event: 'pulls.listener-failed', err: error }))
  }

  /**
   * Begins those of the configuration and those remembered.
   * @throws {PullSchemeError | PullUrlError | PullOptionError} the configuration has one that can't be pulled
   */
  async start(): Promise<void> {
    const { configured, store, node, runtime } = this.#options
    const rows = configured.map((spec) => this.#row(spec, configuredId(spec), 'config'))
    for (const row of await store.pulls(node)) {
      try {
        this.#source(row.url).check(row.url, row)
        rows.push(row)
      } catch (error) {
        // Written by a server that knew more protocols: kept for it.
        runtime.log.warn({ event: 'pull.not-started', pull: row.id, stream: row.path, err: error })
      }
    }
    for (const row of rows) this.#begin(row)
  }

  async add(spec: PullSpec, { isRemembered = true }: { readonly isRemembered?: boolean } = {}): Promise<PullDocument> {
    const { store, runtime, maxPulls } = this.#options
    const row = this.#row(spec, runtime.newId(), 'api')
    if (this.#pulls.size + this.#adding >= maxPulls) throw new TooManyPullsError(maxPulls)
    this.#adding++
    try {
      // What is tried only once is not tried again after a restart.
      if (row.keepAlive && isRemembered) await store.savePull(row)
    } finally {
      this.#adding--
    }
    return this.#begin(row).toDocument()
  }

  list(): readonly PullDocument[] {
    const documents = [...this.#pulls.values()].map((pull) => pull.toDocument())
    return documents.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.id < b.id ? -1 : 1))
  }

  get(id: string): PullDocument {
    return this.#find(id).toDocument()
  }

  async remove(id: string): Promise<PullDocument> {
    const pull = this.#find(id)
    if (pull.row.origin === 'config') throw new PullReadOnlyError(id)
    // Forgotten before it ends: a kill in between must not bring it back.
    await this.#options.store.removePull(id)
    await pull.stop({ cause: 'disconnected', message: `pull ${id} was removed` })
    this.#forget(pull)
    return pull.toDocument()
  }

  /** Ends all streams; they are pulled again by the next server. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pulls = [...this.#pulls.values()]
    await Promise.all(pulls.map((pull) => pull.stop({ cause: 'shutdown', message: 'the server is shutting down' })))
    this.#pulls.clear()
  }

  #begin(row: PullRow): Pull {
    const { runtime, hub, backOff = BACK_OFF, random = Math.random } = this.#options
    const pull = new Pull({
      row,
      source: this.#source(row.url),
      hub,
      runtime,
      backOff,
      random,
      onChanged: (changed) => this.events.emit({ type: 'pull.changed', pull: changed.toDocument() }),
      onOver: (over) => this.#forget(over),
    })
    this.#pulls.set(row.id, pull)
    const { id, path } = row
    runtime.log.info({ event: 'pull.added', pull: id, stream: path, from: publicUrl(row.url), origin: row.origin })
    pull.start()
    return pull
  }

  #forget(pull: Pull): void {
    if (!this.#pulls.delete(pull.row.id)) return
    this.#options.runtime.log.info({ event: 'pull.removed', pull: pull.row.id, stream: pull.row.path })
    this.events.emit({ type: 'pull.removed', pull: pull.toDocument() })
  }

  #find(id: string): Pull {
    const pull = this.#pulls.get(id)
    if (pull === undefined) throw new PullNotFoundError(id)
    return pull
  }

  #row(spec: PullSpec, id: string, origin: PullRow['origin']): PullRow {
    const { url, keepAlive = true, verifyTls = true, metadata = {} } = spec
    const { transport = DEFAULT_PULL_OPTIONS.transport, damaged = DEFAULT_PULL_OPTIONS.damaged } = spec
    const path = normalizeStreamPath(spec.path)
    this.#source(url).check(url, { transport, damaged })
    return { id, node: this.#options.node, path, url, keepAlive, verifyTls, transport, damaged, metadata, origin }
  }

  /** @throws {PullSchemeError} */
  #source(url: string): PullSource {
    const { sources } = this.#options
    const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):/i.exec(url) ?? []
    const name = scheme.toLowerCase()
    const source = Object.hasOwn(sources, name) ? sources[name] : undefined
    if (source === undefined) throw new PullSchemeError(scheme, Object.keys(sources))
    return source
  }
}

/** The same for the same entry, wherever it stands in the list; credentials may change without making it another. */
function configuredId({ path, url }: PullSpec): string {
  const digest = createHash('sha256')
    .update(`${path}\0${publicUrl(url)}`)
    .digest('hex')
  return `config-${digest.slice(0, 12)}`
}
