import type { Control } from '#control/control.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { OptionInvalidError, RecorderExistsError, RecorderUnknownError, RecordingNotPermittedError } from './errors.ts'
import { DEFAULT_INSTANCE, type LiveStream } from './live-stream.ts'
import { formatOfFile } from './media-name.ts'
import { type FileRules, type RecordOptions, toRequest } from './record-options.ts'
import { type RecorderSettings, readRecorderSettings, rotation, SETTING_NAMES } from './recorder-settings.ts'
import type { Recorders } from './recorders.ts'

/** Labels by which this interface knows its own rules; settings follow, each under its name. */
const LABEL = { name: 'wowza.recorderName', application: 'wowza.application', instance: 'wowza.instance' } as const
const SETTING_LABEL = 'wowza.'

/** A recorder as this interface shows it: of its own making, or started by a call or a page. */
export interface StreamRecorder {
  readonly name: string
  readonly application: string
  readonly instance: string
  readonly path: string
  readonly settings: RecorderSettings
  /** What it records now. */
  readonly recording: RecordingDocument | undefined
}

export interface StreamRecordersOptions {
  readonly control: Pick<Control, 'recorder'>
  readonly recorders: Recorders
  readonly rules: (app: string) => FileRules
}

/**
 * Recorders that may be there before their streams. Each is a rule of the core's that records besides whatever others do;
 * so they outlive a restart, and record again when a stream returns.
 */
export class StreamRecorders {
  readonly #options: StreamRecordersOptions

  constructor(options: StreamRecordersOptions) {
    this.#options = options
  }

  list(application: string, instance: string): readonly StreamRecorder[] {
    const ownInstance = instance === DEFAULT_INSTANCE ? '' : instance
    const isHere = (recorder: StreamRecorder) => {
      return recorder.application === application && recorder.instance === ownInstance
    }
    return [...this.#ofRules(), ...this.#ofCallers()].filter(isHere)
  }

  /** @throws {RecorderUnknownError} */
  get(stream: LiveStream): StreamRecorder {
    const found = [...this.#ofRules(), ...this.#ofCallers()].find(({ path }) => path === stream.path)
    if (found === undefined) throw new RecorderUnknownError(stream.name)
    return found
  }

  /**
   * Resolves when it will survive a restart.
   * @throws {RecorderExistsError | OptionInvalidError | RecordingNotPermittedError | TapedeckError}
   */
  async create(stream: LiveStream, settings: RecorderSettings): Promise<void> {
    const { control, recorders, rules } = this.#options
    if (this.#ruleOf(stream.path) !== undefined || recorders.of(stream.path) !== undefined) {
      throw new RecorderExistsError(stream.name)
    }
    const fileRules = rules(stream.app)
    if (fileRules.application.recordMode === 'none') throw new RecordingNotPermittedError(stream.app)
    // A rule's pattern, not a path: a star would mean other streams as well.
    if (stream.path.includes('*')) throw new OptionInvalidError('recorderName', stream.name, 'a name without "*"')
    const metadata: Record<string, string> = {
      [LABEL.name]: stream.name,
      [LABEL.application]: stream.app,
      [LABEL.instance]: stream.instance,
    }
    for (const name of SETTING_NAMES) metadata[SETTING_LABEL + name] = String(settings[name] ?? '')
    const request = ruleRequest(stream, settings, fileRules)
    await control.recorder.addRule({ ...NEW_RULE, match: stream.path, request, additional: true, metadata })
  }

  /** Ends the recording and the recorder; resolves when the file is final. @throws {RecorderUnknownError} */
  async stop(stream: LiveStream): Promise<void> {
    const { control, recorders } = this.#options
    const rule = this.#ruleOf(stream.path)
    if (rule !== undefined) {
      await control.recorder.removeRule(rule.id, { stop: true })
      return
    }
    if ((await recorders.stop(stream.path)) === undefined) throw new RecorderUnknownError(stream.name)
  }

  /** @throws {RecorderUnknownError} @throws {RecordingNotRunningError} it waits for its stream */
  async split(stream: LiveStream): Promise<void> {
    const { recording } = this.get(stream)
    if (recording === undefined) {
      throw new OptionInvalidError('splitRecording', stream.name, 'the name of a recorder whose stream is there')
    }
    await this.#options.control.recorder.split(recording.id)
  }

  #ruleOf(path: string): RuleRow | undefined {
    return this.#options.control.recorder.rules().find(({ match, metadata }) => {
      return match === path && metadata[LABEL.name] !== undefined
    })
  }

  *#ofRules(): Generator<StreamRecorder> {
    const { recorder } = this.#options.control
    for (const { id, match, metadata } of recorder.rules()) {
      const name = metadata[LABEL.name]
      if (name === undefined) continue
      yield {
        name,
        application: metadata[LABEL.application] ?? '',
        instance: metadata[LABEL.instance] ?? '',
        path: match,
        settings: settingsOf(metadata),
        recording: recorder.active(match).find(({ rule }) => rule === id),
      }
    }
  }

  *#ofCallers(): Generator<StreamRecorder> {
    const { control, recorders } = this.#options
    for (const { stream, options, recordingId } of recorders.list()) {
      const { existing, format, output, outputFolder, startOnKeyFrame, recordData, rotate } = options
      yield {
        name: stream.name,
        application: stream.app,
        instance: stream.instance,
        path: stream.path,
        settings: {
          ...DEFAULT_SETTINGS,
          ...segmentation(rotate),
          option: existing,
          fileFormat: format,
          baseFile: output ?? '',
          outputPath: outputFolder ?? '',
          startOnKeyFrame: startOnKeyFrame ?? true,
          recordData: recordData ?? true,
        },
        recording: control.recorder.active(stream.path).find(({ id }) => id === recordingId),
      }
    }
  }
}

