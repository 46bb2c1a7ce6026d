import type { RecordingRequest } from '#recorder/request.ts'
import { EXISTING_FILES, type ExistingFile } from './declaration.ts'
import { OptionInvalidError } from './errors.ts'
import { amount, existingFile, fileFormat, truth, words } from './option-values.ts'
import type { RecordOptions } from './record-options.ts'

/** What the page can be asked to do. */
export type PageAction = 'startRecording' | 'stopRecording' | 'splitRecordingNow'

/** A request of the livestreamrecord interface. */
export interface PageRequest {
  /** Undefined: the form page. */
  readonly action: PageAction | undefined
  /** `APP[/INSTANCE]`. */
  readonly application: string
  readonly streamName: string
  readonly options: RecordOptions
}

const ACTIONS: Readonly<Record<string, PageAction>> = {
  startrecording: 'startRecording',
  startrecordingsegmentbyduration: 'startRecording',
  startrecordingsegmentbysize: 'startRecording',
  startrecordingsegmentbyschedule: 'startRecording',
  stoprecording: 'stopRecording',
  splitrecording: 'splitRecordingNow',
  splitrecordingnow: 'splitRecordingNow',
}

/**
 * Reads a query of either spelling, names in any case of letters: 2.x (`append`, `version`, `output`) and 3.5 (`option`,
 * `outputPath`, `outputFile`, `segment…`). rtmp-recording.md §5.3.
 * @throws {OptionInvalidError}
 */
export function readPageRequest(query: string): PageRequest {
  const given = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) given.set(name.toLowerCase(), value)
  const word = given.get('action') ?? ''
  const action = ACTIONS[word.toLowerCase()]
  if (word !== '' && action === undefined) {
    throw new OptionInvalidError('action', word, 'startRecording, stopRecording or splitRecordingNow')
  }
  return {
    action,
    application: given.get('app') ?? '',
    streamName: given.get('streamname') ?? '',
    options: readOptions((name) => given.get(name.toLowerCase())),
  }
}

function readOptions(value: (name: string) => string | undefined): RecordOptions {
  const folder = words(value('outputPath'), 'outputPath')
  const file = words(value('outputFile'), 'outputFile')
  const output = words(value('output'), 'output')
  return {
    format: fileFormat(value('format')),
    existing:
      optionWord(value('option')) ?? existingFile(truth(value('append'), 'append'), truth(value('version'), 'version')),
    startOnKeyFrame: truth(value('startOnKeyFrame'), 'startOnKeyFrame'),
    recordData: truth(value('recordData'), 'recordData'),
    output: output ?? (file === undefined ? undefined : [folder, file].filter((part) => part !== undefined).join('/')),
    ...(file === undefined && { outputFolder: folder }),
    rotate: readSegments(value),
  }
}

function optionWord(value: string | undefined): ExistingFile | undefined {
  if (value === undefined || value === '') return undefined
  // The REST interface's "Version existing file" is understood as well.
  const [first = ''] = value.toLowerCase().split(' ')
  const found = EXISTING_FILES.find((word) => word === first)
  if (found === undefined) throw new OptionInvalidError('option', value, 'version, append or overwrite')
  return found
}

function readSegments(value: (name: string) => string | undefined): RecordingRequest['rotate'] {
  const seconds = amount(value('segmentDuration'), 'segmentDuration')
  const megabytes = amount(value('segmentSize'), 'segmentSize')
  const at = words(value('segmentSchedule'), 'segmentSchedule')
  if (seconds === undefined && megabytes === undefined && at === undefined) return undefined
  return {
    ...(seconds !== undefined && { seconds }),
    ...(megabytes !== undefined && { bytes: Math.round(megabytes * 1024 * 1024) }),
    ...(at !== undefined && { at }),
  }
}
