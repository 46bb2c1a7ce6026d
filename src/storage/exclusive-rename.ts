import { link, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, resolveInRoot } from './confine.ts'
import { storageErrorFrom, systemCode } from './errors.ts'
import { syncDirectory } from './sync-directory.ts'

/** What link(2) says where there are no hard links (FAT, some network and FUSE file systems). */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'])

/**
 * Renames a file without ever replacing another: false when `to` is taken. Where the file system has hard links there is
 * no moment at which `to` is anything but the file; elsewhere it is an empty file first, which nobody else can have. After
 * a crash in between, calling it again completes it. The caller syncs the folders.
 * @throws {StorageError} subclasses
 */
export async function renameExclusively(from: string, to: string): Promise<boolean> {
  try {
    return await renameByLink(from, to)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw storageErrorFrom(error, from)
  }
  try {
    return await renameOverPlaceholder(from, to)
  } catch (error) {
    throw storageErrorFrom(error, from)
  }
}

/** Whether two names lead to the same file. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  try {
    const [first, second] = await Promise.all([stat(one), stat(other)])
    return first.ino === second.ino && first.dev === second.dev
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw storageErrorFrom(error, one)
  }
}

async function renameByLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    if (!(await isSameFile(from, to))) return false
  }
  await unlink(from)
  return true
}

/** For file systems without hard links. Throws what the system says. */
export async function renameOverPlaceholder(from: string, to: string): Promise<boolean> {
  try {
    await (await open(to, 'wx')).close()
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
  try {
    await rename(from, to)
  } catch (error) {
    await unlink(to)
    throw error
  }
  return true
}

/**
 * Gives a file another name below a root, with its folders, synced. The new absolute path; undefined when it is taken.
 * @param path absolute
 * @throws {OutsideRootError} @throws {StorageError} subclasses
 */
export async function moveInRoot(root: string, path: string, relativePath: string): Promise<string | undefined> {
  const to = await resolveInRoot(root, relativePath)
  if (to === path) return to
  await makeFolder(root, dirname(to))
  if (!(await renameExclusively(path, to))) return undefined
  await syncDirectory(dirname(to))
  if (dirname(to) !== dirname(path)) await syncDirectory(dirname(path))
  return to
}
