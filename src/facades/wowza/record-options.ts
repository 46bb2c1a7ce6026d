import { extname, isAbsolute } from 'node:path'
import type { RecordingRequest } from '#recorder/request.ts'
import { type ApplicationSettings, insideRoot } from './applications.ts'
import type { ExistingFile } from './declaration.ts'
import { OptionInvalidError } from './errors.ts'
import { coreTemplate, DEFAULT_FILE_TEMPLATE, literalText } from './file-template.ts'
import { DEFAULT_INSTANCE, type LiveStream } from './live-stream.ts'
import { type FileFormat, formatOfFile } from './media-name.ts'

/** What somebody wants recorded, whatever language it was said in. rtmp-recording.md §5.2. */
export interface RecordOptions {
  /** Default: by the output's extension, else by the stream's name. */
  readonly format?: FileFormat | undefined
  readonly existing: ExistingFile
  /** Appended media leaves the time between that has passed. */
  readonly keepsGap?: boolean
  /** False: from the next access unit on, decodable or not; else from the last random access point on. */
  readonly startOnKeyFrame?: boolean | undefined
  /** False: without cue points and other data messages. FLV only. */
  readonly recordData?: boolean | undefined
  /** A file to write, absolute or below the root. */
  readonly output?: string | undefined
  /** A folder for the default name, absolute or below the root. */
  readonly outputFolder?: string | undefined
  /** New files begin so; each is named by the template. */
  readonly rotate?: RecordingRequest['rotate']
  /** Default {@link DEFAULT_FILE_TEMPLATE}. */
  readonly fileTemplate?: string
}

/** Label of every recording of this facade's: the application whose settings it follows. */
export const APPLICATION_LABEL = 'application'

const IF_EXISTS = { version: 'rename', overwrite: 'overwrite', append: 'append' } as const satisfies Record<
  ExistingFile,
  RecordingRequest['ifExists']
>

/** Where a recording goes: a root (undefined: the first), a path below it without extension, and the extension. */
export interface FilePlace {
  readonly root: string | undefined
  readonly path: string
  readonly extension: string
}

/** What decides about files besides the request. */
export interface FileRules {
  readonly roots: readonly string[]
  readonly mp4Extension: '.mp4' | '.f4v'
  readonly application: ApplicationSettings
}

/**
 * The core's request for what is wanted.
 * @throws {OptionInvalidError} the output lies outside the roots
 */
export function toRequest(stream: LiveStream, options: RecordOptions, rules: FileRules): RecordingRequest {
  const format = options.format ?? formatOfFile(options.output ?? '') ?? stream.media.format
  const { root, path, extension } = filePlace(stream, { ...options, format }, rules)
  const { maxDurationSeconds } = rules.application
  return {
    stream: stream.path,
    format,
    ...(options.rotate === undefined ? { path } : { name: segmentName(stream, path, options.fileTemplate) }),
    extension,
    ...(root !== undefined && { root }),
    ifExists: IF_EXISTS[options.existing],
    appendGap: options.keepsGap === true ? 'keep' : 'close',
    startOn: options.startOnKeyFrame === false ? 'now' : 'keyframe',
    data: options.recordData !== false,
    ...(options.rotate !== undefined && { rotate: options.rotate }),
    ...(maxDurationSeconds > 0 && { maxSeconds: maxDurationSeconds }),
    // A recorder ends with its stream; the one that comes back is recorded by whoever asks again.
    reconnectSeconds: 0,
    metadata: {
      [APPLICATION_LABEL]: stream.app,
      instance: stream.instance || DEFAULT_INSTANCE,
      streamName: stream.name,
    },
  }
}

/** A name template for many files where `path` would be one. */
function segmentName({ media }: LiveStream, path: string, fileTemplate = DEFAULT_FILE_TEMPLATE): string {
  const folders = path.split('/')
  const baseFile = folders.pop() ?? ''
  return [...folders.map(literalText), coreTemplate(fileTemplate, { baseFile, stream: media.base })].join('/')
}

/** @throws {OptionInvalidError} */
export function filePlace(
  stream: LiveStream,
  options: Pick<RecordOptions, 'output' | 'outputFolder'> & { readonly format: FileFormat },
  { roots, mp4Extension, application }: FileRules,
): FilePlace {
  const { media } = stream
  const own = media.format === options.format ? media.extension : ''
  const usual = own || defaultExtension(media.prefix === 'f4v' ? '.f4v' : mp4Extension, options.format)
  if (options.output !== undefined && options.output !== '') {
    const { root, path } = belowRoot('output', options.output, roots)
    const given = extname(path)
    const isExtension = /^\.[A-Za-z0-9]{1,8}$/.test(given)
    return {
      root,
      path: isExtension ? path.slice(0, -given.length) : path,
      extension: isExtension ? given : usual,
    }
  }
  if (options.outputFolder !== undefined && options.outputFolder !== '') {
    const { root, path } = belowRoot('outputPath', options.outputFolder, roots)
    return { root, path: joined(path, media.base), extension: usual }
  }
  const folder = application.folder
    .replaceAll('{app}', stream.app)
    .replaceAll('{instance}', stream.instance || DEFAULT_INSTANCE)
  return { root: application.root, path: joined(folder, media.base), extension: usual }
}

function defaultExtension(mp4Extension: string, format: FileFormat): string {
  return format === 'flv' ? '.flv' : mp4Extension
}

/** A path of a stranger, confined: relative to the first root, or absolute within an allowed one. */
function belowRoot(option: string, path: string, roots: readonly string[]): { root: string | undefined; path: string } {
  const forward = path.replaceAll('\\', '/')
  const leaves = forward.split('/').includes('..') || forward.includes('\0')
  const inside = isAbsolute(forward) ? insideRoot(forward, roots) : { root: undefined, path: forward }
  if (leaves || inside === undefined) {
    throw new OptionInvalidError(option, path, 'a path below the recording root, without ".."')
  }
  return inside
}

function joined(folder: string, name: string): string {
  return [...folder.split('/'), name].filter((part) => part !== '' && part !== '.').join('/')
}
