import { close, constants, open as openCallback } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Birth, Births } from './births.ts'
import { makeFolder, resolveInRoot } from './confine.ts'
import { DiskPart } from './disk-part.ts'
import { NameTakenError, StorageVanishedError, storageErrorFrom, systemCode } from './errors.ts'
import type { PartFile } from './part-file.ts'
import { formatPartName, parsePartName, replacedName, replacingName } from './part-name.ts'
import { syncDirectory } from './sync-directory.ts'

const openDescriptor = promisify(openCallback)
const closeDescriptor = promisify(close)
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants

/** The names a part may have when the one that is wanted is taken. All in one folder. */
export interface NameVersions {
  /** Relative path of a version, 1 being the name that is wanted. */
  path(version: number): string
  /** The version a path in that folder is, undefined when it is none of them. */
  read(path: string): number | undefined
  /** Other paths that make a version taken (a part of a recording of the same name). */
  alsoTakenBy?(version: number): readonly string[]
  /**
   * `afterHighest`: numbers of deleted recordings aren't used again, so that numbers tell the order. `lowestFree`: the
   * first gap.
   */
  readonly next: 'afterHighest' | 'lowestFree'
  readonly maxVersion: number
  /** Taken though no file shows it: a recording in progress will need the name. */
  isReserved?(path: string): boolean
}

export interface CreatePartOptions {
  /**
   * The name is taken: `version` takes another; `overwrite` writes to a hidden file beside it, which commit() moves over
   * the old one; `fail` throws.
   */
  readonly ifExists: 'version' | 'overwrite' | 'fail'
  /** Default: `x_v2.mp4`, `x_v3.mp4` … after the highest in use. */
  readonly versions?: NameVersions
  /** Notes the file before it is made. Default: a kill may leave an empty file that nobody knows. */
  readonly births?: Births | undefined
}

/** `x_v2.mp4`, `x_v3.mp4` … of a path. */
export function plainVersions(relativePath: string): NameVersions {
  const wanted = parsePartName(relativePath)
  return {
    path: (version) =>
      version === 1 ? relativePath : formatPartName({ ...wanted, version: wanted.version + version - 1 }),
    read: (path) => {
      if (path === relativePath) return 1
      const { version, ...other } = parsePartName(path)
      const isSame = formatPartName({ ...other, version: wanted.version }) === relativePath
      return isSame && version > wanted.version ? version - wanted.version + 1 : undefined
    },
    next: 'afterHighest',
    maxVersion: Number.POSITIVE_INFINITY,
  }
}

/**
 * Creates a part below a root, with its folders, exclusively: no other writer, here or on another node, gets the same
 * name. Look at the result's `relativePath` for the name it got.
 * @throws {OutsideRootError} @throws {NameTakenError} @throws {StorageError} subclasses
 */
export async function createPartFile(
  root: string,
  relativePath: string,
  options: CreatePartOptions,
): Promise<PartFile> {
  const path = await resolveInRoot(root, relativePath)
  await makeFolder(root, dirname(path))
  const within = relativePath.slice(0, relativePath.length - basename(path).length)
  const place = { folder: dirname(path), within, note: (name: string) => options.births?.note(root, within + name) }
  const attempt = await claimName(place, relativePath, options).catch(async (error: unknown) => {
    if (!(error instanceof StorageVanishedError)) throw error
    // Retention removes folders that became empty, perhaps this one between the two calls.
    await makeFolder(root, dirname(path))
    return claimName(place, relativePath, options)
  })
  const created = resolve(dirname(path), attempt.fileName)
  try {
    await syncDirectory(dirname(path))
  } catch (error) {
    await closeDescriptor(attempt.descriptor)
    throw error
  }
  return new DiskPart({
    descriptor: attempt.descriptor,
    path: created,
    relativePath: place.within + attempt.fileName,
    sizeBytes: 0,
    replaces: options.ifExists === 'overwrite' ? replacedName(attempt.fileName) : undefined,
    birth: attempt.birth,
  })
}

/**
 * Opens the existing part of a root for appending; undefined when there is none (then createPartFile).
 * @throws {OutsideRootError} @throws {StorageError} subclasses
 */
