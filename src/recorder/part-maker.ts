import { stat } from 'node:fs/promises'
import type { Container, ContainerName, ContinuedPart, PartInspection, WriterOptions } from '#containers/container.ts'
import { AppendMismatchError } from '#containers/errors.ts'
import { isVideoCodec, type VideoCodec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Births } from '#storage/births.ts'
import type { PartFile } from '#storage/part-file.ts'
import { isThere, type NameVersions, type PartFiles } from '#storage/part-files.ts'
import { MAX_INDEXED_VERSION, numberedPath, parsePartName, REPLACING_RESERVE_BYTES } from '#storage/part-name.ts'
import type { PartDocument, PartRename } from '#storage/recording-document.ts'
import { canHold, targetCodec } from './audio-plan.ts'
import { CodecNotCarriedError } from './errors.ts'
import type { FilesInUse } from './files-in-use.ts'
import { writeRecipe } from './final-name.ts'
import { type NameValues, Naming, type NamingRules, type NumberShown } from './naming.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'

/** A finished file that a recording goes on in. */
export interface AppendTarget extends ContinuedPart {
  readonly file: PartFile
  /** When its last byte was written, milliseconds since 1970 UTC. */
  readonly endedAtMs: number
  /** The part as it was. */
  readonly previous: PartDocument
}

/** Where parts are made, and which of them others write to. */
export interface PartDisk {
  readonly files: PartFiles
  readonly inUse: FilesInUse
  /** Where files are noted before they are made. */
  readonly births?: Births | undefined
  /** Renames what lies there, unless somebody writes it. Default: leaves it. */
  readonly setAside?: (root: string, relativePath: string) => Promise<void>
  /** Whether the catalog has a recording with this file. Default: it has not. */
  readonly isKnown?: (root: string, relativePath: string) => Promise<boolean>
}

/** A part about to be made, as far as its name is concerned. */
export interface NewPart {
  readonly container: Container
  /** From 1. */
  readonly index: number
  /** Wall clocks, milliseconds since 1970 UTC. */
  readonly recordingStartedAtMs: number
  readonly startedAtMs: number
  readonly formats: readonly TrackFormat[]
}

/** A name that was free, and which attempt it was. */
export interface NameClaim {
  readonly path: string
  readonly attempt: number
}

/** Names tried one after the other before it is given up. */
const MAX_ATTEMPTS = 10_000

/**
 * What a part limited in bytes is expected to last is reckoned with this bitrate. Low, so that the index of most finds
 * its room; an index that outgrows it stands at the end of the file.
 */
const EXPECTED_BYTES_PER_SECOND = 1_000_000 / 8

/** What `auto` may choose: WebM for VP8 and VP9 unless their sound is MP4's, else the first that carries the codecs. */
export const AUTO_CONTAINERS = ['mp4', 'flv', 'mkv', 'webm'] as const satisfies readonly ContainerName[]

/** Chooses container, names and files for the parts of one recording. */
export class PartMaker {
  readonly root: string
  readonly #settings: RecorderSettings
  readonly #request: ResolvedRequest
  readonly #naming: Naming
  readonly #id: string
  readonly #files: PartFiles
  readonly #inUse: FilesInUse
  readonly #births: Births | undefined
  readonly #setAside: NonNullable<PartDisk['setAside']>
  readonly #isKnown: NonNullable<PartDisk['isKnown']>
  /** Highest number that a part got when another followed it. */
  #lastNumber = 0
  /** The version number the recording's first file got: its later parts carry it too. */
  #version: Promise<number> | undefined

  /** @throws {NameTemplateError} */
  constructor(settings: RecorderSettings, disk: PartDisk, request: ResolvedRequest, id: string) {
    this.#settings = settings
    this.#files = disk.files
    this.#inUse = disk.inUse
    this.#births = disk.births
    this.#request = request
    this.#setAside = disk.setAside ?? (() => Promise.resolve())
    this.#isKnown = disk.isKnown ?? (() => Promise.resolve(false))
    this.#id = id
    this.root = request.root
    this.#naming = new Naming(request.name, settings.timeZone, this.#rules)
  }

