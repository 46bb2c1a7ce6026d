import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { safeComponent } from '#recorder/safe-name.ts'
import { resolveInRoot } from '#storage/confine.ts'
import { EvoCommandError, UNABLE_TO_RECORD } from './errors.ts'
import type { RecordType } from './record-settings.ts'

/** Where commands may write, and where their relative paths begin. */
export interface Folders {
  /** Absolute. */
  readonly roots: readonly string[]
  /** Absolute; it need not exist, nor lie in a root. */
  readonly workingDirectory: string
}

/** Where a recording's files go. */
export interface Place {
  /** The allowed root. */
  readonly root: string
  /** Relative to the root, with forward slashes, without extension, as the file system gets it. */
  readonly stem: string
  /** With its dot: the caller's, or that of the type. */
  readonly extension: string
  /** Folder as the caller spelled it, with a slash at the end (empty for none). */
  readonly spelledFolder: string
  /** Folder the caller's spelling stands for, absolute. */
  readonly folder: string
}

const KNOWN_EXTENSION = /\.(?:mp4|flv|ts)$/i

/** Of a path in the metadata of a rule. */
const MAX_PATH_CHARACTERS = 1024

/**
 * Confines a caller's path, absolute or relative, to the recording roots, symbolic links included. With `isFolder` the
 * whole path is a folder, and the stem is its place.
 * @throws {EvoCommandError}
 */
export async function findPlace(
  pathToFile: string,
  type: RecordType,
  folders: Folders,
  isFolder: boolean,
): Promise<Place> {
  const named = isFolder ? pathToFile.replace(/(?<=.)\/+$/, '') : pathToFile
  const hasName = isFolder || !/(?:^|\/)\.{0,2}$/.test(named)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!hasName || named.length > MAX_PATH_CHARACTERS || /[\u0000-\u001f\u007f]/.test(named)) throw refused()
  const absolute = isAbsolute(named) ? resolve(named) : resolve(folders.workingDirectory, named)
  const root = longest(folders.roots.filter((each) => absolute === each || absolute.startsWith(withSlash(each))))
  if (root === undefined || (!isFolder && absolute === root)) throw refused()
  const path = relative(root, absolute).split(sep).join('/')
  try {
    if (path !== '') await resolveInRoot(root, path)
  } catch (error) {
    throw refused(error)
  }
  const [given] = isFolder ? [] : (KNOWN_EXTENSION.exec(path) ?? [])
  const stem = path.slice(0, path.length - (given?.length ?? 0))
  if (!isFolder && /(?:^|\/)$/.test(stem)) throw refused()
  return {
    root,
    stem: stem.split('/').map(safeComponent).join('/'),
    extension: given ?? `.${type}`,
    spelledFolder: isFolder ? `${named}/` : named.slice(0, named.lastIndexOf('/') + 1),
    folder: isFolder ? absolute : dirname(absolute),
  }
}

/** The absolute path of a file as the caller would spell it: below his own folder, where it lies there. */
export function spelled(path: string, { folder, spelledFolder }: Pick<Place, 'folder' | 'spelledFolder'>): string {
  const start = withSlash(folder)
  return path.startsWith(start) ? spelledFolder + path.slice(start.length) : path
}

function refused(cause?: unknown): EvoCommandError {
  return new EvoCommandError(UNABLE_TO_RECORD, cause ?? 'the path is in no recording root, or names no file')
}

function longest(texts: readonly string[]): string | undefined {
  return texts.toSorted((a, b) => b.length - a.length)[0]
}

function withSlash(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep
}
