import { type AmfObject, type AmfValue, isAmfObject } from '#media/flv/amf-value.ts'

/** What onMetaData says about tracks that their bitstreams may not. Zeros where it is silent. */
export interface TrackAnnouncements {
  readonly widthPixels: number
  readonly heightPixels: number
  readonly frameRateHint: number
  readonly videoBitrateBps: number
  readonly audioBitrateBps: number
  readonly audioSampleRateHz: number
  /** 0: not told. */
  readonly audioChannels: number
}

export const NO_ANNOUNCEMENTS: TrackAnnouncements = {
  widthPixels: 0,
  heightPixels: 0,
  frameRateHint: 0,
  videoBitrateBps: 0,
  audioBitrateBps: 0,
  audioSampleRateHz: 0,
  audioChannels: 0,
}

/** Reads the fields of onMetaData that describe tracks. Adobe FLV 10.1, annex E.5. */
export function readAnnouncements(metadata: AmfObject): TrackAnnouncements {
  const stereo = metadata['stereo']
  return {
    widthPixels: positive(metadata['width']),
    heightPixels: positive(metadata['height']),
    frameRateHint: positive(metadata['framerate'] ?? metadata['videoframerate']),
    videoBitrateBps: Math.round(positive(metadata['videodatarate']) * 1000),
    audioBitrateBps: Math.round(positive(metadata['audiodatarate']) * 1000),
    audioSampleRateHz: positive(metadata['audiosamplerate']),
    audioChannels: positive(metadata['audiochannels']) || (typeof stereo === 'boolean' ? (stereo ? 2 : 1) : 0),
  }
}

/** An AMF value as plain JSON: dates as ISO text, bytes and what JSON can't say left out. */
export function toJson(value: AmfValue): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (value === undefined || value instanceof Uint8Array) return null
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (Array.isArray(value)) return value.map(toJson)
  if (isAmfObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
  return value
}

function positive(value: AmfValue): number {
  return typeof value === 'number' && value > 0 && value < 1e9 ? value : 0
}
