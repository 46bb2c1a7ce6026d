import { type Command, InvalidArgumentError, Option } from 'commander'
import { RECORDING_FORMATS } from '#config/sections/recordings.ts'
import { parseByteSize } from '#config/values/byte-size.ts'
import {
  APPEND_GAPS,
  type AppendGap,
  AUDIO_CODEC_CHOICES,
  type AudioCodecChoice,
  IF_EXISTS,
  type IfExists,
  type RecordingRequest,
} from '#recorder/request.ts'

/** Adds the options that make a recording request. */
export function withRequestOptions(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'file format').choices(RECORDING_FORMATS))
    .addOption(new Option('--if-exists <policy>', 'when the name is taken').choices(IF_EXISTS))
    .addOption(new Option('--append-gap <what>', 'with append: the time that has passed since').choices(APPEND_GAPS))
    .option('--rotate-seconds <seconds>', 'a new part after this long', positive)
    .option('--rotate-bytes <size>', 'a new part after this much, such as 1GiB', size)
    .option('--rotate-at <cron>', 'a new part whenever this cron expression says, such as "0 * * * *"')
    .addOption(new Option('--rotate-cut <where>', 'where new parts begin').choices(['keyframe', 'exact']))
    .option('--mp4-compatible32', 'MP4 for old players: 32-bit fields, 4 GiB at most')
    .option('--max-seconds <seconds>', 'stop after this long', positive)
    .addOption(new Option('--audio-codec <codec>', 'what the sound is written as').choices(AUDIO_CODEC_CHOICES))
    .option('--audio-sample-rate <hz>', 'of sound that is transcoded to AAC', positive)
    .option('--no-audio', 'leave audio out')
    .option('--no-video', 'leave video out')
    .option('--no-data', 'FLV: leave cue points and other data messages out')
    .option('--metadata <name=value>', 'a label; may be repeated', label, {})
}

/** What withRequestOptions gives. */
export interface RequestOptions {
  readonly format?: (typeof RECORDING_FORMATS)[number]
  readonly ifExists?: IfExists
  readonly appendGap?: AppendGap
  readonly rotateSeconds?: number
  readonly rotateBytes?: number
  readonly rotateAt?: string
  readonly rotateCut?: 'keyframe' | 'exact'
  readonly mp4Compatible32?: true
  readonly maxSeconds?: number
  readonly audioCodec?: AudioCodecChoice
  readonly audioSampleRate?: number
  readonly audio: boolean
  readonly video: boolean
  readonly data: boolean
  readonly metadata: Readonly<Record<string, string>>
}

/** The request's fields, without the stream. */
export function requestFromOptions(options: RequestOptions): Omit<RecordingRequest, 'stream'> {
  const { rotateSeconds, rotateBytes, rotateAt, rotateCut, format, ifExists, maxSeconds, metadata } = options
  const { audioCodec, audioSampleRate } = options
  const rotate = {
    ...(rotateSeconds === undefined ? {} : { seconds: rotateSeconds }),
    ...(rotateBytes === undefined ? {} : { bytes: rotateBytes }),
    ...(rotateAt === undefined ? {} : { at: rotateAt }),
    ...(rotateCut === undefined ? {} : { cut: rotateCut }),
  }
  const sound = {
    ...(audioCodec === undefined ? {} : { codec: audioCodec }),
    ...(audioSampleRate === undefined ? {} : { sampleRate: audioSampleRate }),
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(ifExists === undefined ? {} : { ifExists }),
    ...(options.appendGap === undefined ? {} : { appendGap: options.appendGap }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
    ...(options.mp4Compatible32 === undefined ? {} : { mp4Compatible32: true }),
    ...(Object.keys(rotate).length === 0 ? {} : { rotate }),
    ...(Object.keys(sound).length === 0 ? {} : { audio: sound }),
    ...(options.audio && options.video ? {} : { tracks: { audio: options.audio, video: options.video } }),
    ...(options.data ? {} : { data: false }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

/** A whole number of at least one. */
export function positive(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number of at least 1.')
  return value
}

function size(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('expected a size such as 512MiB.')
  return bytes
}

function label(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('expected name=value.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}
