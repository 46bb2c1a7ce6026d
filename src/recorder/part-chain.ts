import type { TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartDocument, PartRename } from '#storage/recording-document.ts'
import { Part } from './part.ts'
import { finishPart } from './part-finisher.ts'
import type { AppendTarget, PartMaker } from './part-maker.ts'
import type { PartEvents, PartOptions } from './part-options.ts'
import { PartRenamer } from './part-renamer.ts'
import type { Zero } from './part-tracks.ts'
import { Pauses } from './pauses.ts'

/** How long the end of a part waits for a disk that refuses the last bytes before they count as lost. */
const DRAIN_PATIENCE_MS = 5_000

export interface PartChainOptions {
  readonly maker: PartMaker
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: PartEvents & {
    /** The part's file is about to be renamed: the part says how. */
    renaming(part: Part): void
    ready(part: PartDocument, finishMs: number): void
    /** Nothing more happens to the part. `error`: it could not be finished. */
    ended(part: Part, error: unknown): void
  }
  readonly refusal: () => TapedeckError | undefined
  /** See PartOptions. */
  readonly stored: () => Promise<void>
  /** Sync before a part counts as final (power durability, or it replaces another file). */
  readonly syncFirst: boolean
  readonly fragmentMs: number
  /** See PartOptions. */
  readonly syncEveryMs: number
  /** For a place in the recording: what the source's wall clock said there, as soon as that is known. */
  readonly sourceMoment: (positionMs: number) => () => number | undefined
  /** Parts of earlier sessions of the recording (append). */
  readonly previous: readonly PartDocument[]
  /** The format the recording is known by; undefined: that of its first part. */
  readonly previousFormat: ContainerName | undefined
}

/** The parts of one recording, in order: at most one takes media, earlier ones are on their way to become final. */
export class PartChain {
  readonly #options: PartChainOptions
  readonly #pauses: Pauses
  readonly #renamer: PartRenamer
  readonly #closing = new Map<Part, Promise<void>>()
  /** Parts nothing more happens to. The documents stay the same objects: that is how unchanged ones are told. */
  readonly #documents = new Map<number, PartDocument>()
  /** The same as a list; undefined when one has changed. */
  #inOrder: readonly PartDocument[] | undefined
  #current: Part | undefined
  #lastIndex: number
  #continuation: unknown
  /** What the recording is known by: parts of another say so. */
  #format: ContainerName | undefined
  /** The part begun last, and what its name is to become if it has a number by then. */
  #newest: { readonly part: Part; readonly numberedRename: PartRename | undefined } | undefined
  /** The part that was to be the newest, and held nothing: its name is free when it is gone. */
  #discarding: Promise<void> | undefined
  /** Of parts that wait for the plain name: when they may have it. */
  readonly #nameFree = new WeakMap<Part, Promise<void>>()
  /** Parts that are being given a number. */
  readonly #numbering = new Map<Part, Promise<void>>()

  constructor(options: PartChainOptions) {
    this.#options = options
    this.#pauses = new Pauses(options.runtime.monotonicMs)
    const { maker, log, events, stored } = options
    const note = async (part: Part) => {
      events.renaming(part)
      await stored()
    }
    this.#renamer = new PartRenamer({ maker, log, note })
    for (const part of options.previous) this.#keep(part)
    this.#lastIndex = options.previous.at(-1)?.index ?? 0
    this.#format = options.previousFormat
  }

  /** The part that takes media now. */
  get current(): Part | undefined {
    return this.#current
  }

