import { AccessUnit } from '#media/access-unit.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat, TrackFormat, VideoFormat } from '#media/track.ts'

/** A video track of 320×180 H.264 at 90 kHz, as RTMP delivers it. The configuration is a marker, not a real avcC. */
export function testVideo(overrides: Partial<VideoFormat> = {}): VideoFormat {
  return {
    kind: 'video',
    codec: 'h264',
    trackId: 1,
    timescale: 90_000,
    configuration: Uint8Array.of(1, 100, 0, 31),
    announcedBitrateBps: 0,
    language: 'und',
    widthPixels: 320,
    heightPixels: 180,
    pixelAspect: { horizontal: 1, vertical: 1 },
    frameRateHint: 25,
    color: undefined,
    ...overrides,
  }
}

/** A stereo AAC track at 48 kHz. */
export function testAudio(overrides: Partial<AudioFormat> = {}): AudioFormat {
  return {
    kind: 'audio',
    codec: 'aac',
    trackId: 2,
    timescale: 48_000,
    configuration: Uint8Array.of(0x11, 0x90),
    announcedBitrateBps: 0,
    language: 'und',
    sampleRateHz: 48_000,
    channels: 2,
    samplesPerAccessUnit: 1024,
    ...overrides,
  }
}

/** Makes access units at millisecond times; the payload repeats `fill`. */
export function unitMaker(): (
  format: TrackFormat,
  atMs: number,
  options?: { key?: boolean; bytes?: number; fill?: number; compositionMs?: number },
) => AccessUnit {
  const memory = new PayloadMemory()
  return (format, atMs, { key = format.kind === 'audio', bytes = 100, fill = 0, compositionMs = 0 } = {}) => {
    const arena = memory.arena()
    const reservation = arena.reserve(bytes)
    reservation.bytes.fill(fill)
    const dts = Math.round((atMs * format.timescale) / 1000)
    const pts = Math.round(((atMs + compositionMs) * format.timescale) / 1000)
    return new AccessUnit(format, { dts, pts, isRandomAccess: key }, reservation)
  }
}
