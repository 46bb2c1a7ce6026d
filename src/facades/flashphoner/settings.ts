import type { CodecPreference } from '#base/webrtc-codecs.ts'
import { FlashphonerSettingsError, type SettingProblem } from './errors.ts'
import { parseRotation, ROTATION_EXPECTED, type Rotation } from './rotation.ts'

/** What the vendor's configuration says about recording. spec section 2. */
export interface RecordSettings {
  /** Off: nothing is recorded, whoever asks. */
  readonly recordStreams: boolean
  /** Record every stream that arrives by RTMP, from an RTSP camera, or from a mixer. */
  readonly recordRtmp: boolean
  readonly recordRtsp: boolean
  readonly recordMixers: boolean
  readonly policy: 'template' | 'streamName'
  readonly template: string
  readonly encoding: 'none' | 'hex' | 'base64url'
  /** Deleted from names. */
  readonly excludedCharacters: string
  readonly rotation: Rotation
  /** As written; empty: none. */
  readonly hookScript: string
  readonly multipleHookScript: string
  /** Of audio that is transcoded for MP4; what arrives as AAC is stored as it is. */
  readonly audioSampleRateHz: number
  readonly h264ToTs: boolean
  /** Taken from browsers, the best first. */
  readonly codecs: CodecPreference
  /** Keys that have no counterpart because the product does what they were for by itself. */
  readonly needless: readonly string[]
  /** Pairs of record_formats that no writer here makes: such streams become what they would be anyway. */
  readonly unfollowedFormats: readonly string[]
}

/** Where the vendor's installer puts things. */
const INSTALL_ROOT = '/usr/local/FlashphonerWebCallServer'

const DEFAULTS = {
  record_streams: 'true',
  record_flash_published_streams: 'false',
  record_rtsp_streams: 'false',
  record_mixer_streams: 'false',
  stream_record_policy: 'template',
  stream_record_policy_template: 'stream-{mediaSessionId}-{login}',
  encode_record_name: 'false',
  exclude_record_name_characters: '',
  record_rotation: '',
  on_record_hook_script: `${INSTALL_ROOT}/bin/on_record_hook.sh`,
  on_multiple_record_hook_script: `${INSTALL_ROOT}/bin/on_multiple_record_hook.sh`,
  record_audio_codec_sample_rate: '44100',
  record_formats: 'h264-mp4,vp8-webm',
  record_h264_to_ts: 'false',
  codecs: 'opus,alaw,ulaw,g729,speex16,g722,mpeg4-generic,telephone-event,h264,vp8,flv,mpv',
} as const
type SettingKey = keyof typeof DEFAULTS

/** Done without being told: the index is always at the front, and a file is playable while it is written. */
const NEEDLESS_KEYS = [
  'record_audio_buffer_max_size',
  'mp4_container_moov_first_reserve_space',
  'mp4_container_moov_reserved_space_size',
  'mp4_container_write_header_on_fly',
]

/** Every key that is read here. */
export const SETTING_KEYS: readonly string[] = [...Object.keys(DEFAULTS), ...NEEDLESS_KEYS]

const FOLLOWED_FORMATS: readonly string[] = ['h264-mp4', 'h264-ts', 'vp8-webm']

/** Sample rates that AAC has. ISO/IEC 14496-3, table 1.18. */
const AAC_SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
]

/**
 * The settings in a properties file, defaults for what it does not say. Keys nobody here knows are nobody's business.
 * @param source of the properties, for messages
 * @throws {FlashphonerSettingsError} all problems at once
 */