  get queuedBytes(): number {
    let bytes = this.#current?.queuedBytes ?? 0
    // Asked for with every access unit: no iterator for what is nearly always empty.
    if (this.#closing.size > 0) for (const part of this.#closing.keys()) bytes += part.queuedBytes
    return bytes
  }

  documents(): PartDocument[] {
    this.#inOrder ??= [...this.#documents.values()].sort((a, b) => a.index - b.index)
    const documents = [...this.#inOrder]
    for (const part of this.#closing.keys()) if (part.file !== undefined) putInOrder(documents, part.toDocument())
    if (this.#current?.file !== undefined) putInOrder(documents, this.#current.toDocument())
    return documents
  }

  /** Undefined when there is none, or its file is not there yet. */
  document(index: number): PartDocument | undefined {
    const part = [this.#current, ...this.#closing.keys()].find((each) => each?.index === index)
    return part?.file === undefined ? this.#documents.get(index) : part.toDocument()
  }

  /** Closes the present part, if any, and begins the next at `zero`. Throws what the container's open() throws. */
  begin(
    container: Container,
    formats: ReadonlyMap<number, TrackFormat>,
    zero: Zero,
    recordingStartedAtMs: number,
  ): void {
    this.endCurrent()
    const { maker, runtime } = this.#options
    const nowMs = runtime.nowMs()
    const writer = container.open(maker.writerOptions(formats.values(), nowMs, this.#continuation))
    const index = ++this.#lastIndex
    const made = { container, index, recordingStartedAtMs, startedAtMs: nowMs, formats: [...formats.values()] }
    const nameFree = this.#numberFormer()
    this.#current = this.#part({
      index,
      container,
      writer,
      openFile: async () => {
        await nameFree
        return maker.create(made)
      },
      rename: maker.rename(made),
      startedAtMs: nowMs,
      sourceStartedAtMs: this.#options.sourceMoment((zero.ticks * 1000) / zero.timescale),
      zero,
      formats,
      previous: undefined,
    })
    if (nameFree !== undefined) this.#nameFree.set(this.#current, nameFree)
    this.#newest = { part: this.#current, numberedRename: maker.rename(made, true) }
  }

  /** Goes on in a finished file. */
  append(container: Container, formats: ReadonlyMap<number, TrackFormat>, target: AppendTarget): void {
    const { previous, ends } = target
    const zero = { ticks: Math.round(previous.startMs * 1000), timescale: 1_000_000 }
    this.#lastIndex = previous.index
    this.#current = this.#part({
      index: previous.index,
      container,
      writer: target.writer,
      openFile: () => Promise.resolve(target.file),
      startedAtMs: Date.parse(previous.startedAt),
      sourceStartedAtMs: () => (previous.sourceStartedAt === null ? undefined : Date.parse(previous.sourceStartedAt)),
      zero,
      formats,
      previous,
      ends,
    })
    this.#newest = { part: this.#current, numberedRename: undefined }
  }

  /** Call a few times a second. */
  tick(): void {
    this.#current?.tick()
    for (const part of this.#closing.keys()) part.tick()
    this.#pauses.tick()
  }

  /** The present part takes no more and becomes final in the background. */
  endCurrent(): void {
    const part = this.#current
    if (part === undefined) return
    this.#current = undefined
    part.close()
    this.#continuation = part.writer.continuation
    this.#finish(part)
  }

  /** The present part can't go on; its file, if it holds anything, becomes final. */
  giveUpCurrent(): void {
    const part = this.#current
    if (part === undefined) return
    this.#current = undefined
    this.#finish(part)
    if (part.hasBytes) return
    this.#lastIndex--
    this.#newest = undefined
    this.#discarding = this.#closing.get(part)
  }

  /** Resolves when every part is as final as it can be. */
  async close(): Promise<void> {
    this.endCurrent()
    while (this.#closing.size > 0) await Promise.all(this.#closing.values())
  }

  digested(index: number, sha256: string): void {
    const document = this.#documents.get(index)
    if (document !== undefined) this.#keep({ ...document, sha256 })
  }

  #keep(document: PartDocument): void {
    this.#documents.set(document.index, document)
    this.#inOrder = undefined
  }

  #part(
    options: Omit<
      PartOptions,
      'root' | 'format' | 'events' | 'refusal' | 'stored' | 'monotonicMs' | 'fragmentMs' | 'syncEveryMs'
    >,
  ): Part {
    const { name } = options.container
    this.#format ??= name
    const format = name === this.#format ? undefined : name
    const { maker, events, refusal, stored, runtime, fragmentMs, syncEveryMs } = this.#options
    const { monotonicMs } = runtime
    const common = { root: maker.root, format, events, refusal, stored, monotonicMs, fragmentMs, syncEveryMs }
    return new Part({ ...options, ...common })
  }

  #finish(part: Part): void {
    this.#closing.set(
      part,
      this.#drainAndFinish(part).finally(() => this.#closing.delete(part)),
    )
  }

  /** Resolves when the plain name is free for the next part; undefined when it is, or is not wanted. */
  #numberFormer(): Promise<void> | undefined {
    const former = this.#newest
    if (!this.#options.maker.numbersFormerParts) return undefined
    if (former === undefined) return this.#discarding
    const { part, numberedRename } = former
    const numbered = this.#renamer.number(part, numberedRename).finally(() => {
      this.#numbering.delete(part)
      // It may have become final long before, when the disk refused what came after it.
      const final = this.#documents.get(part.index)
      if (final !== undefined) this.#keep({ ...final, path: part.file?.relativePath ?? final.path })
    })
    this.#numbering.set(part, numbered)
    return numbered
  }

  async #drainAndFinish(part: Part): Promise<void> {
    const { log, events, runtime, syncFirst } = this.#options
    const endedAtMs = runtime.nowMs()
    // What it waits for there is no disk that refuses: many parts may have been cut at once.
    await this.#nameFree.get(part)
    await part.drain(DRAIN_PATIENCE_MS)
    await this.#numbering.get(part)
    const startedMs = runtime.monotonicMs()
    const outcome = await finishPart(part, {
      syncFirst,
      log,
      onRefused: (error) => events.impaired(part, error),
      pause: (ms) => this.#pauses.wait(ms),
      settleName: () => this.#renamer.settle(part, endedAtMs),
    })
    if (outcome.kind !== 'nothing') {
      const document = part.toDocument()
      this.#keep(document)
      if (outcome.kind === 'ready') events.ready(document, runtime.monotonicMs() - startedMs)
    }
    events.ended(part, outcome.kind === 'damaged' ? outcome.error : part.flaw)
  }
}

/** Takes the place of the document with its index, or its own; most belong at the end. */
function putInOrder(documents: PartDocument[], document: PartDocument): void {
  const position = documents.findLastIndex(({ index }) => index <= document.index)
  const isThere = documents[position]?.index === document.index
  documents.splice(isThere ? position : position + 1, isThere ? 1 : 0, document)
}
