import type { AccessUnit } from '#media/access-unit.ts'
import { concatBytes } from '#media/bytes.ts'
import { isVideoCodec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Change, ContainerWriter, PartTiming, WriterOptions, WriterOutput } from '../container.ts'
import { CodecUnsupportedError, UnannouncedTrackError } from '../errors.ts'
import { Slabs } from '../slabs.ts'
import { TrackTotals } from '../track-totals.ts'
import { Cluster } from './cluster.ts'
import { canShareTrack, type DocType } from './codec-mapping.ts'
import { voidHeader } from './ebml.ts'
import { descriptionRoomBytes, HEAD_BYTES, type Head, headBytes, infoElement } from './head.ts'
import type { RecordedTrack } from './record.ts'
import { RecordKeeper } from './record-keeper.ts'
import { continuesTrack, type TrackEntry, trackEntry, tracksElement } from './track-entry.ts'
import { type WriterTrack, writerTrack } from './writer-track.ts'

/** A cluster is closed at this size whatever its duration: bounds memory and the loss at very high bitrates. */
const MAX_CLUSTER_BYTES = 4 * 1024 * 1024

/** Two bytes hold a track's number in its blocks. */
const MAX_TRACKS = 16_382

/** What a cue point takes, and tracks that appear later. */
const CUE_POINT_BYTES = 32
const TRACKS_ROOM_BYTES = 8 * 1024

/** One cue point a second is more than encoders make; without a promise, enough for two hours of two-second GOPs. */
const DEFAULT_CUE_POINTS = 3600
const MAX_CUE_POINTS = 32_768
const ROOM_ALIGNMENT_BYTES = 4096

/** What an appending writer continues: times given to it are the file's. */
export interface WriterBefore {
  readonly head: Head
  /** What comes before the first byte, to make it a part that is recorded. */
  readonly reopening: readonly Change[]
  readonly fileBytes: number
  readonly entries: readonly TrackEntry[]
  readonly tracks: readonly RecordedTrack[]
  readonly lastRecordAt: number
}

/** Writes clusters of about a second, each followed by a record, into a file laid out as head.ts says. */
export class MatroskaWriter implements ContainerWriter {
  readonly #docType: DocType
  readonly #options: WriterOptions
  /** As the present Tracks element has them. */
  #entries: TrackEntry[]
  readonly #tracks = new Map<number, WriterTrack>()
  /** Tracks of the file we append to that got nothing from us yet. */
  readonly #dormant = new Map<number, RecordedTrack>()
  readonly #records: RecordKeeper
  readonly #slabs = new Slabs()
  readonly #cluster = new Cluster()
  /** Undefined until the file is begun. */
  #head: Head | undefined
  /** The part's time that is the file's zero; known when the first cluster is closed. */
  #originMs: number | undefined
  /** What comes before the bytes in the slabs. */
  #changes: Change[] = []
  #accessUnits: AccessUnit[] = []
  /** File position of the first byte not yet taken. */
  #takenBytes: number
  /** Media in closed clusters since the last output. */
  #closedMs = 0
  #hasOutput = false

  /** @throws {CodecUnsupportedError} a track that the file cannot hold */
  constructor(docType: DocType, options: WriterOptions, before?: WriterBefore) {
    this.#docType = docType
    this.#options = options
    this.#entries = [...(before?.entries ?? [])]
    this.#records = new RecordKeeper(before?.lastRecordAt ?? 0)
    this.#head = before?.head
    this.#takenBytes = before?.fileBytes ?? 0
    for (const track of before?.tracks ?? []) this.#dormant.set(track.trackId, track)
    // Of an appended file it is known that all fit (append.ts).
    if (before !== undefined) this.#changes.push(...before.reopening)
    for (const format of options.formats) this.#addTrack(format)
    if (before === undefined) return
    this.#originMs = 0
    this.#append(this.#records.opening(this.#endBytes, this.#recordedTracks()))
  }

  get hasOutput(): boolean {
    return this.#hasOutput
  }

