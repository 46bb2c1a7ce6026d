import type { AccessUnit } from '#media/access-unit.ts'
import { concatBytes } from '#media/bytes.ts'
import { rescale } from '#media/clock.ts'
import { isVideoCodec } from '#media/codec.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Change, ContainerWriter, PartTiming, WriterOptions, WriterOutput } from '../container.ts'
import { CodecUnsupportedError, UnannouncedTrackError } from '../errors.ts'
import { TrackTotals } from '../track-totals.ts'
import { type CheckpointTrack, encodeCheckpoint } from './checkpoint.ts'
import { fileHeader } from './file-header.ts'
import { KeyFrameIndex, type KeyFrameIndexState } from './key-frame-index.ts'
import {
  describeTracks,
  indexCapacity,
  initialMetadata,
  type Metadata,
  metadataRoom,
  roomBytesFor,
} from './metadata.ts'
import { TagType } from './tag.ts'
import { TagBuffers } from './tag-buffers.ts'
import { type FlvTrack, flvTrack } from './track.ts'

/** FLV counts in milliseconds. */
export const CLOCK_HZ = 1000

/** A batch goes out at this size even before its time is up. */
const BATCH_BYTES = 256 * 1024

/** A crash costs at most this much reading when the part is finished. */
const CHECKPOINT_INTERVAL_BYTES = 4 * 1024 * 1024

/** Entries a checkpoint repeats at most; then one with all of them becomes the new base. */
const MAX_ENTRIES_SINCE_BASE = 256

const NOTHING = new Uint8Array()

/** What an appending writer continues. */
export interface FlvBefore {
  readonly fileBytes: number
  readonly createdAtMs: number
  readonly roomBytes: number
  readonly metadata: Metadata
  readonly index: KeyFrameIndexState
  readonly tracks: readonly CheckpointTrack[]
}

export class FlvWriter implements ContainerWriter {
  readonly #tags = new TagBuffers()
  readonly #tracks = new Map<number, FlvTrack>()
  /** Tracks of the file we append to that got nothing from us yet. */
  readonly #dormant = new Map<number, CheckpointTrack>()
  readonly #index: KeyFrameIndex
  readonly #fragmentMs: number
  readonly #createdAtMs: number
  readonly #roomBytes: number
  #metadata: Metadata
  /** File position of the first byte not yet taken. */
  #takenBytes: number
  #accessUnits: AccessUnit[] = []
  /** In the batch. */
  #dataBytes = 0
  #patches: Change[] = []
  #batchStartMs = 0
  #lastDtsMs = 0
  /** Position of the last checkpoint, 0 before the first of a new part. */
  #checkpointBytes: number
  #base = { position: 0, entries: 0, thinned: 0 }
  #isEnded = false
  #hasOutput = false

  /** @throws {CodecUnsupportedError} a track that FLV cannot hold */
  constructor(options: WriterOptions, before?: FlvBefore) {
    this.#fragmentMs = options.fragmentMs
    this.#createdAtMs = before?.createdAtMs ?? options.createdAtMs
    this.#roomBytes = before?.roomBytes ?? roomBytesFor(options.expectedSeconds)
    this.#metadata = before?.metadata ?? initialMetadata(options.formats, options.createdAtMs)
    this.#takenBytes = before?.fileBytes ?? 0
    this.#checkpointBytes = this.#takenBytes
    this.#index = new KeyFrameIndex(indexCapacity(this.#roomBytes), before?.index)
    for (const track of before?.tracks ?? []) {
      this.#dormant.set(track.trackId, track)
      this.#lastDtsMs = Math.max(this.#lastDtsMs, track.totals.lastDts)
    }
    if (before === undefined) {
      const kinds = new Set(options.formats.map(({ kind }) => kind))
      this.#tags.raw(fileHeader(kinds.has('video'), kinds.has('audio')))
      this.#tags.raw(metadataRoom(this.#metadata, this.#roomBytes))
    }
    for (const format of options.formats) this.#addTrack(format)
    this.#writeCheckpoint(false)
  }

  get hasOutput(): boolean {
    return this.#hasOutput
  }