export function readSettings(properties: ReadonlyMap<string, string>, source: string): RecordSettings {
  const problems: SettingProblem[] = []
  const text = (key: SettingKey) => properties.get(key) ?? DEFAULTS[key]
  /** Java's Boolean.parseBoolean, with the white space an editor may have left. */
  const flag = (key: SettingKey) => text(key).trim().toLowerCase() === 'true'
  const read = <Value>(
    key: SettingKey,
    parse: (text: string) => Value | undefined,
    expected: string,
    instead: Value,
  ) => {
    const value = parse(text(key))
    if (value !== undefined) return value
    problems.push({ key, found: text(key), expected })
    return instead
  }
  const formats = read('record_formats', parseFormats, 'pairs such as h264-mp4,vp8-webm', [])
  const settings: RecordSettings = {
    recordStreams: flag('record_streams'),
    recordRtmp: flag('record_flash_published_streams'),
    recordRtsp: flag('record_rtsp_streams'),
    recordMixers: flag('record_mixer_streams'),
    policy: read('stream_record_policy', parsePolicy, 'template or streamName', 'template'),
    template: text('stream_record_policy_template').trim(),
    encoding: read('encode_record_name', parseEncoding, 'false, or true with HEX or BASE64 behind a comma', 'none'),
    excludedCharacters: text('exclude_record_name_characters'),
    rotation: read('record_rotation', parseRotation, ROTATION_EXPECTED, { seconds: 0, bytes: 0 }),
    hookScript: text('on_record_hook_script').trim(),
    multipleHookScript: text('on_multiple_record_hook_script').trim(),
    audioSampleRateHz: read(
      'record_audio_codec_sample_rate',
      parseSampleRate,
      `a sample rate of AAC: ${AAC_SAMPLE_RATES.join(', ')}`,
      44_100,
    ),
    codecs: codecOrder(text('codecs')),
    h264ToTs: flag('record_h264_to_ts') || formats.includes('h264-ts'),
    needless: NEEDLESS_KEYS.filter((key) => properties.has(key)),
    unfollowedFormats: formats.filter((pair) => !FOLLOWED_FORMATS.includes(pair)),
  }
  if (problems.length > 0) throw new FlashphonerSettingsError(source, problems)
  return settings
}

/** In the order in which they are taken where the vendor's list names none of them. */
const VIDEO_CODECS = ['h264', 'vp8', 'vp9', 'av1', 'h265'] as const
const AUDIO_CODECS = ['opus', 'pcma', 'pcmu', 'g722'] as const

/** The vendor's names of codecs that are called otherwise here. */
const VENDOR_CODECS: Readonly<Record<string, string>> = { alaw: 'pcma', ulaw: 'pcmu' }

/** The order is the vendor's; what it does not name is taken last, since a stream is better recorded than refused. */
function codecOrder(text: string): CodecPreference {
  const named = text.split(',').map((word) => {
    const name = word.trim().toLowerCase()
    return VENDOR_CODECS[name] ?? name
  })
  const rank = (codec: string) => (named.includes(codec) ? named.indexOf(codec) : named.length)
  return {
    video: VIDEO_CODECS.toSorted((a, b) => rank(a) - rank(b)),
    audio: AUDIO_CODECS.toSorted((a, b) => rank(a) - rank(b)),
  }
}

function parsePolicy(text: string): RecordSettings['policy'] | undefined {
  const policy = text.trim()
  return policy === 'template' || policy === 'streamName' ? policy : undefined
}

/** `true` alone is HEX: undocumented, and the one that every reader of names can undo. */
function parseEncoding(text: string): RecordSettings['encoding'] | undefined {
  const [enabled = '', algorithm = 'HEX', ...rest] = text.split(',').map((word) => word.trim())
  if (enabled.toLowerCase() !== 'true') return 'none'
  if (rest.length > 0) return undefined
  switch (algorithm.toUpperCase()) {
    case 'HEX':
      return 'hex'
    case 'BASE64':
      return 'base64url'
    default:
      return undefined
  }
}

function parseSampleRate(text: string): number | undefined {
  return AAC_SAMPLE_RATES.find((rate) => String(rate) === text.trim())
}

/** Codec and container, in lower case. */
function parseFormats(text: string): readonly string[] | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim().toLowerCase())
    .filter((pair) => pair !== '')
  return pairs.every((pair) => /^[a-z0-9]+-[a-z0-9]+$/.test(pair)) ? pairs : undefined
}
