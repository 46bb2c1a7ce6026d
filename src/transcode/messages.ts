import type { AudioCodec } from '#media/codec.ts'
import type { Target } from './target.ts'

/** What the child needs to know of a source to decode it. */
export interface SourceDescription {
  readonly codec: AudioCodec
  readonly configuration: Uint8Array
  readonly sampleRateHz: number
  readonly channels: number
}

/** A track that a child hears of for the first time. */
export interface TrackOpening {
  readonly target: Target
  /** libavcodec's name. */
  readonly encoder: string
  /** Nothing may come out before this sample … */
  readonly floor: number
  /** … from where on it goes on what another child began; undefined: nothing was. */
  readonly next: number | undefined
}

/** Access units of one track. Each is answered, in order. */
export interface UnitsMessage {
  readonly kind: 'units'
  readonly track: number
  readonly opening: TrackOpening | undefined
  /** When it has changed, or the child can't know it. */
  readonly source: SourceDescription | undefined
  /** Of each access unit: its first sample, in samples of the output, and the size of its payload. */
  readonly positions: Float64Array
  readonly sizes: Uint32Array
  /** And 1 where it is silence that nobody sent: it is in no count. */
  readonly silent: Uint8Array
  /** All payloads, one after the other. */
  readonly bytes: Uint8Array
  /** Nothing follows for now: everything is to come out. */
  readonly isEnd: boolean
}

/** The parent wants nothing more of a track. */
export interface CloseMessage {
  readonly kind: 'close'
  readonly track: number
}

/** From the server to the child. */
export type ChildInput = UnitsMessage | CloseMessage

/** Access units of the source that are in no sound, and where they would have been. */
export interface UndecodableUnits {
  readonly units: number
  readonly fromPosition: number
  readonly toPosition: number
  readonly reason: string
}

/** What has become of the access units of one message, and of earlier ones. */
export interface UnitsAnswer {
  readonly kind: 'answer'
  readonly track: number
  /** Of each encoded access unit: its first sample, its size, and how many of the source's end in it. */
  readonly positions: Float64Array
  readonly sizes: Uint32Array
  readonly sourceUnits: Uint32Array
  readonly bytes: Uint8Array
  readonly undecodable: readonly UndecodableUnits[]
  /** Nothing may come out before this sample. */
  readonly floor: number
  /** What the target could not know of what comes out; undefined: nothing new. */
  readonly configuration: Uint8Array | undefined
}

/** The child is there; it has these encoders of those that were asked for. */
export interface ReadyMessage {
  readonly kind: 'ready'
  readonly encoders: readonly string[]
}

/** From the child to the server. */
export type ChildOutput = UnitsAnswer | ReadyMessage