export async function openPartForAppend(root: string, relativePath: string): Promise<PartFile | undefined> {
  const path = await resolveInRoot(root, relativePath)
  try {
    return await openExisting(path, relativePath, O_RDWR)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw storageErrorFrom(error, path)
  }
}

/** Where parts are made and found again. Tests put a disk that misbehaves in its place. */
export interface PartFiles {
  readonly create: typeof createPartFile
  readonly openForAppend: typeof openPartForAppend
}

/** The file system. */
export const DISK: PartFiles = { create: createPartFile, openForAppend: openPartForAppend }

/**
 * Opens an existing file for repair or append. When it is one that was to replace another (see part-name.ts), commit()
 * moves it over that file.
 * @throws {StorageError} subclasses
 */
export function openPartFile(path: string): Promise<PartFile> {
  return openExisting(path, basename(path), O_RDWR).catch((error: unknown) => {
    throw storageErrorFrom(error, path)
  })
}

/** Opens an existing file for reading only, for inspection. Its apply, truncate and sync fail. */
export function openPartForReading(path: string): Promise<PartFile> {
  return openExisting(path, basename(path), O_RDONLY).catch((error: unknown) => {
    throw storageErrorFrom(error, path)
  })
}

async function openExisting(path: string, relativePath: string, flags: number): Promise<PartFile> {
  const { size } = await stat(path)
  const descriptor = await openDescriptor(path, flags)
  return new DiskPart({ descriptor, path, relativePath, sizeBytes: size, replaces: replacedName(basename(path)) })
}

interface Claim {
  readonly descriptor: number
  readonly fileName: string
  readonly birth: Birth | undefined
}

interface Folder {
  /** Absolute. */
  readonly folder: string
  /** Relative to the root, with its trailing slash; empty for the root itself. */
  readonly within: string
  /** Call before a file of this name is made. */
  readonly note: (fileName: string) => Promise<Birth> | undefined
}

async function claimName(place: Folder, wanted: string, options: CreatePartOptions): Promise<Claim> {
  const versions = options.versions ?? plainVersions(wanted)
  const { folder, within } = place
  const fileName = wanted.slice(within.length)
  if (options.ifExists === 'overwrite') {
    const free = await tryCreate(place, fileName)
    if (free !== undefined) return free
    for (let attempt = 1; ; attempt++) {
      const claim = await tryCreate(place, replacingName(fileName, attempt))
      if (claim !== undefined) return claim
    }
  }
  const isFree = async (version: number) => {
    if (versions.isReserved?.(versions.path(version)) === true) return false
    for (const path of versions.alsoTakenBy?.(version) ?? []) {
      if (versions.isReserved?.(path) === true || (await exists(resolve(folder, path.slice(within.length)))))
        return false
    }
    return true
  }
  if (await isFree(1)) {
    const free = await tryCreate(place, fileName)
    if (free !== undefined) return free
  }
  if (options.ifExists === 'fail') throw new NameTakenError(resolve(folder, fileName))
  const first = versions.next === 'lowestFree' ? 2 : (await highestVersion(place, versions)) + 1
  for (let version = first; version <= versions.maxVersion; version++) {
    if (!(await isFree(version))) continue
    const claim = await tryCreate(place, versions.path(version).slice(within.length))
    if (claim !== undefined) return claim
  }
  throw new NameTakenError(resolve(folder, fileName))
}

/** Whether anything lies there, be it a link that leads nowhere. */
export async function isThere(root: string, relativePath: string): Promise<boolean> {
  return exists(await resolveInRoot(root, relativePath))
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw storageErrorFrom(error, path)
  }
}

/** Undefined when the name is taken. */
async function tryCreate({ folder, note }: Folder, fileName: string): Promise<Claim | undefined> {
  const path = resolve(folder, fileName)
  const birth = await note(fileName)
  try {
    const descriptor = await openDescriptor(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
    return { descriptor, fileName, birth }
  } catch (error) {
    birth?.over()
    if (systemCode(error) === 'EEXIST') return undefined
    throw storageErrorFrom(error, path)
  }
}

async function highestVersion({ folder, within }: Folder, versions: NameVersions): Promise<number> {
  let highest = 1
  try {
    for (const entry of await readdir(folder)) highest = Math.max(highest, versions.read(within + entry) ?? 1)
  } catch (error) {
    throw storageErrorFrom(error, folder)
  }
  return highest
}
