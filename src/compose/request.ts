import { CompositionRequestError } from './errors.ts'
import { LAYOUTS, type Layout } from './layout/layouts.ts'

/** What is to be composed, and how. */
export interface CompositionRequest {
  /** Path of the composed stream. */
  readonly output: string
  /** Both even. */
  readonly widthPixels: number
  readonly heightPixels: number
  /** Pictures a second, whole. */
  readonly frameRate: number
  /** At least one of them. */
  readonly video: boolean
  readonly audio: boolean
  readonly layout: Layout
  /** Bits per second; by default what the size needs. */
  readonly videoBitrateBps?: number | undefined
  readonly audioBitrateBps?: number | undefined
}

/** What a tile shows. */
export interface TileFacts {
  /** Shown while there is no picture. */
  readonly name: string
  /** Screens are shown whole; cameras may be cropped. */
  readonly kind: 'camera' | 'screen'
  /** Tiles are arranged by it, then in the order they came; 0 by default. */
  readonly order?: number | undefined
  /** The name is shown, whatever comes. */
  readonly isVideoMuted?: boolean | undefined
  /** It is not in the mix. */
  readonly isAudioMuted?: boolean | undefined
}

/** Where a request is silent. */
export const DEFAULT_REQUEST = {
  widthPixels: 1280,
  heightPixels: 720,
  frameRate: 25,
  video: true,
  audio: true,
  layout: 'best-fit',
} as const satisfies Partial<CompositionRequest>

/** Width and height are no less than this. */
export const MIN_SIDE_PIXELS = 64
/** And no more than this. */
export const MAX_SIDE_PIXELS = 4096
/** Pictures a second. */
export const MAX_FRAME_RATE = 60
/** More tiles than this are refused: nobody could see them. */
export const MAX_TILES = 64

/** Bits per pixel that x264's "veryfast" needs for faces and slides. */
const BITS_PER_PIXEL = 0.11
const DEFAULT_AUDIO_BPS = 128_000

/** A request of which nothing is left open. */
export type CompleteRequest = Required<{ [Key in keyof CompositionRequest]: NonNullable<CompositionRequest[Key]> }>

/** @throws {CompositionRequestError} */
export function completed(request: CompositionRequest): CompleteRequest {
  const { widthPixels, heightPixels, frameRate, video, audio, layout } = request
  for (const [field, value] of Object.entries({ widthPixels, heightPixels })) {
    if (!Number.isInteger(value) || value % 2 !== 0 || value < MIN_SIDE_PIXELS || value > MAX_SIDE_PIXELS) {
      throw new CompositionRequestError(field, `must be an even number from ${MIN_SIDE_PIXELS} to ${MAX_SIDE_PIXELS}`)
    }
  }
  if (!Number.isInteger(frameRate) || frameRate < 1 || frameRate > MAX_FRAME_RATE) {
    throw new CompositionRequestError('frameRate', `must be a whole number from 1 to ${MAX_FRAME_RATE}`)
  }
  if (!LAYOUTS.includes(layout)) throw new CompositionRequestError('layout', `must be one of ${LAYOUTS.join(', ')}`)
  if (!video && !audio) throw new CompositionRequestError('video', 'and audio can’t both be false')
  const {
    videoBitrateBps = Math.round(widthPixels * heightPixels * frameRate * BITS_PER_PIXEL),
    audioBitrateBps = DEFAULT_AUDIO_BPS,
  } = request
  for (const [field, value] of Object.entries({ videoBitrateBps, audioBitrateBps })) {
    if (!Number.isFinite(value) || value < 8_000 || value > 200_000_000) {
      throw new CompositionRequestError(field, 'must be from 8000 to 200000000 bits a second')
    }
  }
  return { ...request, videoBitrateBps, audioBitrateBps }
}