const DEFAULT_SETTINGS = readRecorderSettings({})

/** From the labels of a rule; what somebody else wrote into them counts for nothing. */
function settingsOf(metadata: RuleRow['metadata']): RecorderSettings {
  const given = Object.fromEntries(SETTING_NAMES.map((setting) => [setting, metadata[SETTING_LABEL + setting]]))
  try {
    return readRecorderSettings(given)
  } catch {
    return DEFAULT_SETTINGS
  }
}

function segmentation(rotate: RecordOptions['rotate']): Partial<RecorderSettings> {
  if (rotate?.seconds !== undefined) {
    return { segmentationType: 'SegmentByDuration', segmentDuration: rotate.seconds * 1000 }
  }
  if (rotate?.bytes !== undefined) return { segmentationType: 'SegmentBySize', segmentSize: rotate.bytes }
  return rotate?.at === undefined ? {} : { segmentationType: 'SegmentBySchedule', segmentSchedule: rotate.at }
}

/** What the rule asks of the core. @throws {OptionInvalidError} */
export function ruleRequest(
  stream: LiveStream,
  settings: RecorderSettings,
  rules: FileRules,
): Readonly<Record<string, unknown>> {
  const { baseFile, outputPath } = settings
  const output = baseFile === '' ? undefined : [outputPath, baseFile].filter((part) => part !== '').join('/')
  // A file without a folder lies where the application's files lie.
  const isPlaced = outputPath !== '' || baseFile.startsWith('/')
  const named: LiveStream = isPlaced || baseFile === '' ? stream : { ...stream, media: baseMedia(stream, baseFile) }
  const { stream: _stream, ...request } = toRequest(
    named,
    {
      format: settings.fileFormat,
      existing: settings.option,
      startOnKeyFrame: settings.startOnKeyFrame,
      recordData: settings.recordData,
      ...(isPlaced && (output === undefined ? { outputFolder: outputPath } : { output })),
      rotate: rotation(settings),
      fileTemplate: settings.fileTemplate,
    },
    rules,
  )
  const { backBufferTime } = settings
  return { ...request, ...(backBufferTime > 0 && { preRollSeconds: backBufferTime / 1000 }) }
}

/** The stream's name for files only. */
function baseMedia({ media }: LiveStream, baseFile: string): LiveStream['media'] {
  const format = formatOfFile(baseFile) ?? media.format
  const [, base = '', extension = ''] = /^(.*?)(\.[A-Za-z0-9]{1,8})?$/s.exec(baseFile) ?? []
  return { ...media, base, extension, format }
}
