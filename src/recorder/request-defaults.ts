import { CONTAINER_NAMES, type ContainerName } from '#containers/container.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { AAC_SAMPLE_RATES_HZ } from '#media/aac/audio-specific-config.ts'
import { RequestInvalidError } from './errors.ts'
import { parseNameTemplate } from './name-template.ts'
import {
  APPEND_GAPS,
  type AppendGap,
  AUDIO_CODEC_CHOICES,
  type AudioCodecChoice,
  type AudioRequest,
  IF_EXISTS,
  type IfExists,
  type NameCallerValues,
  type NameText,
  NUMBERINGS,
  type Numbering,
  type RecordingRequest,
} from './request.ts'
import { checkSchedule } from './schedule.ts'

/** Longest label, and how many a recording may have: they live in every manifest and event. */
const MAX_METADATA_ENTRIES = 64
const MAX_METADATA_CHARACTERS = 1024

/** Longest `path`: more components than this has no file system below a root of ordinary length. */
const MAX_PATH_CHARACTERS = 4096
const MAX_NAME_VALUE_CHARACTERS = 1024
const MAX_EXCLUDE_CHARACTERS = 256
/** More codecs than there are, and longer names than any has. */
const MAX_CODEC_NAMES = 64
const MAX_CODEC_NAME_CHARACTERS = 32
/** What no player and no file system stumbles over; the part name's reserve counts on the length. */
const EXTENSION = /^\.[A-Za-z0-9]{1,8}$/

/** A request with every default applied and every value checked. */
export interface ResolvedRequest {
  readonly stream: string
  readonly format: ContainerName | 'auto'
  readonly name: string
  /** Instead of `name`; undefined: the template counts. */
  readonly path: string | undefined
  readonly pathText: 'safe' | 'verbatim'
  /** With its dot; undefined: the container's own. */
  readonly extension: string | undefined
  /** One of the allowed roots, absolute. */
  readonly root: string
  readonly numbering: Numbering
  readonly nameText: Required<NameText>
  readonly nameValues: Required<NameCallerValues>
  readonly ifExists: IfExists
  readonly appendGap: AppendGap
  /** 0: no rotation. */
  readonly rotateSeconds: number
  readonly rotateBytes: number
  /** Cron expression; empty: none. */
  readonly rotateAt: string
  readonly rotateCut: 'keyframe' | 'exact'
  /** 0: none. */
  readonly preRollSeconds: number
  readonly mp4Compatible32: boolean
  readonly startOn: 'keyframe' | 'now'
  readonly audio: boolean
  readonly video: boolean
  readonly data: boolean
  readonly audioCodec: AudioCodecChoice
  /** Of transcoded sound; 0: the source's. */
  readonly audioSampleRateHz: number
  /** 0: until stopped. */
  readonly maxSeconds: number
  readonly waitForStream: boolean
  readonly reconnectSeconds: number
  readonly metadata: Readonly<Record<string, string>>
}

/** What the configuration says where a request does not. */
export interface RequestDefaults {
  readonly format: ContainerName | 'auto'
  readonly name: string
  readonly reconnectSeconds: number
  /** Absolute paths; the first takes recordings that name none. */
  readonly roots: readonly string[]
}

