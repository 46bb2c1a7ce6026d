import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import type { Layout } from './layout/layouts.ts'
import type { CompleteRequest, TileFacts } from './request.ts'

// All times are milliseconds of the composition, from its beginning, unless they are a source's own.

/** First of all. */
export interface BeginMessage {
  readonly kind: 'begin'
  readonly request: CompleteRequest
  /** Time when this was sent, which may be long before a child has loaded what it needs and hears it. */
  readonly nowMs: number
  /** The same on the machine's own clock, which all processes share: `process.hrtime`. */
  readonly sentNs: bigint
  /** Nothing may come out before. */
  readonly fromMs: number
}

/** A tile is to be there, or to be shown otherwise. */
export interface TileMessage {
  readonly kind: 'tile'
  readonly tile: number
  readonly facts: TileFacts
}

export interface LeaveMessage {
  readonly kind: 'leave'
  readonly tile: number
}

/** A tile's track begins, or is described anew. Undefined configuration and codec: there is none now. */
export interface VideoMessage {
  readonly kind: 'video'
  readonly tile: number
  readonly source: VideoSource | undefined
}

export interface VideoSource {
  readonly codec: VideoCodec
  readonly configuration: Uint8Array
  /** Width of a pixel by its height. */
  readonly pixelAspect: number
}

export interface AudioMessage {
  readonly kind: 'audio'
  readonly tile: number
  readonly source: AudioSource | undefined
}

export interface AudioSource {
  readonly codec: AudioCodec
  readonly configuration: Uint8Array
  readonly sampleRateHz: number
  readonly channels: number
}

export interface LayoutMessage {
  readonly kind: 'layout'
  readonly layout: Layout
}

/** Somebody wants a key frame soon. */
export interface KeyMessage {
  readonly kind: 'key'
}

export const FLAG_VIDEO = 1
export const FLAG_RANDOM_ACCESS = 2
/** It came some time before it is said to have. */
export const FLAG_REMEMBERED = 4

/** Access units of all tiles, in the order they came. */
export interface UnitsMessage {
  readonly kind: 'units'
  readonly tiles: Uint32Array
  readonly flags: Uint8Array
  /** On the source's clock, milliseconds. */
  readonly dtsMs: Float64Array
  readonly ptsMs: Float64Array
  readonly arrivedMs: Float64Array
  readonly sizes: Uint32Array
  /** All payloads, one after the other. */
  readonly bytes: Uint8Array
}

/** From the server to the child. */
export type ChildInput =
  | BeginMessage
  | TileMessage
  | LeaveMessage
  | VideoMessage
  | AudioMessage
  | LayoutMessage
  | KeyMessage
  | UnitsMessage

/** It composes. */
export interface ReadyMessage {
  readonly kind: 'ready'
  /** libavcodec's name of the video encoder; empty without video. */
  readonly encoder: string
  /** avcC; empty without video. */
  readonly videoConfiguration: Uint8Array
}

/** What a moment has brought. */
export interface MediaMessage {
  readonly kind: 'media'
  readonly pictures: readonly { readonly number: number; readonly isKey: boolean; readonly payload: Uint8Array }[]
  /** Of each AAC access unit, its first sample at 48 kHz. */
  readonly audioPositions: Float64Array
  readonly audioSizes: Uint32Array
  readonly audioBytes: Uint8Array
  /** Payload bytes taken since the last message. */
  readonly takenBytes: number
  /** Pictures left out so far, since there was no time for them. */
  readonly droppedPictures: number
  /** CPU time so far, milliseconds. */
  readonly cpuMs: number
}

/** From the child to the server. */
export type ChildOutput = ReadyMessage | MediaMessage

/** Of the composed sound. */
export const OUTPUT_RATE_HZ = 48_000
export const OUTPUT_CHANNELS = 2
