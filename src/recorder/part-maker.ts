import type { Container, ContainerName, ContainerWriter } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartFile } from '#storage/part-file.ts'
import { createPartFile, openPartForAppend } from '#storage/part-files.ts'
import { CodecNotCarriedError } from './errors.ts'
import { Naming } from './naming.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'

/** A finished file that a recording goes on in. */
export interface AppendTarget {
  readonly file: PartFile
  readonly writer: ContainerWriter
  /** Where new access units begin on the part's timeline. */
  readonly startMs: number
}

/** Chooses container, names and files for the parts of one recording. */
export class PartMaker {
  readonly root: string
  readonly #settings: RecorderSettings
  readonly #request: ResolvedRequest
  readonly #naming: Naming
  readonly #id: string
  #version = 1

  /** @throws {NameTemplateError} */
  constructor(settings: RecorderSettings, request: ResolvedRequest, id: string) {
    this.#settings = settings
    this.#request = request
    this.#naming = new Naming(request.name, settings.timeZone)
    this.#id = id
    this.root = settings.roots[0] ?? ''
  }

  /**
   * The container for these tracks.
   * @throws {CodecNotCarriedError} the caller insists on one that can't hold them
   */
  container(formats: Iterable<TrackFormat>): Container {
    const { containers } = this.#settings
    const tracks = [...formats]
    if (this.#request.format === 'auto') {
      const fits = (container: Container) => tracks.every(({ codec }) => container.carries(codec))
      return fits(containers.mp4) || !fits(containers.flv) ? containers.mp4 : containers.flv
    }
    const container = containers[this.#request.format]
    for (const { codec } of tracks) {
      if (!container.carries(codec)) throw new CodecNotCarriedError(codec, container.name, this.#carriers(codec))
    }
    return container
  }

  /** Relative path of a part, with forward slashes. */
  path(container: Container, index: number, startedAtMs: number, formats: Iterable<TrackFormat>): string {
    let videoCodec = ''
    let audioCodec = ''
    for (const { kind, codec } of formats) {
      if (kind === 'video') videoCodec ||= codec
      else audioCodec ||= codec
    }
    const { stream } = this.#request
    const values = { stream, id: this.#id, startedAtMs, part: index, version: this.#version, videoCodec, audioCodec }
    return this.#naming.format(values, `.${container.extension}`)
  }

  /** Creates a part's file. Parts after the first carry the version number the first one got. */
  async create(relativePath: string, index: number): Promise<PartFile> {
    const { ifExists } = this.#request
    // Append was asked for and there was nothing to append to: whoever took the name meanwhile keeps it.
    const policy = ifExists === 'append' || index > 1 ? 'version' : ifExists
    const file = await createPartFile(this.root, relativePath, { ifExists: policy })
    if (index === 1) this.#version = this.#naming.read(file.relativePath)?.version ?? 1
    return file
  }

  /** Opens the file a recording is to go on in; undefined when there is none yet. */
  async openForAppend(
    container: Container,
    relativePath: string,
    formats: Iterable<TrackFormat>,
    nowMs: number,
  ): Promise<AppendTarget | undefined> {
    const file = await openPartForAppend(this.root, relativePath)
    if (file === undefined) return undefined
    try {
      return { file, ...(await container.openForAppend(file, this.writerOptions(formats, nowMs, undefined))) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  writerOptions(formats: Iterable<TrackFormat>, createdAtMs: number, continuation: unknown) {
    const { rotateSeconds, maxSeconds } = this.#request
    return {
      formats: [...formats],
      createdAtMs,
      expectedSeconds: rotateSeconds || maxSeconds,
      fragmentMs: this.#settings.fragmentMs,
      continuation,
    }
  }

  #carriers(codec: TrackFormat['codec']): ContainerName[] {
    return Object.values(this.#settings.containers)
      .filter((container) => container.carries(codec))
      .map(({ name }) => name)
  }
}
