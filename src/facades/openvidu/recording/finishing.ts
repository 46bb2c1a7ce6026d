import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { errorCode } from '#base/error.ts'
import { makePoster } from '#control/poster-process.ts'
import { type PartDocument, partFormat, type RecordingDocument } from '#storage/recording-document.ts'
import type { Desk } from '../desk.ts'
import { individualIndex } from './individual-index.ts'
import { writeIndividualZip } from './individual-zip.ts'
import { probeReport } from './probe-report.ts'
import type { RecordingFacts } from './recording-facts.ts'
import type { RecordingFolder, StoredRecording } from './recording-folder.ts'
import type { Layout } from './recording-object.ts'

/** Of `ID.jpg`. spec section 4.5. */
const POSTER_WIDTH_PIXELS = 480

/** Makes the vendor's files of what the recorder has recorded: the zip and its index, the report, the picture. */
export class Finishing implements AsyncDisposable {
  readonly #desk: Pick<Desk, 'runtime' | 'control'>
  readonly #folder: RecordingFolder
  /** Pictures being made, by recording. */
  readonly #posters = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()

  constructor(desk: Pick<Desk, 'runtime' | 'control'>, folder: RecordingFolder) {
    this.#desk = desk
    this.#folder = folder
  }

  /** Everything that is made when the media are final; what can't be made leaves a recording that has failed. */
  async finish({ facts, layout }: StoredRecording, documents: readonly RecordingDocument[]): Promise<RecordingFacts> {
    try {
      if (facts.outputMode === 'INDIVIDUAL') return await this.#zipped(facts, layout, documents)
      return await this.#composed(facts, layout, documents)
    } catch (err) {
      this.#desk.runtime.log.error({ event: 'facade.recording-not-finished', recording: facts.id, err })
      return { ...facts, tapedeck: { ...facts.tapedeck, recordings: idsOf(documents) }, status: 'failed' }
    }
  }

  /** Files of streams whose media are in the zip; once that is noted, so that a crash can't make an empty zip of none. */
  async removeZipped({ facts, layout }: StoredRecording, documents: readonly RecordingDocument[]): Promise<void> {
    const { id, outputMode, status } = facts
    if (outputMode !== 'INDIVIDUAL' || status !== 'ready') return
    try {
      await this.removeSources(idsOf(documents))
      if (layout === 'flat') {
        await rm(join(this.#folder.path, this.#folder.streams(id, layout)), { recursive: true, force: true })
      }
    } catch (err) {
      // They are deleted with the recording.
      this.#desk.runtime.log.warn({ event: 'facade.leftover', recording: id, err })
    }
  }

  /** Deletes the recorder's recordings; one that is gone already is fine. @throws {RecordingHeldError} */
  async removeSources(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this.#desk.control.recorder.remove(id)
      } catch (error) {
        if (!errorCode(error).endsWith('not-found')) throw error
      }
    }
  }

  /** Resolves when a recording's picture is there, or has failed. */
  async posterMade(id: string): Promise<void> {
    await this.#posters.get(id)
  }

  /** Gives up pictures that are being made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#posters.values())
  }

  async #zipped(
    facts: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ): Promise<RecordingFacts> {
    const { streams = [], file } = facts.tapedeck ?? {}
    const finished = streams.flatMap((stream) =>
      documents
        .filter(({ metadata }) => metadata['publication'] === stream.streamId)
        .map((document) => ({ stream, document })),
    )
    const index = individualIndex(facts, finished)
    const files = index.parts.map(({ part, file: { name } }) => ({ path: join(part.root, part.path), name }))
    const zip = this.#path(facts.id, layout, file ?? `${facts.name}.zip`)
    await writeIndividualZip(zip, files, { name: facts.name, content: index.content })
    const { size, duration } = index
    return { ...facts, size, duration, tapedeck: { ...facts.tapedeck, recordings: idsOf(documents) }, status: 'ready' }
  }

  async #composed(
    facts: RecordingFacts,
    layout: Layout,
    documents: readonly RecordingDocument[],
  ): Promise<RecordingFacts> {
    // The others are streams that were kept besides.
    const composed = documents.filter(({ metadata }) => metadata['publication'] === undefined)
    const parts = composed.flatMap((document) => document.parts.map((part) => ({ part, document })))
    const found = parts.find(({ part }) => part.state === 'ready') ?? parts[0]
    const own = { ...facts.tapedeck, recordings: idsOf(documents) }
    if (found === undefined) return { ...facts, tapedeck: own, status: 'failed' }
    const { part, document } = found
    const video = part.tracks.find(({ kind }) => kind === 'video')
    const isSized = video?.width !== undefined && video.height !== undefined
    const finished: RecordingFacts = {
      ...facts,
      size: part.bytes,
      duration: part.durationMs / 1000,
      hasAudio: part.tracks.some(({ kind }) => kind === 'audio'),
      hasVideo: video !== undefined,
      ...(isSized && { resolution: `${video.width}x${video.height}` }),
      tapedeck: { ...own, file: basename(part.path) },
      status: part.state === 'ready' ? 'ready' : 'failed',
    }
    if (layout === 'flat') {
      const report = probeReport(part, partFormat(document, part))
      await writeFile(join(this.#folder.path, `${facts.id}.info`), JSON.stringify(report))
    }
    if (video !== undefined && part.state === 'ready') this.#makePoster(facts.id, layout, part, document)
    return finished
  }

  /** In the background: nobody waits for a picture. */
  #makePoster(id: string, layout: Layout, part: PartDocument, document: RecordingDocument): void {
    const { runtime } = this.#desk
    const output = this.#path(id, layout, `${id}.jpg`)
    const draft = this.#path(id, layout, `.${id}.jpg.new`)
    const made = (async () => {
      try {
        await makePoster({
          input: join(part.root, part.path),
          container: partFormat(document, part),
          output: draft,
          maxWidthPixels: POSTER_WIDTH_PIXELS,
          atMs: part.durationMs / 2,
          signal: this.#closing.signal,
        })
        await rename(draft, output)
      } catch (err) {
        runtime.log.warn({ event: 'facade.poster-not-made', recording: id, err })
        await rm(draft, { force: true })
      }
    })().finally(() => this.#posters.delete(id))
    this.#posters.set(id, made)
  }

  #path(id: string, layout: Layout, name: string): string {
    return join(this.#folder.path, this.#folder.relative(id, layout, name))
  }
}

function idsOf(documents: readonly RecordingDocument[]): string[] {
  return documents.map(({ id }) => id)
}
