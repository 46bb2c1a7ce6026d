import type { ContainerName } from '#containers/container.ts'

/** What a caller asks for. Defaults are applied by resolveRequest (request-defaults.ts). */
export interface RecordingRequest {
  /** Path of the stream. */
  readonly stream: string
  /**
   * `auto`: WebM for VP8 or VP9 (unless their sound is MP4's own), else MP4; where that does not carry the codecs, FLV or
   * Matroska. Default auto.
   */
  readonly format?: ContainerName | 'auto'
  /** Name template, see naming.ts. Default: recordings.name of the configuration. */
  readonly name?: string
  /**
   * The path itself instead of a template, relative to the root, without extension, with forward slashes: braces are
   * ordinary characters in it. Made safe like any rendered name; one that would leave the root is refused.
   */
  readonly path?: string
  /**
   * With `path`. `safe`: every component as any file system and listing likes it. `verbatim`: as it is, for layouts that
   * others define, hidden names among them; it must be a plain relative path. Default safe.
   */
  readonly pathText?: 'safe' | 'verbatim'
  /** With its dot; default the container's own. The container follows `format` whatever the name ends in. */
  readonly extension?: string
  /** One of the allowed roots, as configured or as an absolute path. Default the first. */
  readonly root?: string
  /** How parts and taken names are numbered. Default `suffix`. */
  readonly numbering?: Numbering
  /** What is done to the text the template gives, before it is made safe. */
  readonly nameText?: NameText
  /** What only the caller knows of the publisher, for the elements {sessionId}, {mediaSessionId} and {login}. */
  readonly nameValues?: NameCallerValues
  readonly ifExists?: IfExists
  /**
   * With ifExists append: `close` lets the new media follow the old at once; `keep` leaves the time between them that
   * has passed, 12 hours at most. Default `close`.
   */
  readonly appendGap?: AppendGap
  readonly rotate?: Rotate
  /**
   * Begin this far in the past, as far as the hub remembers: at the last random access point that is at least this old,
   * else at the oldest one. Default 0. See limits.preRollBytes of the configuration.
   */
  readonly preRollSeconds?: number
  /** MP4 only: 32-bit fields in all headers and no box of version 1, for players of the 1990s; 4 GiB at most. */
  readonly mp4Compatible32?: boolean
  /** `keyframe`: begins at the remembered random access point. `now`: at the next access unit, decodable or not. */
  readonly startOn?: 'keyframe' | 'now'
  readonly tracks?: { readonly audio?: boolean; readonly video?: boolean }
  readonly audio?: AudioRequest
  /** FLV only: what the publisher says besides its tracks (cue points, texts) is recorded too. Default true. */
  readonly data?: boolean
  readonly maxSeconds?: number
  /** Accept a path nobody publishes yet and wait. Default false: 404. */
  readonly waitForStream?: boolean
  /** Seconds a recording survives without its publisher. Default from the configuration. */
  readonly reconnectSeconds?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * What to do when the name of a new recording is taken. `version`: it takes the next number. `rename`: what is there is
 * renamed to the lowest free `x_0`, `x_1` …, and the new recording has the name.
 */
export const IF_EXISTS = ['version', 'append', 'overwrite', 'rename', 'fail'] as const
/** One of {@link IF_EXISTS}. */
export type IfExists = (typeof IF_EXISTS)[number]

/** What the sound is written as. */
export interface AudioRequest {
  /**
   * `auto`: as it came where players of the container know it, else AAC (Opus where AAC can't be). `copy`: as it came, or the recording is refused.
   * `aac`, `opus`, `vorbis` (WebM and Matroska): transcoded unless it came so. Default auto.
   */
  readonly codec?: AudioCodecChoice
  /** Of AAC and Vorbis, in Hz. Default: the source's, or the next higher that they can have. */
  readonly sampleRate?: number
}

/** What a request may say of the codec of its sound. */
export const AUDIO_CODEC_CHOICES = ['auto', 'copy', 'aac', 'opus', 'vorbis'] as const
/** One of {@link AUDIO_CODEC_CHOICES}. */
export type AudioCodecChoice = (typeof AUDIO_CODEC_CHOICES)[number]

/** What becomes of the time between what is there and what is appended. */
export const APPEND_GAPS = ['close', 'keep'] as const
/** One of {@link APPEND_GAPS}. */
export type AppendGap = (typeof APPEND_GAPS)[number]

/** When new parts begin; several conditions may be set, and the first that is met counts. */
export interface Rotate {
  readonly seconds?: number
  readonly bytes?: number
  /** Cron expression of five or six fields (seconds first), in the server's time zone. */
  readonly at?: string
  /** `keyframe`: at the next random access point of the leading track, so that every part plays alone. `exact`: at once. */
  readonly cut?: 'keyframe' | 'exact'
}

/**
 * `suffix`: `x.mp4`, `x_part0002.mp4`; a taken name gives `x_v2.mp4`.
 * `indexed`: parts `x_part0000.mp4`, `x_part0001.mp4` … when there may be several, `x.mp4` otherwise; a taken name gives
 * `x_0001.mp4` (with parts `x_0001_part0000.mp4`), at most `_8192`.
 * `lastPlain`: parts `x_1.mp4`, `x_2.mp4`; the last one, open when the recording ends, is `x.mp4`. A taken name gives `x_2`.
 */
export const NUMBERINGS = ['suffix', 'indexed', 'lastPlain'] as const
/** One of {@link NUMBERINGS}. */
export type Numbering = (typeof NUMBERINGS)[number]

/** In this order: characters are removed, then the whole text is encoded, so that nothing in it can hurt a file name. */
export interface NameText {
  /** Every character in it is removed. */
  readonly exclude?: string
  /** Lower-case hex of the UTF-8 bytes, or the URL-safe BASE64 alphabet without padding. */
  readonly encoding?: 'none' | 'hex' | 'base64url'
}

/** Texts for the elements of a name that only the caller can know. */
export interface NameCallerValues {
  /** What {stream} says instead of the last part of the stream's path. */
  readonly stream?: string
  readonly sessionId?: string
  readonly mediaSessionId?: string
  readonly login?: string
  /** How {videoCodec} and {audioCodec} write a codec, where not as it is called here: `{ h264: 'H264' }`. */
  readonly codecs?: Readonly<Record<string, string>>
}
