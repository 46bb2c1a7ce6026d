import { StreamPathError } from '#hub/stream-path.ts'

/** Formats this facade writes. */
export type FileFormat = 'mp4' | 'flv'

/** A stream name with everything it says about its file. rtmp-recording.md §2. */
export interface MediaName {
  /** Empty: none was given. */
  readonly prefix: '' | 'mp4' | 'f4v' | 'flv'
  /** Without prefix, query and extension; with forward slashes. */
  readonly base: string
  /** As written, with its dot; empty when there is none that belongs to the format. */
  readonly extension: string
  readonly format: FileFormat
}

const FORMATS = { mp4: 'mp4', f4v: 'mp4', flv: 'flv', '': 'flv' } as const satisfies Record<
  MediaName['prefix'],
  FileFormat
>

/** Extensions of each format; others are part of the name. */
const EXTENSIONS: Readonly<Record<FileFormat, RegExp>> = { mp4: /\.(mp4|f4v|m4v|mov)$/i, flv: /\.flv$/i }

/**
 * Reads `mp4:a/b.mp4?token=1`. Prefixes in any case of letters; a name without one says its format by its extension.
 * @throws {StreamPathError} nothing is named, an absolute path, or a prefix of things that are only played
 */
export function parseMediaName(sent: string): MediaName {
  const [withPrefix = ''] = sent.split('?')
  const groups = /^(?:(?<prefix>mp4|f4v|flv|mp3|id3|raw):)?(?<name>.*)$/is.exec(withPrefix)?.groups
  const prefix = (groups?.['prefix'] ?? '').toLowerCase()
  const name = groups?.['name'] ?? ''
  if (!isRecordable(prefix)) throw new StreamPathError(sent, `has the prefix ${prefix}:, which is for playing files`)
  if (name.startsWith('/')) throw new StreamPathError(sent, 'begins with a slash')
  const format = prefix === '' && EXTENSIONS.mp4.test(name) ? 'mp4' : FORMATS[prefix]
  const extension = EXTENSIONS[format].exec(name)?.[0] ?? ''
  const base = name.slice(0, name.length - extension.length).replace(/\/+$/, '')
  if (base === '') throw new StreamPathError(sent, 'names no stream')
  return { prefix, base, extension, format }
}

/** What the name of a file says about its format; undefined: nothing. */
export function formatOfFile(fileName: string): FileFormat | undefined {
  if (EXTENSIONS.mp4.test(fileName)) return 'mp4'
  return EXTENSIONS.flv.test(fileName) ? 'flv' : undefined
}

function isRecordable(prefix: string): prefix is MediaName['prefix'] {
  return Object.hasOwn(FORMATS, prefix)
}
