import type { Container, ContainerName, ContainerWriter, PartInspection, WriterOptions } from '#containers/container.ts'
import { AppendMismatchError } from '#containers/errors.ts'
import { isVideoCodec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartFiles } from '#storage/part-files.ts'
import type { PartDocument } from '#storage/recording-document.ts'
import { CodecNotCarriedError } from './errors.ts'
import type { FilesInUse } from './files-in-use.ts'
import { Naming } from './naming.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'

/** A finished file that a recording goes on in. */
export interface AppendTarget {
  readonly file: PartFile
  readonly writer: ContainerWriter
  /** Where new access units begin on the part's timeline. */
  readonly startMs: number
  /** The part as it was. */
  readonly previous: PartDocument
}

/** Where parts are made, and which of them others write to. */
export interface PartDisk {
  readonly files: PartFiles
  readonly inUse: FilesInUse
}

/**
 * What a part limited in bytes is expected to last is reckoned with this bitrate. Low, so that the index of most finds
 * its room; an index that outgrows it stands at the end of the file.
 */
const EXPECTED_BYTES_PER_SECOND = 1_000_000 / 8

/** Chooses container, names and files for the parts of one recording. */
export class PartMaker {
  readonly root: string
  readonly #settings: RecorderSettings
  readonly #request: ResolvedRequest
  readonly #naming: Naming
  readonly #id: string
  readonly #files: PartFiles
  readonly #inUse: FilesInUse
  /** The version number the recording's first file got: its later parts carry it too. */
  #version: Promise<number> | undefined

  /** @throws {NameTemplateError} */
  constructor(settings: RecorderSettings, disk: PartDisk, request: ResolvedRequest, id: string) {
    this.#settings = settings
    this.#files = disk.files
    this.#inUse = disk.inUse
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
  path(
    container: Container,
    index: number,
    startedAtMs: number,
    formats: Iterable<TrackFormat>,
    version: number,
  ): string {
    let videoCodec = ''
    let audioCodec = ''
    for (const { kind, codec } of formats) {
      if (kind === 'video') videoCodec ||= codec
      else audioCodec ||= codec
    }
    const { stream } = this.#request
    const values = { stream, id: this.#id, startedAtMs, part: index, version, videoCodec, audioCodec }
    return this.#naming.format(values, `.${container.extension}`)
  }

  /** Creates a part's file. Parts after the first wait for the first one's version number. */
  async create(
    container: Container,
    index: number,
    startedAtMs: number,
    formats: Iterable<TrackFormat>,
  ): Promise<PartFile> {
    const tracks = [...formats]
    if (index > 1 && this.#version !== undefined) {
      const version = await this.#version
      return this.#create(this.path(container, index, startedAtMs, tracks, version), index)
    }
    const creating = this.#create(this.path(container, index, startedAtMs, tracks, 1), index)
    // A file that could not be created has no version, and doesn't keep the next one from getting one.
    this.#version = creating.then(
      (file) => this.#naming.read(file.relativePath)?.version ?? 1,
      () => 1,
    )
    return creating
  }

  /**
   * Opens the file a recording is to go on in; undefined when there is none yet. Nothing is changed when it throws.
   * @param known the part as the recording knows it; undefined when the file is not in the catalog
   * @throws {NotOursError} @throws {DamagedError} @throws {AppendMismatchError} @throws {RecordingBusyError}
   * @throws {StorageError}
   */
  async openForAppend(
    container: Container,
    formats: Iterable<TrackFormat>,
    nowMs: number,
    known: PartDocument | undefined,
  ): Promise<AppendTarget | undefined> {
    const tracks = [...formats]
    const relativePath = known?.path ?? this.path(container, 1, nowMs, tracks, 1)
    this.#inUse.claim(this.root, relativePath, this.#id)
    const file = await this.#files.openForAppend(this.root, relativePath)
    if (file === undefined) return undefined
    try {
      const found = await container.inspect(file)
      for (const { trackId, codec } of tracks) {
        const present = found.tracks.find((track) => track.trackId === trackId)
        if (present !== undefined && present.codec !== codec)
          throw new AppendMismatchError(container.name, trackId, present.codec, codec)
      }
      const opened = await container.openForAppend(file, this.writerOptions(tracks, nowMs, undefined))
      const previous = known ?? foundPart(this.root, relativePath, nowMs, found)
      return { file, ...opened, previous }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  writerOptions(formats: Iterable<TrackFormat>, createdAtMs: number, continuation: unknown): WriterOptions {
    const { rotateSeconds, rotateBytes, maxSeconds } = this.#request
    return {
      formats: [...formats],
      createdAtMs,
      expectedSeconds: rotateSeconds || maxSeconds || rotateBytes / EXPECTED_BYTES_PER_SECOND,
      fragmentMs: this.#settings.fragmentMs,
      continuation,
    }
  }

  async #create(relativePath: string, index: number): Promise<PartFile> {
    const { ifExists } = this.#request
    // What was to be appended to isn't there, so whoever took the name meanwhile keeps it. `fail` was asked for a name,
    // and the recording has it; that a later part's name is taken must not cost what is yet to come.
    const keepsOthers = ifExists === 'append' || (ifExists === 'fail' && index > 1)
    const isOurs = ifExists !== 'overwrite' || this.#claimReplaced(relativePath, index)
    const policy = keepsOthers || !isOurs || ifExists === 'rename' ? 'version' : ifExists
    const file = await this.#files.create(this.root, relativePath, { ifExists: policy })
    this.#inUse.claim(this.root, file.relativePath, this.#id)
    return file
  }

  /**
   * Keeps everybody else from the file that is to be replaced; false when a later part can't have it.
   * @throws {RecordingBusyError} another recording writes to it, and would lose it
   */
  #claimReplaced(relativePath: string, index: number): boolean {
    try {
      this.#inUse.claim(this.root, relativePath, this.#id)
      return true
    } catch (error) {
      if (index === 1) throw error
      return false
    }
  }

  #carriers(codec: TrackFormat['codec']): ContainerName[] {
    return Object.values(this.#settings.containers)
      .filter((container) => container.carries(codec))
      .map(({ name }) => name)
  }
}

/** A finished file of ours that no recording here knows. */
function foundPart(root: string, path: string, nowMs: number, found: PartInspection): PartDocument {
  return {
    index: 1,
    path,
    root,
    state: 'ready',
    startedAt: new Date(nowMs - found.durationMs).toISOString(),
    startMs: 0,
    durationMs: found.durationMs,
    bytes: found.bytes,
    sha256: null,
    tracks: found.tracks.map(({ trackId, codec, accessUnits, payloadBytes }) => {
      const kind = isVideoCodec(codec) ? 'video' : 'audio'
      return { trackId, kind, codec, codecString: codec, accessUnits, payloadBytes }
    }),
  }
}
