import type { AccessUnit } from '#media/access-unit.ts'
import type { Slabs } from '../slabs.ts'
import { LARGE_SIZE_BYTES, sizeBytes, writeVint } from './ebml.ts'
import { Id } from './ids.ts'
import type { CuePoint } from './record.ts'
import type { WriterTrack } from './writer-track.ts'

/** Cluster and its Timestamp, both with sizes that hold anything: 4 + 8 and 1 + 1 + 8 bytes. */
const CLUSTER_HEADER_BYTES = 4 + LARGE_SIZE_BYTES
const TIMESTAMP_BYTES = 2 + 8

/** A block's time is a signed 16-bit number of milliseconds from its cluster's; half of that either way, less what codecs delay. */
const MAX_SPAN_MS = 15_000

/** Without pictures to seek to, every so many milliseconds of sound is a place to start from. */
const AUDIO_CUE_INTERVAL_MS = 5_000

/** SimpleBlock flags, RFC 9559 §10.2. */
const KEY_FRAME = 0x80

/** The access units of a cluster in the making. They are laid out when it is closed, since its size comes first. */
export class Cluster {
  #accessUnits: AccessUnit[] = []
  #tracks: WriterTrack[] = []
  #dtsMs: number[] = []
  #ptsMs: number[] = []
  #payloadBytes = 0
  #holdsDependents = false
  #latestCueMs = Number.NEGATIVE_INFINITY

  get isEmpty(): boolean {
    return this.#accessUnits.length === 0
  }

  get payloadBytes(): number {
    return this.#payloadBytes
  }

  /** Whether there is a picture in it that needs others. */
  get holdsDependents(): boolean {
    return this.#holdsDependents
  }

  /** From the first access unit's DTS up to this one. */
  spanMs(dtsMs: number): number {
    return dtsMs - (this.#dtsMs[0] ?? dtsMs)
  }

  /** Whether a block of this time can be in the cluster, whatever else is in it. */
  reaches(ptsMs: number): boolean {
    return Math.abs(ptsMs - (this.#ptsMs[0] ?? ptsMs)) <= MAX_SPAN_MS
  }

  get earliestPtsMs(): number {
    return this.#ptsMs.reduce((earliest, ptsMs) => Math.min(earliest, ptsMs), Number.POSITIVE_INFINITY)
  }

  add(accessUnit: AccessUnit, track: WriterTrack, dtsMs: number, ptsMs: number): void {
    this.#accessUnits.push(accessUnit.retain())
    this.#tracks.push(track)
    this.#dtsMs.push(dtsMs)
    this.#ptsMs.push(ptsMs)
    this.#payloadBytes += accessUnit.payloadBytes
    if (!accessUnit.isRandomAccess) this.#holdsDependents = true
  }

  /**
   * Writes Cluster (RFC 9559 §5.1.3) with its blocks in the order of decoding, counts them, and is empty again.
   * @param originMs the file's zero
   * @param clusterAt where it begins in the file
   * @param accessUnits get what is in it, in file order
   * @returns where to seek to in it, if anywhere
   */
  close(slabs: Slabs, originMs: number, clusterAt: number, accessUnits: AccessUnit[]): CuePoint | undefined {
    this.#sort()
    const clusterMs = this.#toBlockTimes(originMs)
    this.#writeHeader(slabs, clusterMs)
    let cue = -1
    let cuePosition = 0
    let hasVideo = false
    let position = TIMESTAMP_BYTES
    for (let i = 0; i < this.#accessUnits.length; i++) {
      const accessUnit = this.#accessUnits[i]
      const track = this.#tracks[i]
      if (accessUnit === undefined || track === undefined) break
      if (track.isVideo && !hasVideo) {
        hasVideo = true
        cue = -1
      }
      if (cue < 0 && accessUnit.isRandomAccess && (track.isVideo || !hasVideo)) {
        cue = i
        cuePosition = position
      }
      position += writeBlock(slabs, accessUnit, track.number, (this.#ptsMs[i] ?? 0) - clusterMs)
      accessUnits.push(accessUnit)
    }
    const cuePoint = this.#cuePoint(cue, hasVideo, clusterAt, cuePosition)
    this.#accessUnits = []
    this.#tracks.length = 0
    this.#dtsMs.length = 0
    this.#ptsMs.length = 0
    this.#payloadBytes = 0
    this.#holdsDependents = false
    return cuePoint
  }

  /** Interleaves by decode time, where the tracks did not come so: some readers refuse blocks that step back. */
  #sort(): void {
    const times = this.#dtsMs.map((dtsMs, i) => dtsMs + (this.#tracks[i]?.delayMs ?? 0))
    if (times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0))) return
    const order = times.map((_, i) => i).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0))
    this.#accessUnits = permuted(this.#accessUnits, order)
    this.#tracks = permuted(this.#tracks, order)
    this.#dtsMs = permuted(this.#dtsMs, order)
    this.#ptsMs = permuted(this.#ptsMs, order)
  }

