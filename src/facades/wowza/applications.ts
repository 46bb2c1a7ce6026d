import { isAbsolute, relative } from 'node:path'
import { compilePathPattern } from '#hub/path-pattern.ts'
import type { ExistingFile, RECORD_MODES, WowzaSettings } from './declaration.ts'
import { FolderOutsideRootsError } from './errors.ts'

/** How one application records. */
export interface ApplicationSettings {
  readonly recordMode: (typeof RECORD_MODES)[number]
  /** Below the root; {app} and {instance} stand for those of the stream. */
  readonly folder: string
  /** Undefined: the first root. */
  readonly root: string | undefined
  readonly existing: ExistingFile
  /** 0: no limit. */
  readonly maxDurationSeconds: number
  readonly maxSizeBytes: number
}

/** Settings of applications by name. @throws {FolderOutsideRootsError} a folder lies in no recording root */
export function applicationSettings(
  settings: WowzaSettings,
  roots: readonly string[],
): (app: string) => ApplicationSettings {
  const { recordMode, existing } = settings
  const general = { recordMode, existing, maxDurationSeconds: 0, maxSizeBytes: 0, ...place(settings.folder, roots) }
  const special = settings.applications.map((application) => ({
    pattern: compilePathPattern(application.name),
    values: {
      recordMode: application.recordMode ?? recordMode,
      existing: application.existing ?? existing,
      maxDurationSeconds: application.maxDurationSeconds,
      maxSizeBytes: application.maxSizeBytes,
      ...place(application.folder ?? settings.folder, roots),
    },
  }))
  return (app) => special.find(({ pattern }) => pattern.matches(app))?.values ?? general
}

function place(folder: string, roots: readonly string[]): Pick<ApplicationSettings, 'root' | 'folder'> {
  if (!isAbsolute(folder)) return { root: undefined, folder }
  const inside = insideRoot(folder, roots)
  if (inside === undefined) throw new FolderOutsideRootsError(folder, roots)
  return { root: inside.root, folder: inside.path }
}

/** Which root an absolute path lies in, and where; the longest counts. Symbolic links are judged when a file is made. */
export function insideRoot(
  absolutePath: string,
  roots: readonly string[],
): { readonly root: string; readonly path: string } | undefined {
  const [best] = roots
    .map((root) => ({ root, path: relative(root, absolutePath) }))
    .filter(({ path }) => path.split('/')[0] !== '..' && !isAbsolute(path))
    .sort((a, b) => b.root.length - a.root.length)
  return best
}
