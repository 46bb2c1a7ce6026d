import type { Container } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import { openForAppend } from './append.ts'
import { finish, inspect } from './finish.ts'
import { FragmentStream } from './fragment-stream.ts'
import { isCarried } from './sample-entry.ts'
import { Mp4Writer } from './writer.ts'

export interface Mp4Options {
  /** Room for the index at the front of a part of unknown length. A hole: it takes no disk space until used. */
  readonly indexBytes: number
}

/** About half an hour of audio and video. */
const DEFAULT_INDEX_BYTES = 1024 * 1024

/** MP4 (ISO/IEC 14496-12, -14, -15): fragments while recording, then finished in place with the index at the front. */
export function createMp4(options: Mp4Options): Container {
  return {
    name: 'mp4',
    extension: 'mp4',
    mimeType: 'video/mp4',
    carries: isCarried,
    // G.711 is QuickTime's, and browsers refuse the file. Opus is for browsers alone: neither QuickTime nor editors know it.
    rarelyPlayed: ['pcma', 'pcmu', 'opus'],
    maxVideoTracks: Number.POSITIVE_INFINITY,
    maxAudioTracks: Number.POSITIVE_INFINITY,
    open: (writerOptions) => new Mp4Writer(writerOptions, options.indexBytes),
    openForAppend: (part, writerOptions) => openForAppend(part, writerOptions, options.indexBytes),
    finish,
    inspect,
  }
}

/** MP4 with the usual room for its index. */
export const mp4: Container = createMp4({ indexBytes: DEFAULT_INDEX_BYTES })

/** The same codecs as endless fragments, for watching live. */
export const mp4Fragments = {
  carries: mp4.carries,
  open: (formats: readonly TrackFormat[], createdAtMs: number): FragmentStream =>
    new FragmentStream(formats, createdAtMs),
}
