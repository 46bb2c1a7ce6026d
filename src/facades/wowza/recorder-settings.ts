import type { RecordingRequest } from '#recorder/request.ts'
import { EXISTING_FILES, type ExistingFile } from './declaration.ts'
import { OptionInvalidError } from './errors.ts'
import { DEFAULT_FILE_TEMPLATE } from './file-template.ts'
import type { FileFormat } from './media-name.ts'
import { amount, fileFormat, truth, words } from './option-values.ts'

export const SEGMENTATIONS = ['None', 'SegmentByDuration', 'SegmentBySize', 'SegmentBySchedule'] as const

/** Longest text of a setting: it becomes a label of a rule. */
const MAX_CHARACTERS = 1_000

/** What a stream recorder is told to do, by the names of rtmp-recording.md §5.5. */
export interface RecorderSettings {
  readonly segmentationType: (typeof SEGMENTATIONS)[number]
  readonly outputPath: string
  /** Empty: the stream's name. */
  readonly baseFile: string
  /** Undefined: by the stream's name. */
  readonly fileFormat: FileFormat | undefined
  readonly fileTemplate: string
  /** Milliseconds. */
  readonly segmentDuration: number
  /** Bytes. */
  readonly segmentSize: number
  /** Cron, seconds first. */
  readonly segmentSchedule: string
  readonly startOnKeyFrame: boolean
  readonly recordData: boolean
  readonly splitOnTcDiscontinuity: boolean
  readonly moveFirstVideoFrameToZero: boolean
  /** Milliseconds. */
  readonly backBufferTime: number
  readonly option: ExistingFile
}

/** Fields of {@link RecorderSettings}, for those who keep them. */
export const SETTING_NAMES = [
  'segmentationType',
  'outputPath',
  'baseFile',
  'fileFormat',
  'fileTemplate',
  'segmentDuration',
  'segmentSize',
  'segmentSchedule',
  'startOnKeyFrame',
  'recordData',
  'splitOnTcDiscontinuity',
  'moveFirstVideoFrameToZero',
  'backBufferTime',
  'option',
] as const satisfies readonly (keyof RecorderSettings)[]

/** @throws {OptionInvalidError} naming the field */
export function readRecorderSettings(given: Readonly<Record<string, unknown>>): RecorderSettings {
  const text = (name: string) => {
    const value = words(given[name], name) ?? ''
    if (value.length > MAX_CHARACTERS) throw new OptionInvalidError(name, value, `at most ${MAX_CHARACTERS} characters`)
    return value
  }
  const flag = (name: string, fallback: boolean) => truth(given[name], name) ?? fallback
  return {
    segmentationType: oneOf('segmentationType', text('segmentationType'), SEGMENTATIONS, 'None'),
    outputPath: text('outputPath'),
    baseFile: text('baseFile'),
    fileFormat: fileFormat(given['fileFormat'], 'fileFormat'),
    fileTemplate: text('fileTemplate') || DEFAULT_FILE_TEMPLATE,
    segmentDuration: amount(given['segmentDuration'], 'segmentDuration') ?? 900_000,
    segmentSize: amount(given['segmentSize'], 'segmentSize') ?? 10_485_760,
    segmentSchedule: text('segmentSchedule') || '0 * * * * *',
    startOnKeyFrame: flag('startOnKeyFrame', true),
    recordData: flag('recordData', true),
    splitOnTcDiscontinuity: flag('splitOnTcDiscontinuity', false),
    moveFirstVideoFrameToZero: flag('moveFirstVideoFrameToZero', true),
    backBufferTime: amount(given['backBufferTime'], 'backBufferTime') ?? 0,
    option: existingOption(text('option')),
  }
}

/** When new files begin. */
export function rotation(settings: RecorderSettings): RecordingRequest['rotate'] {
  switch (settings.segmentationType) {
    case 'None':
      return undefined
    case 'SegmentByDuration':
      return { seconds: settings.segmentDuration / 1000 }
    case 'SegmentBySize':
      return { bytes: Math.round(settings.segmentSize) }
    case 'SegmentBySchedule':
      return { at: settings.segmentSchedule }
  }
}

const OPTION_WORDS = {
  version: 'Version existing file',
  append: 'Append existing file',
  overwrite: 'Overwrite existing file',
} as const satisfies Record<ExistingFile, string>

/** As the interface writes it. */
export function optionWords(option: ExistingFile): string {
  return OPTION_WORDS[option]
}

function existingOption(value: string): ExistingFile {
  const [first = ''] = value.toLowerCase().split(' ')
  return oneOf('option', first, EXISTING_FILES, 'version', Object.values(OPTION_WORDS))
}

function oneOf<const Word extends string>(
  name: string,
  value: string,
  allowed: readonly Word[],
  fallback: Word,
  shown: readonly string[] = allowed,
): Word {
  if (value === '') return fallback
  const found = allowed.find((word) => word.toLowerCase() === value.toLowerCase())
  if (found === undefined) throw new OptionInvalidError(name, value, shown.join(', '))
  return found
}