  write(accessUnit: AccessUnit, timing: PartTiming): void {
    const { format, isRandomAccess } = accessUnit
    const track = this.#tracks.get(format.trackId)
    if (track?.format !== format) throw new UnannouncedTrackError(format.trackId)
    const dtsMs = (timing.dts * 1000) / format.timescale
    const ptsMs = (timing.pts * 1000) / format.timescale
    const cluster = this.#cluster
    const { fragmentMs } = this.#options
    if (!cluster.isEmpty) {
      const isTorn = !cluster.reaches(ptsMs)
      const spanMs = cluster.spanMs(dtsMs)
      // A GOP begins a cluster; where every picture is a key frame, it doesn't.
      if (isTorn || (isRandomAccess && track.isVideo && cluster.holdsDependents)) {
        this.#closeCluster()
        this.#closedMs += spanMs
        // A short cluster before a key frame is no reason to write it alone.
        if (isTorn || this.#closedMs >= fragmentMs / 2) this.#hasOutput = true
      }
    }
    cluster.add(accessUnit, track, dtsMs, ptsMs)
    if (cluster.spanMs(dtsMs) < fragmentMs && cluster.payloadBytes < MAX_CLUSTER_BYTES) return
    this.#closeCluster()
    this.#hasOutput = true
  }

  takeOutput(): WriterOutput | undefined {
    if (!this.#hasOutput) return undefined
    this.#hasOutput = false
    this.#closedMs = 0
    const changes = this.#changes
    const accessUnits = this.#accessUnits
    this.#changes = []
    this.#accessUnits = []
    const appended = this.#slabs.pendingBytes
    if (appended > 0) changes.push({ kind: 'append', buffers: this.#slabs.take(), bytes: appended })
    this.#takenBytes += appended
    let bytes = 0
    for (const change of changes) {
      if (change.kind === 'append') bytes += change.bytes
      if (change.kind === 'write') bytes += change.bytes.length
    }
    return { changes, bytes, accessUnits }
  }

  flush(reason: 'interval' | 'end'): void {
    this.#closeCluster()
    if (reason === 'end') this.#begin()
    if (this.#slabs.pendingBytes > 0 || this.#changes.length > 0) this.#hasOutput = true
  }

  /** A late track, or a new format that players take without notice, goes on in the same part. */
  changeFormat(format: TrackFormat, first?: AccessUnit): boolean {
    const known = this.#tracks.get(format.trackId)
    if (known?.format === format) return true
    try {
      if (known === undefined) return this.#addTrack(format)
      const isUnused = !this.#isBegun && this.#cluster.isEmpty
      if (isUnused) return this.#replaceTrack(known, format, undefined)
    } catch (error) {
      if (error instanceof CodecUnsupportedError) return false
      throw error
    }
    if (!canShareTrack(known.format, format, first)) return false
    if (lacksSize(known.format) && !lacksSize(format)) return this.#replaceTrack(known, format, known.totals)
    this.#tracks.set(format.trackId, writerTrack(format, known.entry, known.totals))
    return true
  }

  get #isBegun(): boolean {
    return this.#head !== undefined
  }

  /**
   * A track that is new to the writer. False: the file has no room to describe it, or describes it otherwise.
   * @throws {CodecUnsupportedError}
   */
  #addTrack(format: TrackFormat): boolean {
    const present = this.#entries.find(({ trackId }) => trackId === format.trackId)
    const dormant = this.#dormant.get(format.trackId)
    if (present !== undefined) {
      if (!continuesTrack(present, format)) return false
      this.#tracks.set(format.trackId, writerTrack(format, present, dormant && new TrackTotals(dormant.totals)))
      this.#dormant.delete(format.trackId)
      return true
    }
    const number = this.#entries.reduce((highest, entry) => Math.max(highest, entry.number), 0) + 1
    if (number > MAX_TRACKS) return false
    const entry = this.#describe(format, number)
    if (!this.#replaceEntries([...this.#entries, entry])) return false
    this.#tracks.set(format.trackId, writerTrack(format, entry, undefined))
    return true
  }

  /** The same track, described anew. */
  #replaceTrack(known: WriterTrack, format: TrackFormat, totals: TrackTotals | undefined): boolean {
    const entry = this.#describe(format, known.number)
    if (!this.#replaceEntries(this.#entries.map((other) => (other === known.entry ? entry : other)))) return false
    this.#tracks.set(format.trackId, writerTrack(format, entry, totals))
    return true
  }

  #describe(format: TrackFormat, number: number): TrackEntry {
    const isVideo = format.kind === 'video'
    const isDefault = !this.#entries.some((entry) => entry.number < number && isVideoCodec(entry.codec) === isVideo)
    return trackEntry(this.#docType, format, number, isDefault)
  }

  /**
   * Puts a new Tracks element, with its Info, in front of the present one, which it covers with a Void; then the head
   * shows it. Both come before the clusters that are not written yet: none of them can need what is no longer there.
   */
  #replaceEntries(entries: TrackEntry[]): boolean {
    const head = this.#head
    if (head !== undefined) {
      const description = concatBytes([infoElement(head), tracksElement(entries)])
      const recordedAt = head.recordedAt - descriptionRoomBytes(entries)
      if (recordedAt < HEAD_BYTES + descriptionRoomBytes(entries)) return false
      const cover = voidHeader(head.mediaAt - recordedAt - description.length)
      this.#changes.push({ kind: 'write', position: recordedAt, bytes: concatBytes([description, cover]) })
      this.#head = { ...head, recordedAt }
      this.#changes.push({ kind: 'write', position: 0, bytes: headBytes(this.#head) })
    }
    this.#entries = entries
    return true
  }

  /** Writes what stands before the clusters, once it is known which tracks come first. */
  #begin(): void {
    if (this.#isBegun) return
    const { createdAtMs } = this.#options
    const description = concatBytes([infoElement({ createdAtMs, finish: undefined }), tracksElement(this.#entries)])
    const recordedAt = roomEnd(this.#options, this.#entries)
    const mediaAt = recordedAt + description.length
    const head: Head = { docType: this.#docType, createdAtMs, recordedAt, mediaAt, finish: undefined }
    this.#head = head
    this.#changes.push({ kind: 'append', buffers: [headBytes(head)], bytes: HEAD_BYTES })
    this.#changes.push({ kind: 'extend', toBytes: recordedAt })
    this.#takenBytes = recordedAt
    this.#append(description)
    this.#append(this.#records.opening(this.#endBytes, this.#recordedTracks()))
  }

  #closeCluster(): void {
    if (this.#cluster.isEmpty) return
    this.#begin()
    this.#originMs ??= this.#cluster.earliestPtsMs
    const cuePoint = this.#cluster.close(this.#slabs, this.#originMs, this.#endBytes, this.#accessUnits)
    this.#append(this.#records.next(this.#endBytes, this.#recordedTracks(), cuePoint))
  }

  #append(bytes: Uint8Array): void {
    this.#slabs.add(bytes, 0, bytes.length)
  }

  /** Where the next byte goes. */
  get #endBytes(): number {
    return this.#takenBytes + this.#slabs.pendingBytes
  }

  #recordedTracks(): RecordedTrack[] {
    const tracks = [...this.#dormant.values()]
    for (const { number, format, totals } of this.#tracks.values()) {
      tracks.push({ number, trackId: format.trackId, totals: totals.state })
    }
    return tracks
  }
}

const lacksSize = (format: TrackFormat): boolean => format.kind === 'video' && format.widthPixels === 0

/** Where the room of a new file ends. */
function roomEnd({ expectedSeconds }: WriterOptions, entries: readonly TrackEntry[]): number {
  const wanted = expectedSeconds === 0 ? DEFAULT_CUE_POINTS : Math.ceil(expectedSeconds)
  const cueBytes = Math.min(MAX_CUE_POINTS, wanted) * CUE_POINT_BYTES
  const bytes = HEAD_BYTES + TRACKS_ROOM_BYTES + descriptionRoomBytes(entries) + cueBytes
  return Math.ceil(bytes / ROOM_ALIGNMENT_BYTES) * ROOM_ALIGNMENT_BYTES
}