  write(accessUnit: AccessUnit, timing: PartTiming): void {
    const { format, isRandomAccess } = accessUnit
    const track = this.#tracks.get(format.trackId)
    if (track?.format !== format) throw new UnannouncedTrackError(format.trackId)
    const dtsMs = rescale(timing.dts, format.timescale, CLOCK_HZ)
    const ptsMs = rescale(timing.pts, format.timescale, CLOCK_HZ)
    if (this.#endBytes - this.#checkpointBytes >= CHECKPOINT_INTERVAL_BYTES) this.#writeCheckpoint(false)
    if (this.#accessUnits.length === 0) this.#batchStartMs = dtsMs
    this.#lastDtsMs = dtsMs
    const isVideo = format.kind === 'video'
    if (isVideo && isRandomAccess && track.multitrackId === 0) this.#index.add(this.#endBytes, dtsMs)
    const header = track.header(isRandomAccess, ptsMs - dtsMs)
    const { memory, payloadStart, payloadBytes } = accessUnit
    this.#tags.tag(isVideo ? TagType.video : TagType.audio, dtsMs, header, memory, payloadStart, payloadBytes)
    track.totals.add(payloadBytes, dtsMs, ptsMs, track.durationMs)
    this.#accessUnits.push(accessUnit.retain())
    if (dtsMs - this.#batchStartMs >= this.#fragmentMs || this.#tags.pendingBytes >= BATCH_BYTES) this.#hasOutput = true
  }

  /** A script tag. Adobe FLV 10.1, E.4.4. */
  data({ encoding, body }: DataMessage, atMs: number): void {
    const type = encoding === 'amf3' ? TagType.scriptAmf3 : TagType.script
    this.#tags.tag(type, Math.round(atMs), NOTHING, body)
    this.#dataBytes += body.length
    if (this.#tags.pendingBytes >= BATCH_BYTES) this.#hasOutput = true
  }

  takeOutput(): WriterOutput | undefined {
    if (!this.#hasOutput) return undefined
    this.#hasOutput = false
    const appended = this.#tags.pendingBytes
    const changes: Change[] = []
    if (appended > 0) changes.push({ kind: 'append', buffers: this.#tags.take(), bytes: appended })
    changes.push(...this.#patches)
    const patched = this.#patches.reduce((sum, patch) => sum + (patch.kind === 'write' ? patch.bytes.length : 0), 0)
    const accessUnits = this.#accessUnits
    const dataBytes = this.#dataBytes
    this.#patches = []
    this.#accessUnits = []
    this.#dataBytes = 0
    this.#takenBytes += appended
    return { changes, bytes: appended + patched, accessUnits, dataBytes }
  }

  flush(reason: 'interval' | 'end'): void {
    if (reason === 'end' && !this.#isEnded) {
      this.#isEnded = true
      this.#writeCheckpoint(true)
    }
    if (this.#tags.pendingBytes > 0 || this.#patches.length > 0) this.#hasOutput = true
  }

  /** A new configuration or a new track goes on in the same part; a new codec of a known track needs another. */
  changeFormat(format: TrackFormat): boolean {
    const known = this.#tracks.get(format.trackId)
    if (known?.format === format) return true
    const codec = known?.format.codec ?? this.#dormant.get(format.trackId)?.codec ?? format.codec
    if (codec !== format.codec) return false
    try {
      this.#addTrack(format)
    } catch (error) {
      if (error instanceof CodecUnsupportedError) return false
      throw error
    }
    this.#writeCheckpoint(false)
    return true
  }

  /**
   * Begins or replaces a track. Configuration tags come before the checkpoint that tells their CRC, so that a torn file
   * never claims one it does not have.
   */
  #addTrack(format: TrackFormat): void {
    const active = this.#tracks.get(format.trackId)
    const dormant = this.#dormant.get(format.trackId)
    const multitrackId = active?.multitrackId ?? dormant?.multitrackId ?? this.#freeMultitrackId(format.kind)
    const totals = active?.totals ?? (dormant && new TrackTotals(dormant.totals))
    const configurationCrc = active?.configurationCrc ?? dormant?.configurationCrc
    const track = flvTrack(format, multitrackId, totals)
    this.#dormant.delete(format.trackId)
    this.#tracks.set(format.trackId, track)
    if (configurationCrc === track.configurationCrc) return
    if (this.#checkpointBytes > 0) this.#describeAgain()
    if (track.configuration === undefined) return
    const type = format.kind === 'video' ? TagType.video : TagType.audio
    this.#tags.tag(type, this.#lastDtsMs, track.configuration.header, track.configuration.record)
  }

  /** Where the next byte goes. */
  get #endBytes(): number {
    return this.#takenBytes + this.#tags.pendingBytes
  }

  #freeMultitrackId(kind: TrackFormat['kind']): number {
    const tracks = [...this.#tracks.values()].map(({ format, multitrackId }) => ({ codec: format.codec, multitrackId }))
    const ofKind = [...tracks, ...this.#dormant.values()].filter(
      ({ codec }) => isVideoCodec(codec) === (kind === 'video'),
    )
    return ofKind.reduce((free, { multitrackId }) => Math.max(free, multitrackId + 1), 0)
  }

  /** Header flags and onMetaData name the tracks: both are written again when those change. */
  #describeAgain(): void {
    this.#metadata = { ...this.#metadata, ...describeTracks([...this.#tracks.values()].map(({ format }) => format)) }
    const header = fileHeader(this.#metadata['hasVideo'] === true, this.#metadata['hasAudio'] === true)
    const room = metadataRoom(this.#metadata, this.#roomBytes)
    this.#patches = [{ kind: 'write', position: 0, bytes: concatBytes([header, room]) }]
  }

  #writeCheckpoint(isEnd: boolean): void {
    const { stride, seen, entries } = this.#index.state
    const position = this.#endBytes
    const isBase =
      this.#base.position === 0 ||
      this.#base.thinned !== this.#index.thinned ||
      entries.length - this.#base.entries > MAX_ENTRIES_SINCE_BASE
    const tracks = [...this.#tracks.values()].map((track) => ({
      trackId: track.format.trackId,
      codec: track.format.codec,
      multitrackId: track.multitrackId,
      configurationCrc: track.configurationCrc,
      totals: track.totals.state,
    }))
    const body = encodeCheckpoint({
      position,
      basePosition: isBase ? 0 : this.#base.position,
      createdAtMs: this.#createdAtMs,
      roomBytes: this.#roomBytes,
      isEnd,
      stride,
      seenKeyFrames: seen,
      entries: isBase ? entries : entries.slice(this.#base.entries),
      tracks: [...tracks, ...this.#dormant.values()],
    })
    if (isBase) this.#base = { position, entries: entries.length, thinned: this.#index.thinned }
    this.#tags.tag(TagType.reserve, this.#lastDtsMs, NOTHING, body)
    this.#checkpointBytes = position
  }
}