  /** Counts the access units, and makes of each PTS the whole milliseconds that its block says. @returns the earliest */
  #toBlockTimes(originMs: number): number {
    let clusterMs = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#accessUnits.length; i++) {
      const track = this.#tracks[i]
      if (track === undefined) break
      // What comes before the file's first presentation, of a track that came late, has no place but its beginning.
      const ptsMs = Math.max(0, (this.#ptsMs[i] ?? 0) - originMs)
      const dtsMs = (this.#dtsMs[i] ?? 0) - originMs
      track.totals.add(this.#accessUnits[i]?.payloadBytes ?? 0, dtsMs, ptsMs, track.durationMs)
      const timeMs = Math.round(ptsMs) + track.delayMs
      this.#ptsMs[i] = timeMs
      clusterMs = Math.min(clusterMs, timeMs)
    }
    return clusterMs
  }

  #writeHeader(slabs: Slabs, clusterMs: number): void {
    let contentBytes = TIMESTAMP_BYTES
    for (let i = 0; i < this.#accessUnits.length; i++) {
      contentBytes += blockBytes(this.#accessUnits[i]?.payloadBytes ?? 0, this.#tracks[i]?.number ?? 0)
    }
    const at = slabs.reserve(CLUSTER_HEADER_BYTES + TIMESTAMP_BYTES)
    const out = slabs.memory
    writeInteger(out, at, Id.cluster, 4)
    const timestampAt = writeVint(out, at + 4, contentBytes, LARGE_SIZE_BYTES)
    out[timestampAt] = Id.timestamp
    out[timestampAt + 1] = 0x88
    writeInteger(out, timestampAt + 2, clusterMs, 8)
  }

  #cuePoint(index: number, hasVideo: boolean, clusterAt: number, relativePosition: number): CuePoint | undefined {
    const timeMs = this.#ptsMs[index]
    const trackNumber = this.#tracks[index]?.number
    if (timeMs === undefined || trackNumber === undefined) return undefined
    if (!hasVideo && timeMs - this.#latestCueMs < AUDIO_CUE_INTERVAL_MS) return undefined
    this.#latestCueMs = timeMs
    return { timeMs, trackNumber, clusterAt, relativePosition }
  }
}

/** Track numbers up to 126 take one byte. */
const numberBytes = (trackNumber: number): number => (trackNumber < 127 ? 1 : 2)

/** The whole element. */
function blockBytes(payloadBytes: number, trackNumber: number): number {
  const contentBytes = numberBytes(trackNumber) + 3 + payloadBytes
  return 1 + sizeBytes(contentBytes) + contentBytes
}

/** SimpleBlock, RFC 9559 §10.2. @returns its bytes */
function writeBlock(slabs: Slabs, accessUnit: AccessUnit, trackNumber: number, timeMs: number): number {
  const contentBytes = numberBytes(trackNumber) + 3 + accessUnit.payloadBytes
  const headerBytes = 1 + sizeBytes(contentBytes) + numberBytes(trackNumber) + 3
  let at = slabs.reserve(headerBytes)
  const out = slabs.memory
  out[at] = Id.simpleBlock
  at = writeVint(out, at + 1, contentBytes, sizeBytes(contentBytes))
  at = writeVint(out, at, trackNumber, numberBytes(trackNumber))
  out[at] = (timeMs >> 8) & 0xff // Timestamp, signed 16 bits
  out[at + 1] = timeMs & 0xff
  out[at + 2] = accessUnit.isRandomAccess ? KEY_FRAME : 0
  slabs.add(accessUnit.memory, accessUnit.payloadStart, accessUnit.payloadBytes)
  return headerBytes + accessUnit.payloadBytes
}

function writeInteger(out: Uint8Array, at: number, value: number, bytes: number): void {
  let rest = value
  for (let i = at + bytes - 1; i >= at; i--) {
    out[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
}

function permuted<Item>(items: readonly Item[], order: readonly number[]): Item[] {
  return order.flatMap((index) => items.slice(index, index + 1))
}
