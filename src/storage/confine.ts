import { lstat, mkdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { OutsideRootError, storageErrorFrom, systemCode } from './errors.ts'
import { syncDirectory } from './sync-directory.ts'

/**
 * The absolute path of `relativePath` below `root`, whether or not it exists. Symbolic links are followed: where they
 * lead must lie in the root as well.
 * @throws {OutsideRootError}
 */
export async function resolveInRoot(root: string, relativePath: string): Promise<string> {
  refuseEscapes(root, relativePath)
  const path = resolve(root, relativePath)
  const realRoot = await deepestRealPath(resolve(root))
  const realPath = await deepestRealPath(path)
  if (!isWithin(realRoot, realPath)) throw new OutsideRootError(root, relativePath)
  return path
}

/** Makes the folder of a part and everything missing above it, synced, so that a power cut can't take the folders away. */
export async function makeFolder(root: string, folder: string): Promise<void> {
  const missing: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    try {
      await mkdir(at)
      missing.push(at)
      break
    } catch (error) {
      const code = systemCode(error)
      if (code === 'EEXIST') break
      if (code !== 'ENOENT' || dirname(at) === at) throw storageErrorFrom(error, at)
      missing.push(at)
    }
  }
  for (const made of missing.reverse()) {
    try {
      await mkdir(made, { recursive: true })
    } catch (error) {
      throw storageErrorFrom(error, made)
    }
    await syncDirectory(dirname(made))
  }
  // A link may have been put in the way since resolveInRoot() looked.
  if (!isWithin(await deepestRealPath(resolve(root)), await deepestRealPath(folder)))
    throw new OutsideRootError(root, folder)
}

function refuseEscapes(root: string, relativePath: string): void {
  const escapes =
    relativePath === '' ||
    relativePath.startsWith('/') ||
    relativePath.includes('\0') ||
    relativePath.split('/').some((component) => component === '' || component === '.' || component === '..')
  if (escapes) throw new OutsideRootError(root, relativePath)
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

/** Real path of the deepest existing ancestor, with the missing rest appended. */
async function deepestRealPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw storageErrorFrom(error, path)
  }
  // A dangling link is not "missing": creating through it would land wherever it points.
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  )
  if (isLink) throw new OutsideRootError(dirname(path), path)
  const parent = await deepestRealPath(dirname(path))
  return join(parent, path.slice(dirname(path).length))
}
