import type { AccessUnit } from '#media/access-unit.ts'
import type { Codec } from '#media/codec.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'

/**
 * Containers know no file: they produce changes for someone else to apply, in order, and read through ReadableBytes.
 * `append` goes to the present end; `write` replaces bytes inside what was already appended, or prepared space.
 */
export type Change =
  | { readonly kind: 'append'; readonly buffers: readonly Uint8Array[]; readonly bytes: number }
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  /** Grows the file to this size with a hole (reads as zeros, takes no disk space). */
  | { readonly kind: 'extend'; readonly toBytes: number }

/** Random access to a part's bytes. `read` gives fewer bytes only at the end of the file. */
export interface ReadableBytes {
  readonly sizeBytes: number
  read(position: number, bytes: number): Promise<Uint8Array>
}

/** A part's file as containers see it: apply() resolves when the kernel has the bytes, in order. */
export interface PartBytes extends ReadableBytes {
  apply(changes: readonly Change[]): Promise<void>
  truncate(toBytes: number): Promise<void>
}

/** One batch of output. The access units are those whose payloads are in `changes`: release them once applied. */
export interface WriterOutput {
  readonly changes: readonly Change[]
  /** Bytes of all appends and writes. */
  readonly bytes: number
  /** In file order. Retained by the writer on behalf of the caller, who releases each after applying the changes. */
  readonly accessUnits: readonly AccessUnit[]
  /** Bodies of data messages in `changes`. Default 0. */
  readonly dataBytes?: number
}

/** What a finished or repaired part holds, as the manifest states it. */
export interface PartSummary {
  /** From the first presentation to the end of the last access unit, all tracks. Milliseconds, fractions allowed. */
  readonly durationMs: number
  readonly bytes: number
  readonly tracks: readonly TrackSummary[]
}

/** One track of a part. */
export interface TrackSummary {
  readonly trackId: number
  readonly codec: Codec
  readonly accessUnits: number
  /** As the publisher sent them. MPEG-TS counts what a crash left behind its last tally with its framing. */
  readonly payloadBytes: number
  /** Start of the first presentation and end of the last, relative to the part's zero. Milliseconds. */
  readonly startMs: number
  readonly endMs: number
}

/**
 * A writer of one part. All times it is given are already continuous and start near zero (the recorder's timeline
 * sees to that); per track DTS strictly increases. The writer retains what it keeps and never blocks.
 *
 *   begin → write* → (takeOutput when hasOutput)* → flush → takeOutput → finish()
 */
export interface ContainerWriter {
  /** True when a batch is complete enough to be worth a disk write (MP4: a fragment of about a second). */
  readonly hasOutput: boolean
  /** Retains the access unit. Its format must have been announced by begin, addTrack or changeFormat. */
  write(accessUnit: AccessUnit, timing: PartTiming): void
  /** Puts a message beside the tracks, at this time of the part. Absent: the container has no place for any. */
  data?(message: DataMessage, atMs: number): void
  /**
   * Everything complete so far, or undefined. Ownership of the access units goes to the caller; the bytes of `changes`
   * stay valid until the next call, so apply (or give up) one output before taking the next.
   */
  takeOutput(): WriterOutput | undefined
  /** Closes the fragment in progress so that takeOutput gives all that was written (a stalled stream, or the end). */
  flush(reason: 'interval' | 'end'): void
  /** After flush('end'): what the next part's writer must know of this one, for WriterOptions. Absent: nothing. */
  readonly continuation?: unknown
  /**
   * A track that appeared late, or a new format for a known track id. False: this container needs a new part.
   * @param first the access unit that is to follow: it may bring what the format says, where players look for it
   */
  changeFormat(format: TrackFormat, first?: AccessUnit): boolean
}

/** Times of one access unit within its part, in ticks of the format's timescale. */
export interface PartTiming {
  readonly dts: number
  readonly pts: number
}

/** What a writer has to know of the part it begins. */
export interface WriterOptions {
  readonly formats: readonly TrackFormat[]
  /** Wall clock of the part's zero, milliseconds since 1970 UTC; goes into the headers. */
  readonly createdAtMs: number
  /** Seconds the part may last if known (rotation, maxSeconds), 0 otherwise: sizes the room for the index. */
  readonly expectedSeconds: number
  /** Longest fragment or flush interval, in milliseconds of media. */
  readonly fragmentMs: number
  /** MP4: header boxes of version 0 and 32-bit sizes and offsets, as long as the file is below 4 GiB. Default false. */
  readonly compatible32?: boolean
  /** The `continuation` of the writer of the part before (MPEG-TS continuity counters); undefined for the first. */
  readonly continuation: unknown
}

/** A container format: what it can carry, and its four operations. */
export interface Container {
  readonly name: ContainerName
  /** Of its files, without the dot. */
  readonly extension: string
  readonly mimeType: string
  carries(codec: Codec): boolean
  /** Carried, but few players of the container know them: sound of these is transcoded unless it is wanted as it is. */
  readonly rarelyPlayed?: readonly Codec[]
  /** At most this many tracks of a kind; Infinity when free. */
  readonly maxVideoTracks: number
  readonly maxAudioTracks: number
  /** Begins an empty part. The first output holds the headers. */
  open(options: WriterOptions): ContainerWriter
  /**
   * Continues a finished part written by us. Until finish() the file stays playable with its old and new content at any
   * moment.
   * @throws {ContainerError} not ours, or damaged: nothing was changed
   */
  openForAppend(part: PartBytes, options: WriterOptions): Promise<ContinuedPart>
  /**
   * Completes a part from its bytes alone: after a clean end, after a crash, it is the same code. Idempotent: a finished
   * part is left as it is and summarised. A torn tail is cut or covered. Media is never copied.
   * @throws {TornHeadError} it was hardly begun: there is no access unit in it
   * @throws {ContainerError} not ours, or damaged; in either case nothing was changed
   */
  finish(part: PartBytes): Promise<PartSummary>
  /** What the part holds, without changing it; unfinished parts too. */
  inspect(part: ReadableBytes): Promise<PartInspection>
}

/** A part that is gone on with. Times are the part's own, those of write(), in milliseconds. */
export interface ContinuedPart {
  readonly writer: ContainerWriter
  /** From here on every track has room. */
  readonly startMs: number
  /** Of the tracks that go on, by the ids of their new formats; tracks that got nothing so far are not among them. */
  readonly ends: ReadonlyMap<number, TrackEnd>
}

/** What a track goes on after. What comes must be decoded after `lastDtsMs`. */
export interface TrackEnd {
  readonly lastDtsMs: number
  /** Where decoding goes on without a gap. */
  readonly endDtsMs: number
  /** End of the last presentation. */
  readonly endPtsMs: number
}

/** What a look at a part tells, finished or not. */
export interface PartInspection extends PartSummary {
  readonly finished: boolean
  /** Bytes at the end that belong to no whole access unit. */
  readonly tornBytes: number
}

/** Containers that recordings can be written to. */
export const CONTAINER_NAMES = ['mp4', 'flv', 'ts', 'webm', 'mkv'] as const
/** One of {@link CONTAINER_NAMES}. */
export type ContainerName = (typeof CONTAINER_NAMES)[number]
