import type { Change, ContainerWriter, PartTiming, WriterOptions, WriterOutput } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { UnannouncedTrackError } from '../errors.ts'
import { boxHeader, serialize } from './box.ts'
import { type CheckpointPlace, checkpointTableBytes, encodeCheckpoint, MAX_PREVIOUS } from './checkpoint.ts'
import { fragmentHead, type TrackRun } from './fragment.ts'
import { moov } from './moov.ts'
import { creationSecondsOf, type Movie, type MovieTrack, movieTrack } from './movie.ts'
import { Timeline } from './movie-timeline.ts'
import { appendPayloads } from './payload-slices.ts'
import { CONTROL_BYTES, fileHead, flipRoom, PREPARED_AT, pointAtCheckpoint, ROOM_AT } from './room.ts'
import { canShareTrack, sampleEntry } from './sample-entry.ts'
import type { SampleSection } from './sample-section.ts'
import { TrackWriter } from './track-writer.ts'
import { crossesPage, fillerBefore, hideMoof } from './whole-moof.ts'

/** A fragment is closed at this size whatever its duration: bounds memory and the loss at very high bitrates. */
const MAX_FRAGMENT_BYTES = 4 * 1024 * 1024

/** A checkpoint at the end of a shorter recording would cost more bytes than it saves time. */
const MIN_FRAGMENTS_FOR_LAST_CHECKPOINT = 8

/** Where a writer goes on in a file that has content. Times given to it are the movie's. */
export interface WriterStart {
  readonly position: number
  readonly roomEndAt: number
  readonly tracks: readonly TrackWriter[]
  /** What makes the finished file one that goes on; part of the first output. */
  readonly reopening: readonly Change[]
}

/** Writes fragments (moof, mdat) of about a second into a file laid out as room.ts says. */
export class Mp4Writer implements ContainerWriter {
  readonly #options: WriterOptions
  readonly #indexBytes: number
  readonly #tracks = new Map<number, TrackWriter>()
  /** What the present moov says, as long as we could write it again: not of a part that is appended to. */
  #movie: Movie | undefined
  /** Undefined until the file is begun, and in a file that is appended to: its times are the movie's. */
  #timeline: Timeline | undefined
  #begun = false
  #reopening: readonly Change[] = []
  #roomEndAt = 0
  #position = 0
  #sequenceNumber = 0
  #changes: Change[] = []
  #outputBytes = 0
  /** Payload of all tracks that is in no fragment yet. */
  #pendingBytes = 0
  #outputUnits: AccessUnit[] = []
  /** Where the newest checkpoint ends; before the first, where the first moof is. 0: not yet known. */
  #coveredTo = 0
  #fragmentsSinceCheckpoint = 0
  #checkpoints: CheckpointPlace[] = []

  constructor(options: WriterOptions, indexBytes: number, start?: WriterStart) {
    this.#options = options
    this.#indexBytes = indexBytes
    if (start === undefined) {
      for (const format of options.formats) this.#tracks.set(format.trackId, new TrackWriter(format.trackId, format, 1))
      // Unsupported configurations must fail here, not a second later
      for (const format of options.formats) sampleEntry(format)
      return
    }
    this.#position = start.position
    this.#roomEndAt = start.roomEndAt
    this.#begun = true
    this.#reopening = start.reopening
    for (const track of start.tracks) this.#tracks.set(track.format.trackId, track)
  }

  get hasOutput(): boolean {
    return this.#changes.length > 0
  }

  write(accessUnit: AccessUnit, timing: PartTiming): void {
    const track = this.#tracks.get(accessUnit.format.trackId)
    if (track === undefined) throw new UnannouncedTrackError(accessUnit.format.trackId)
    track.write(accessUnit, timing.dts, timing.pts)
    this.#pendingBytes += accessUnit.payloadBytes
    if (track.pendingSeconds * 1000 >= this.#options.fragmentMs || this.#pendingBytes >= MAX_FRAGMENT_BYTES) {
      this.#closeFragment(false)
    }
  }