  /**
   * The container for these tracks, as they come.
   * @param present that of the file to go on in, which decides where the caller leaves it open
   * @param promised codecs of pictures that are to come
   * @throws {CodecNotCarriedError} the caller insists on one that can't hold them, or the file is of one
   */
  container(
    formats: Iterable<TrackFormat>,
    present: ContainerName | undefined,
    promised: readonly VideoCodec[] = [],
  ): Container {
    const { containers } = this.#settings
    const tracks = [...formats]
    const wanted = this.#request.format === 'auto' ? (present ?? 'auto') : this.#request.format
    if (wanted === 'auto') {
      const awaited = this.#request.video && !tracks.some(({ kind }) => kind === 'video') ? promised : []
      if (this.#isForWebm(tracks, awaited)) return containers.webm
      const fits = (name: ContainerName) =>
        tracks.every((track) => canHold(track, containers[name], this.#request)) &&
        awaited.every((codec) => containers[name].carries(codec))
      return containers[AUTO_CONTAINERS.find(fits) ?? 'mp4']
    }
    const container = containers[wanted]
    for (const track of tracks) {
      if (canHold(track, container, this.#request)) continue
      const codec = targetCodec(track, container, this.#request) ?? track.codec
      throw new CodecNotCarriedError(codec, container.name, this.#carriers(codec))
    }
    return container
  }

  /**
   * Another container, for a recording whose present one can't hold what its publisher has come to send. Undefined: the
   * caller wants the one there is, or none holds all of it.
   */
  otherContainer(formats: Iterable<TrackFormat>, present: Container): Container | undefined {
    if (this.#request.format !== 'auto') return undefined
    const tracks = [...formats]
    const other = this.container(tracks, undefined)
    return other !== present && tracks.every((track) => canHold(track, other, this.#request)) ? other : undefined
  }

  /** Relative path of a part as it is called while it is recorded, with forward slashes. */
  path({ container, ...naming }: NewPart, version: number): string {
    return this.#naming.format(this.#values(naming, version), this.#extension(container), this.#shown(naming.index))
  }

  /**
   * What the part's name is to become when it is final; undefined when it has its name from the beginning.
   * @param numbered another part follows it
   */
  rename(part: NewPart, numbered = this.#shown(part.index).numbered ?? part.index > 1): PartRename | undefined {
    if (!this.#naming.isLate) return undefined
    const { name: template } = this.#request
    const { timeZone } = this.#settings
    const extension = this.#extension(part.container)
    const values = this.#values(part, 1)
    return { recipe: writeRecipe({ template, rules: this.#rules, timeZone, values, extension, numbered }) }
  }

  /** A part that another follows gets a number, since what is recorded now has the plain name. */
  get numbersFormerParts(): boolean {
    return this.#request.numbering === 'lastPlain' && !this.#naming.distinguishesParts
  }

  /** A name for a part that another follows. A number that is taken is left out: what comes later has a higher one. */
  async claimNumber(index: number, path: string): Promise<string | undefined> {
    const first = Math.max(index, this.#lastNumber + 1)
    const claim = await this.claimFree((attempt) => numberedPath(path, first + attempt - 1))
    if (claim === undefined) return undefined
    this.#lastNumber = first + claim.attempt - 1
    return claim.path
  }

  /** Creates a part's file. Parts after the first wait for the first one's version number. */
  async create(part: NewPart): Promise<PartFile> {
    if (part.index > 1 && this.#version !== undefined) return this.#create(part, await this.#version)
    const creating = this.#create(part, 1)
    // A file that could not be created has no version, and doesn't keep the next one from getting one.
    this.#version = creating.then(
      (file) => this.#versions(part, 1).read(file.relativePath) ?? 1,
      () => 1,
    )
    return creating
  }

  /**
   * The first of these names that nobody has, or will want back; it is the recording's from now on. Undefined when all
   * are taken.
   */
  async claimFree(names: (attempt: number) => string): Promise<NameClaim | undefined> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const path = names(attempt)
      if (this.#inUse.isTaken(this.root, path, this.#id) || (await isThere(this.root, path))) continue
      this.#inUse.claim(this.root, path, this.#id)
      return { path, attempt }
    }
    return undefined
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
    const first = { container, index: 1, recordingStartedAtMs: nowMs, startedAtMs: nowMs, formats: tracks }
    const relativePath = known?.path ?? this.path(first, 1)
    // Made since it was looked for, or its name was not known before it is time to begin: another recording's. Not
    // claimed even for a moment, since whoever deletes that recording would leave the file to us.
    if (known === undefined && (await this.#isKnown(this.root, relativePath))) return undefined
    // Somebody may just be creating it: there is a file then, and nothing in it yet.
    const file = await this.#inUse.inTurn(this.root, relativePath, () => {
      this.#inUse.claim(this.root, relativePath, this.#id)
      return this.#files.openForAppend(this.root, relativePath)
    })
    if (file === undefined) return undefined
    try {
      // Somebody may have created it meanwhile.
      this.#inUse.claim(this.root, relativePath, this.#id)
      const { mtimeMs: endedAtMs } = await stat(file.path)
      const found = await container.inspect(file)
      for (const { trackId, codec } of tracks) {
        const present = found.tracks.find((track) => track.trackId === trackId)
        if (present !== undefined && present.codec !== codec)
          throw new AppendMismatchError(container.name, trackId, present.codec, codec)
      }
      const opened = await container.openForAppend(file, this.writerOptions(tracks, nowMs, undefined))
      const previous = known ?? foundPart(this.root, relativePath, nowMs, found)
      return { file, ...opened, endedAtMs, previous }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  writerOptions(formats: Iterable<TrackFormat>, createdAtMs: number, continuation: unknown): WriterOptions {
    const { rotateSeconds, rotateBytes, maxSeconds, mp4Compatible32 } = this.#request
    return {
      formats: [...formats],
      createdAtMs,
      expectedSeconds: rotateSeconds || maxSeconds || rotateBytes / EXPECTED_BYTES_PER_SECOND,
      fragmentMs: this.#settings.fragmentMs,
      compatible32: mp4Compatible32,
      continuation,
    }
  }

  async #create(part: NewPart, version: number): Promise<PartFile> {
    const relativePath = this.path(part, version)
    return this.#inUse.inTurn(this.root, relativePath, () => this.#createAt(part, version, relativePath))
  }

  async #createAt(part: NewPart, version: number, relativePath: string): Promise<PartFile> {
    const { ifExists } = this.#request
    const { index } = part
    // What was to be appended to isn't there, so whoever took the name meanwhile keeps it. `fail` was asked for a name,
    // and the recording has it; that a later part's name is taken must not cost what is yet to come.
    const keepsOthers = ifExists === 'append' || ifExists === 'rename' || (ifExists === 'fail' && index > 1)
    const isOurs = ifExists !== 'overwrite' || this.#claimReplaced(relativePath, index)
    const policy = keepsOthers || !isOurs ? 'version' : ifExists
    if (ifExists === 'rename' && !this.#inUse.isTaken(this.root, relativePath, '')) {
      this.#inUse.claim(this.root, relativePath, this.#id)
      await this.#setAside(this.root, relativePath)
    }
    const versions = this.#versions(part, version)
    const file = await this.#files.create(this.root, relativePath, { ifExists: policy, versions, births: this.#births })
    this.#inUse.created(this.root, file.relativePath, this.#id)
    return file
  }

  /** Versions of a part's name, counted from `first`. */
  #versions(part: NewPart, first: number): NameVersions {
    const { numbering } = this.#request
    const path = (version: number) => this.path(part, first + version - 1)
    const versions: NameVersions = {
      path,
      read: (found) => {
        const version = parsePartName(found, numbering).version - first + 1
        return [1, version].find((candidate) => candidate >= 1 && path(candidate) === found)
      },
      next: numbering === 'suffix' ? 'afterHighest' : 'lowestFree',
      maxVersion: numbering === 'indexed' ? MAX_INDEXED_VERSION - first + 1 : Number.POSITIVE_INFINITY,
      isReserved: (found) => this.#inUse.isTaken(this.root, found, this.#id),
    }
    const isAlone = numbering === 'suffix' || part.index > 1 || this.#naming.distinguishesParts
    if (isAlone || (numbering === 'lastPlain' && !this.#isRotated)) return versions
    // A recording of one file and one of several may not share a name: their parts would be taken for each other's.
    const other = { numbered: numbering === 'lastPlain' || !this.#isRotated }
    const extension = this.#extension(part.container)
    const alsoTakenBy = (version: number) => [
      this.#naming.format(this.#values(part, first + version - 1), extension, other),
    ]
    return { ...versions, alsoTakenBy }
  }

  #values(
    { index, recordingStartedAtMs, startedAtMs, formats }: Omit<NewPart, 'container'>,
    version: number,
  ): NameValues {
    let videoCodec = ''
    let audioCodec = ''
    const { stream, nameValues: caller } = this.#request
    for (const { kind, codec } of formats) {
      const name = caller.codecs[codec] ?? codec
      if (kind === 'video') videoCodec ||= name
      else audioCodec ||= name
    }
    const times = { startedAtMs: recordingStartedAtMs, partStartedAtMs: startedAtMs }
    return { stream, id: this.#id, ...times, part: index, version, videoCodec, audioCodec, caller }
  }

  #shown(index: number): NumberShown {
    return this.#request.numbering === 'indexed' ? { numbered: this.#isRotated || index > 1 } : {}
  }

  #extension(container: Container): string {
    return this.#request.extension ?? `.${container.extension}`
  }

  /** There may be several parts. */
  get #isRotated(): boolean {
    const { rotateSeconds, rotateBytes, rotateAt } = this.#request
    return rotateSeconds + rotateBytes > 0 || rotateAt !== ''
  }

  get #rules(): NamingRules {
    const { path, pathText, numbering, nameText, ifExists } = this.#request
    const reserveBytes = ifExists === 'overwrite' ? REPLACING_RESERVE_BYTES : 0
    return { path, isVerbatim: pathText === 'verbatim', numbering, text: nameText, reserveBytes }
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

  /** VP8 or VP9, with sound that WebM holds as it is, or that would have to be transcoded for MP4 too. */
  #isForWebm(tracks: readonly TrackFormat[], awaited: readonly VideoCodec[]): boolean {
    const { webm, mp4 } = this.#settings.containers
    const isAtHome = (track: TrackFormat) =>
      canHold(track, webm, this.#request) &&
      (targetCodec(track, webm, this.#request) === undefined || targetCodec(track, mp4, this.#request) !== undefined)
    const codecs = [...tracks.map(({ codec }) => codec), ...awaited]
    return (
      codecs.some((codec) => codec === 'vp8' || codec === 'vp9') &&
      tracks.every(isAtHome) &&
      awaited.every((codec) => webm.carries(codec))
    )
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
    sourceStartedAt: null,
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
