import { EvoCommandError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import type { Value } from './values.ts'

/** Containers by the names of `type`. */
export const RECORD_TYPES = ['mp4', 'flv', 'ts'] as const
/** One of {@link RECORD_TYPES}. */
export type RecordType = (typeof RECORD_TYPES)[number]

/** What `record` was asked for, with its defaults. */
export interface RecordSettings {
  readonly localStreamName: string
  /** As given. */
  readonly pathToFile: string
  readonly type: RecordType
  readonly overwrite: boolean
  readonly keepAlive: boolean
  /** Seconds; 0: one file. */
  readonly chunkLength: number
  /** As reported. */
  readonly waitForIDR: boolean
  /** The caller said so himself: only then may a file begin with a picture that can't be decoded alone. */
  readonly cutsAnywhere: boolean
  readonly winQtCompat: boolean
  /** As reported; `preset=1` makes dated folders without saying so. */
  readonly dateFolderStructure: boolean
  readonly preset: number
  readonly hasAudio: boolean
  /** The caller's own, which begin with `_`. */
  readonly variables: Readonly<Record<string, Value>>
}

/** Defaults that vendor documentation and vendor program disagree on. */
export interface RecordDefaults {
  readonly waitForIDR: boolean
  readonly winQtCompat: boolean
}

const MAX_PRESET = 99_999
const MAX_CHUNK_SECONDS = 999_999

/** `preset=1`: what the vendor's recorder plugin wants. */
const PRESET_CHUNK_SECONDS = 1800

/**
 * Checks the parameters of `record` in the vendor's order; the first bad one is reported.
 * @throws {EvoCommandError} with the vendor's text
 */
export function readRecordSettings(parameters: Parameters, defaults: RecordDefaults): RecordSettings {
  if (parameters.size === 0) throw new EvoCommandError('Syntax error. No parameters provided')
  const localStreamName = parameters.requiredText('localStreamName')
  const pathToFile = parameters.requiredText('pathToFile')
  const preset = parameters.integer('preset', 0, 0, MAX_PRESET)
  const type = recordType(parameters.text('type'))
  const chunkLength = parameters.integer('chunkLength', 0, 0, MAX_CHUNK_SECONDS)
  const waitForIDR = parameters.flag('waitForIDR')
  const settings: RecordSettings = {
    localStreamName,
    pathToFile,
    type,
    overwrite: parameters.flag('overwrite') ?? false,
    keepAlive: parameters.flag('keepAlive') ?? true,
    chunkLength,
    waitForIDR: waitForIDR ?? defaults.waitForIDR,
    cutsAnywhere: waitForIDR === false,
    winQtCompat: parameters.flag('winQtCompat') ?? defaults.winQtCompat,
    dateFolderStructure: parameters.flag('dateFolderStructure') ?? false,
    preset,
    hasAudio: parameters.flag('hasAudio') ?? true,
    variables: parameters.variables(),
  }
  if (preset !== 1) return settings
  return { ...settings, type: 'mp4', chunkLength: PRESET_CHUNK_SECONDS, waitForIDR: true, cutsAnywhere: false }
}

/** Whether files go to folders by date. */
export function usesDateFolders({ dateFolderStructure, preset }: RecordSettings): boolean {
  return dateFolderStructure || preset === 1
}

function recordType(text = 'mp4'): RecordType {
  const type = RECORD_TYPES.find((each) => each === text.toLowerCase())
  if (type === undefined) throw new EvoCommandError('Syntax error for type parameter. Type help for details')
  return type
}

/** Members of the answer that say what was asked for; computedPathToFile, configId and mp4BinPath come on top. */
export function settingsValue(settings: RecordSettings): { readonly [name: string]: Value } {
  const { chunkLength, dateFolderStructure, hasAudio, keepAlive, localStreamName, overwrite } = settings
  const { pathToFile, preset, type, waitForIDR, winQtCompat, variables } = settings
  return {
    ...variables,
    chunkLength,
    dateFolderStructure,
    hasAudio,
    keepAlive,
    localStreamName,
    operationType: 7,
    overwrite,
    pathToFile,
    preset,
    type,
    waitForIDR,
    winQtCompat,
  }
}