  flush(reason: 'interval' | 'end'): void {
    this.#closeFragment(true)
    if (reason === 'interval') return
    // A file that was to be appended to and got nothing stays as it is.
    if (!this.#begun) this.#begin()
    if (this.#fragmentsSinceCheckpoint >= MIN_FRAGMENTS_FOR_LAST_CHECKPOINT) this.#writeCheckpoint()
  }

  takeOutput(): WriterOutput | undefined {
    if (this.#changes.length === 0) return undefined
    const output = { changes: this.#changes, bytes: this.#outputBytes, accessUnits: this.#outputUnits }
    this.#changes = []
    this.#outputBytes = 0
    this.#outputUnits = []
    return output
  }

  changeFormat(format: TrackFormat, first?: AccessUnit): boolean {
    const known = this.#tracks.get(format.trackId)
    if (known?.format === format) return true
    if (known !== undefined && !canShareTrack(known.format, format, first)) return false
    const entry = sampleEntry(format)
    if (!this.#begun && (known === undefined || known.pending === 0)) {
      this.#tracks.set(format.trackId, new TrackWriter(format.trackId, format, 1))
      return true
    }
    if (known === undefined) return this.#addTrack(format)
    this.#closeFragment(true) // all of the old format: a fragment names one sample description per track
    return this.#continueTrack(known, format, entry)
  }

  /** A track that appeared late: a moov that knows it replaces the present one. */
  #addTrack(format: TrackFormat): boolean {
    if (this.#movie === undefined || this.#timeline === undefined) return false
    const track = movieTrack(format, format.trackId, this.#timeline.edit(format))
    if (!this.#replaceMovie({ ...this.#movie, tracks: [...this.#movie.tracks, track] })) return false
    const writer = new TrackWriter(track.id, format, 1)
    writer.shiftTicks = this.#timeline.shiftTicks(format)
    this.#tracks.set(format.trackId, writer)
    return true
  }

  /** The same track with another configuration: a further sample entry, unless the file has it already. */
  #continueTrack(known: TrackWriter, format: TrackFormat, entry: Uint8Array): boolean {
    const movie = this.#movie
    const present = movie?.tracks.find((track) => track.id === known.id)
    if (movie === undefined || present === undefined) return false
    let index = present.sampleEntries.findIndex((other) => Buffer.compare(other, entry) === 0)
    if (index < 0) {
      index = present.sampleEntries.length
      const changed: MovieTrack = { ...present, sampleEntries: [...present.sampleEntries, entry] }
      const tracks = movie.tracks.map((track) => (track === present ? changed : track))
      if (!this.#replaceMovie({ ...movie, tracks })) return false
    }
    const next = new TrackWriter(known.id, format, index + 1, known.section)
    next.shiftTicks = known.shiftTicks
    this.#tracks.set(format.trackId, next)
    return true
  }

  /**
   * Puts a new moov at the end of the room, followed by a `free` header that covers the old one, then makes the room
   * that much smaller. The last write exposes the new moov and hides the old.
   */
  #replaceMovie(movie: Movie): boolean {
    const box = serialize(moov(movie, true))
    const old = this.#movie === undefined ? 0 : serialize(moov(this.#movie, true)).length
    const newEndAt = this.#roomEndAt - box.length - 8
    if (newEndAt < PREPARED_AT + CONTROL_BYTES) return false
    this.#push({ kind: 'write', position: newEndAt + box.length, bytes: boxHeader('free', 8 + old) })
    this.#push({ kind: 'write', position: newEndAt, bytes: box })
    this.#push(flipRoom(newEndAt))
    this.#roomEndAt = newEndAt
    this.#movie = movie
    return true
  }

  /** @param everything the newest access units too, whose duration is a guess until the next fragment's tfdt */
  #closeFragment(everything: boolean): void {
    const newestSeconds = Math.max(...[...this.#tracks.values()].map((track) => track.newestSeconds))
    if (newestSeconds === Number.NEGATIVE_INFINITY) return
    this.#begin()
    const closed: { track: TrackWriter; run: TrackRun }[] = []
    for (const track of this.#tracks.values()) {
      // What waits for a successor must not wait long: a kill would lose it.
      const isStale = newestSeconds - track.newestSeconds >= this.#options.fragmentMs / 1000
      const run = track.close(everything || isStale)
      if (run !== undefined) closed.push({ track, run })
    }
    if (closed.length > 0) this.#writeFragment(closed)
    this.#pendingBytes = 0
    for (const track of this.#tracks.values()) this.#pendingBytes += track.pendingBytes
    if (this.#tableBytes() >= checkpointTableBytes(this.#checkpoints.length)) this.#writeCheckpoint()
  }

  #writeFragment(closed: readonly { track: TrackWriter; run: TrackRun }[]): void {
    const runs = closed.map(({ run }) => run)
    const head = fragmentHead(++this.#sequenceNumber, runs)
    const filler = fillerBefore(this.#position, head.bytes.length)
    const moofAt = this.#position + filler.length
    const buffers: Uint8Array[] = filler.length > 0 ? [filler, head.bytes] : [head.bytes]
    let position = moofAt + head.bytes.length
    for (const { track, run } of closed) {
      appendPayloads(run, buffers)
      track.index(run, position)
      for (let i = 0; i < run.count; i++) {
        const accessUnit = run.accessUnits[i]
        if (accessUnit === undefined) break
        position += accessUnit.payloadBytes
        this.#outputUnits.push(accessUnit)
      }
    }
    const expose = crossesPage(moofAt, head.bytes.length) ? hideMoof(head.bytes, moofAt) : undefined
    this.#append(buffers, filler.length + head.bytes.length + head.payloadBytes)
    if (expose !== undefined) this.#push(expose)
    if (this.#coveredTo === 0) this.#coveredTo = moofAt
    this.#fragmentsSinceCheckpoint++
  }

  /** Writes what stands before the fragments, once it is known when the first of each track is shown. */
  #begin(): void {
    for (const change of this.#reopening) this.#push(change)
    this.#reopening = []
    if (this.#begun) return
    this.#begun = true
    const writers = [...this.#tracks.values()]
    const timeline = new Timeline(writers)
    this.#timeline = timeline
    for (const track of writers) track.shiftTicks = timeline.shiftTicks(track.format)
    const tracks = writers.map((track) => movieTrack(track.format, track.id, timeline.edit(track.format)))
    const { createdAtMs, compatible32 = false } = this.#options
    this.#movie = { creationSeconds: creationSecondsOf(createdAtMs), compatible32, tracks }
    this.#roomEndAt = roomEnd(this.#indexBytes, this.#options)
    const head = fileHead(this.#roomEndAt, compatible32)
    const box = serialize(moov(this.#movie, true))
    this.#push({ kind: 'append', buffers: [head], bytes: head.length })
    this.#push({ kind: 'extend', toBytes: this.#roomEndAt })
    this.#position = this.#roomEndAt
    this.#append([box], box.length)
  }

  #writeCheckpoint(): void {
    const sections = new Map<number, SampleSection>()
    for (const track of this.#tracks.values()) {
      if (track.section.samples > 0) sections.set(track.id, track.section.take())
    }
    const position = this.#position
    const bytes = encodeCheckpoint({ position, coversFrom: this.#coveredTo, previous: this.#checkpoints, sections })
    this.#append([bytes], bytes.length)
    this.#push(pointAtCheckpoint(position))
    this.#coveredTo = this.#position
    this.#fragmentsSinceCheckpoint = 0
    this.#checkpoints = [{ position, sizeBytes: bytes.length }, ...this.#checkpoints].slice(0, MAX_PREVIOUS)
  }

  #tableBytes(): number {
    let bytes = 0
    for (const track of this.#tracks.values()) bytes += track.section.tableBytes
    return bytes
  }

  #append(buffers: readonly Uint8Array[], bytes: number): void {
    const last = this.#changes.at(-1)
    this.#position += bytes
    if (last?.kind !== 'append') {
      this.#push({ kind: 'append', buffers, bytes })
      return
    }
    this.#changes[this.#changes.length - 1] = {
      kind: 'append',
      buffers: [...last.buffers, ...buffers],
      bytes: last.bytes + bytes,
    }
    this.#outputBytes += bytes
  }

  #push(change: Change): void {
    this.#changes.push(change)
    if (change.kind === 'append') this.#outputBytes += change.bytes
    if (change.kind === 'write') this.#outputBytes += change.bytes.length
  }
}

/** Index bytes that a second of a track costs at most, commonly: tables of 4 + 8 + 8 bytes at 60 pictures, or 50 × 12. */
const INDEX_BYTES_PER_SECOND = { video: 1200, audio: 600 } as const
const ROOM_ALIGNMENT_BYTES = 4096
const MAX_ROOM_BYTES = 64 * 1024 * 1024

/** Where the room of a new file ends. */
function roomEnd(indexBytes: number, { expectedSeconds, formats }: WriterOptions): number {
  let bytes = indexBytes
  if (expectedSeconds > 0) {
    let perSecond = 0
    for (const format of formats) perSecond += INDEX_BYTES_PER_SECOND[format.kind]
    bytes = Math.min(MAX_ROOM_BYTES, ROOM_ALIGNMENT_BYTES * 2 + Math.ceil(expectedSeconds * perSecond))
  }
  return Math.ceil((ROOM_AT + CONTROL_BYTES + bytes) / ROOM_ALIGNMENT_BYTES) * ROOM_ALIGNMENT_BYTES
}