/** @throws {RequestInvalidError} naming the field; @throws {NameTemplateError} @throws {StreamPathError} */
export function resolveRequest(request: RecordingRequest, defaults: RequestDefaults): ResolvedRequest {
  const format = request.format ?? defaults.format
  if (format !== 'auto' && !(CONTAINER_NAMES as readonly string[]).includes(format)) {
    throw new RequestInvalidError('format', format, `auto, ${CONTAINER_NAMES.join(', ')}`)
  }
  const ifExists = request.ifExists ?? 'version'
  if (!IF_EXISTS.includes(ifExists)) throw new RequestInvalidError('ifExists', ifExists, IF_EXISTS.join(', '))
  const startOn = request.startOn ?? 'keyframe'
  if (startOn !== 'keyframe' && startOn !== 'now') {
    throw new RequestInvalidError('startOn', startOn, 'keyframe or now')
  }
  const audio = request.tracks?.audio ?? true
  const video = request.tracks?.video ?? true
  if (!audio && !video) throw new RequestInvalidError('tracks', request.tracks, 'at least one of audio and video')
  const rotateSeconds = positive('rotate.seconds', request.rotate?.seconds, 1)
  const rotateBytes = positive('rotate.bytes', request.rotate?.bytes, 64 * 1024)
  const rotateAt = request.rotate?.at ?? ''
  if (typeof rotateAt !== 'string') throw new RequestInvalidError('rotate.at', rotateAt, 'a cron expression')
  if (rotateAt !== '') checkSchedule(rotateAt)
  if (ifExists === 'append' && (rotateSeconds + rotateBytes > 0 || rotateAt !== '')) {
    throw new RequestInvalidError('rotate', request.rotate, 'no rotation together with ifExists append')
  }
  if (request.path !== undefined && request.name !== undefined) {
    throw new RequestInvalidError('path', request.path, 'either path or name')
  }
  // Here, and not only where files are named: a rule must not be kept that can never record.
  if (request.name !== undefined) parseNameTemplate(request.name)
  const name = request.name ?? defaults.name
  if (ifExists === 'append' && request.path === undefined && /\{(endTime|endTimeMillis|duration)[:}]/.test(name)) {
    throw new RequestInvalidError('name', name, 'a name that is known when the recording begins, to append to')
  }
  const { extension } = request
  if (extension !== undefined && !EXTENSION.test(extension)) {
    throw new RequestInvalidError('extension', extension, 'a dot and one to eight letters or digits')
  }
  const preRollSeconds = positive('preRollSeconds', request.preRollSeconds, 0)
  if (preRollSeconds > 0 && startOn === 'now') {
    throw new RequestInvalidError('preRollSeconds', preRollSeconds, 'none together with startOn now')
  }
  return {
    stream: normalizeStreamPath(request.stream),
    format,
    name,
    path: request.path === undefined ? undefined : checkedPath(request.path, request.pathText === 'verbatim'),
    pathText: oneOf('pathText', request.pathText ?? 'safe', ['safe', 'verbatim']),
    extension,
    root: allowedRoot(request.root, defaults.roots),
    numbering: oneOf('numbering', request.numbering ?? 'suffix', NUMBERINGS),
    nameText: {
      exclude: shortText('nameText.exclude', request.nameText?.exclude, MAX_EXCLUDE_CHARACTERS),
      encoding: oneOf('nameText.encoding', request.nameText?.encoding ?? 'none', ['none', 'hex', 'base64url']),
    },
    nameValues: {
      stream: shortText('nameValues.stream', request.nameValues?.stream, MAX_NAME_VALUE_CHARACTERS),
      sessionId: shortText('nameValues.sessionId', request.nameValues?.sessionId, MAX_NAME_VALUE_CHARACTERS),
      mediaSessionId: shortText(
        'nameValues.mediaSessionId',
        request.nameValues?.mediaSessionId,
        MAX_NAME_VALUE_CHARACTERS,
      ),
      login: shortText('nameValues.login', request.nameValues?.login, MAX_NAME_VALUE_CHARACTERS),
      codecs: Object.fromEntries(
        Object.entries(request.nameValues?.codecs ?? {})
          .slice(0, MAX_CODEC_NAMES)
          .map(([codec, name]) => [codec, shortText(`nameValues.codecs.${codec}`, name, MAX_CODEC_NAME_CHARACTERS)]),
      ),
    },
    ifExists,
    appendGap: oneOf('appendGap', request.appendGap ?? 'close', APPEND_GAPS),
    rotateSeconds,
    rotateBytes,
    rotateAt,
    rotateCut: oneOf('rotate.cut', request.rotate?.cut ?? 'keyframe', ['keyframe', 'exact']),
    preRollSeconds,
    mp4Compatible32: request.mp4Compatible32 ?? false,
    startOn,
    audio,
    video,
    data: request.data ?? true,
    audioCodec: oneOf('audio.codec', request.audio?.codec ?? 'auto', AUDIO_CODEC_CHOICES),
    audioSampleRateHz: checkedSampleRate(request.audio),
    maxSeconds: positive('maxSeconds', request.maxSeconds, 0.1),
    waitForStream: request.waitForStream ?? false,
    reconnectSeconds: positive('reconnectSeconds', request.reconnectSeconds ?? defaults.reconnectSeconds, 0),
    metadata: checkedMetadata(request.metadata ?? {}),
  }
}

