import { TapedeckError } from '#base/error.ts'
import { isVideoCodec } from '#media/codec.ts'
import { splitAudioTag } from '#media/flv/audio-tag.ts'
import { splitVideoTag } from '#media/flv/video-tag.ts'
import { TrackTotals } from '../track-totals.ts'
import type { Checkpoint, CheckpointTrack } from './checkpoint.ts'
import type { KeyFrameIndex } from './key-frame-index.ts'
import { isPreviousTagSize, readTagHeader, TAG_FRAMING_BYTES, TAG_HEADER_BYTES, TagType } from './tag.ts'

/** The longest header our writer puts before a payload: multitrack with composition time is 10 bytes. */
const BODY_HEADER_BYTES = 16

interface ScannedTrack {
  readonly entry: CheckpointTrack
  readonly totals: TrackTotals
  /** Milliseconds of every access unit, 0 when measured by its neighbours. */
  readonly durationMs: number
}

/** Codecs whose access units last a fixed time, which the checkpoint tells. */
const FIXED_CODECS = new Set(['aac', 'mp3', 'ac3', 'eac3'])

/** Counts the access units that follow a checkpoint, and stops at the first thing our writer would not have written. */
export class TagScanner {
  readonly #tracks = new Map<string, ScannedTrack>()
  readonly #index: KeyFrameIndex
  #goodBytes: number
  #lastTimestampMs = 0

  /** @param goodBytes end of the checkpoint's tag */
  constructor(checkpoint: Checkpoint, index: KeyFrameIndex, goodBytes: number) {
    this.#index = index
    this.#goodBytes = goodBytes
    for (const entry of checkpoint.tracks) {
      const durationMs = FIXED_CODECS.has(entry.codec) ? entry.totals.lastTicks : 0
      const key = trackKey(isVideoCodec(entry.codec), entry.multitrackId)
      this.#tracks.set(key, { entry, totals: new TrackTotals(entry.totals), durationMs })
      this.#lastTimestampMs = Math.max(this.#lastTimestampMs, entry.totals.lastDts)
    }
  }

  /** Up to the end of the last whole access unit, or data message that follows it. */
  get goodBytes(): number {
    return this.#goodBytes
  }

  /** Timestamp of the last access unit. */
  get lastTimestampMs(): number {
    return this.#lastTimestampMs
  }

  get tracks(): CheckpointTrack[] {
    return [...this.#tracks.values()].map(({ entry, totals }) => ({ ...entry, totals: totals.state }))
  }

  /**
   * Counts the whole tags at the start of a piece of the file.
   * @returns the bytes of those tags; undefined: what follows is not ours, stop
   */
  scan(piece: Uint8Array, filePosition: number): { readonly usedBytes: number; readonly goesOn: boolean } {
    let at = 0
    for (;;) {
      const header = readTagHeader(piece, at)
      if (header === undefined) return { usedBytes: at, goesOn: piece.length - at < TAG_HEADER_BYTES }
      const end = at + TAG_FRAMING_BYTES + header.bodyBytes
      if (end > piece.length) return { usedBytes: at, goesOn: true }
      if (!isPreviousTagSize(piece, end - 4, header.bodyBytes)) return { usedBytes: at, goesOn: false }
      if (header.type === TagType.audio || header.type === TagType.video) {
        const body = piece.subarray(at + TAG_HEADER_BYTES, at + TAG_HEADER_BYTES + header.bodyBytes)
        if (
          !this.#media(header.type === TagType.video, header.timestampMs, body, filePosition + at, filePosition + end)
        ) {
          return { usedBytes: at, goesOn: false }
        }
      } else if (header.type !== TagType.reserve && filePosition + at === this.#goodBytes) {
        // A data message behind something that does not count yet counts as little.
        this.#goodBytes = filePosition + end
      }
      at = end
    }
  }

  #media(isVideo: boolean, timestampMs: number, body: Uint8Array, start: number, end: number): boolean {
    const tag = mediaTag(isVideo, body.subarray(0, BODY_HEADER_BYTES))
    const track = tag && this.#tracks.get(trackKey(isVideo, tag.multitrackId))
    if (tag === undefined || track === undefined || tag.codec !== track.entry.codec) return false
    // A configuration counts once a checkpoint behind it has told its CRC.
    if (!tag.isAccessUnit) return true
    track.totals.add(body.length - tag.headerBytes, timestampMs, timestampMs + tag.compositionTimeMs, track.durationMs)
    if (isVideo && tag.isKeyFrame && tag.multitrackId === 0) this.#index.add(start, timestampMs)
    this.#goodBytes = end
    this.#lastTimestampMs = timestampMs
    return true
  }
}

function trackKey(isVideo: boolean, multitrackId: number): string {
  return `${isVideo ? 'video' : 'audio'} ${multitrackId}`
}

/** @param head the first bytes of the body, all that our writer's headers take */
function mediaTag(isVideo: boolean, head: Uint8Array) {
  try {
    if (isVideo) {
      const part = splitVideoTag(head)[0]
      if (part === undefined) return undefined
      const { tag, payload } = part
      return { ...tag, isAccessUnit: tag.kind === 'codedPicture', headerBytes: head.length - payload.length }
    }
    const part = splitAudioTag(head)[0]
    if (part === undefined) return undefined
    const { tag, payload } = part
    const isAccessUnit = tag.kind === 'codedAudio'
    return { ...tag, isAccessUnit, isKeyFrame: true, compositionTimeMs: 0, headerBytes: head.length - payload.length }
  } catch (error) {
    if (error instanceof TapedeckError) return undefined
    throw error
  }
}