/**
 * The absolute path of an allowed root, from one or from its last components where no other root ends in them too.
 * @throws {RequestInvalidError}
 */
function allowedRoot(root: string | undefined, roots: readonly string[]): string {
  if (root === undefined) return roots[0] ?? ''
  const wanted = root.replace(/^(\.{1,2}\/)+/, '').replace(/(?<=.)\/+$/, '')
  const matching = roots.includes(wanted) ? [wanted] : roots.filter((allowed) => allowed.endsWith(`/${wanted}`))
  const [match] = matching
  if (match === undefined || matching.length > 1 || wanted === '') {
    throw new RequestInvalidError('root', root, `one of the allowed roots: ${roots.join(', ')}`)
  }
  return match
}

/** Text in which braces mean nothing; what it may not hold is made safe later, but nobody may point out of the root. */
function checkedPath(path: string, isVerbatim: boolean): string {
  const isPlain = !path.includes('\0') && path.split('/').every((component) => !['', '.'].includes(component))
  const leaves = path.startsWith('/') || path.split('/').includes('..') || (isVerbatim && !isPlain)
  if (leaves || path.length > MAX_PATH_CHARACTERS || /^[/.]*$/.test(path)) {
    throw new RequestInvalidError('path', path.slice(0, 200), 'a relative path below the root, without ".."')
  }
  return path
}

/** Empty when absent. */
function shortText(field: string, value: string | undefined, maxCharacters: number): string {
  if (value === undefined) return ''
  if (typeof value !== 'string' || value.length > maxCharacters) {
    throw new RequestInvalidError(field, value, `text of at most ${maxCharacters} characters`)
  }
  return value
}

/** 0 when absent. */
function checkedSampleRate({ codec, sampleRate }: AudioRequest = {}): number {
  if (sampleRate === undefined) return 0
  if (codec === 'copy' || codec === 'opus') {
    throw new RequestInvalidError('audio.sampleRate', sampleRate, `none together with codec ${codec}`)
  }
  if (!(AAC_SAMPLE_RATES_HZ as readonly number[]).includes(sampleRate)) {
    throw new RequestInvalidError('audio.sampleRate', sampleRate, `one of ${AAC_SAMPLE_RATES_HZ.join(', ')}`)
  }
  return sampleRate
}

function oneOf<const Value extends string>(field: string, value: Value, allowed: readonly Value[]): Value {
  if (!allowed.includes(value)) throw new RequestInvalidError(field, value, allowed.join(', '))
  return value
}

/** 0 (off) when absent. */
function positive(field: string, value: number | undefined, minimum: number): number {
  if (value === undefined || value === 0) return 0
  if (!Number.isFinite(value) || value < minimum) {
    throw new RequestInvalidError(field, value, `a number of at least ${minimum}, or 0 for none`)
  }
  return value
}

function checkedMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata)
  if (entries.length > MAX_METADATA_ENTRIES) {
    throw new RequestInvalidError('metadata', entries.length, `at most ${MAX_METADATA_ENTRIES} entries`)
  }
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || value.length > MAX_METADATA_CHARACTERS || key.length > MAX_METADATA_CHARACTERS) {
      throw new RequestInvalidError(
        `metadata.${key.slice(0, 40)}`,
        value,
        `text of at most ${MAX_METADATA_CHARACTERS} characters`,
      )
    }
  }
  return { ...metadata }
}
