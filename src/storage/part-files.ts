import { close, constants, open as openCallback } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { makeFolder, resolveInRoot } from './confine.ts'
import { DiskPart } from './disk-part.ts'
import { NameTakenError, StorageVanishedError, storageErrorFrom, systemCode } from './errors.ts'
import type { PartFile } from './part-file.ts'
import { formatPartName, parsePartName, replacedName, replacingName } from './part-name.ts'
import { syncDirectory } from './sync-directory.ts'

const openDescriptor = promisify(openCallback)
const closeDescriptor = promisify(close)
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants

export interface CreatePartOptions {
  /**
   * The name is taken: `version` takes the next number after the highest in use (`cam1_v2.mp4`); `overwrite` writes to
   * a hidden file beside it, which commit() moves over the old one; `fail` throws.
   */
  readonly ifExists: 'version' | 'overwrite' | 'fail'
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
  const folder = relativePath.slice(0, relativePath.length - basename(relativePath).length)
  const wanted = basename(relativePath)
  const attempt = await claimName(dirname(path), wanted, options).catch(async (error: unknown) => {
    if (!(error instanceof StorageVanishedError)) throw error
    // Retention removes folders that became empty, perhaps this one between the two calls.
    await makeFolder(root, dirname(path))
    return claimName(dirname(path), wanted, options)
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
    relativePath: folder + attempt.fileName,
    sizeBytes: 0,
    replaces: attempt.fileName === wanted ? undefined : replacedName(attempt.fileName),
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
}

async function claimName(folder: string, wanted: string, options: CreatePartOptions): Promise<Claim> {
  const free = await tryCreate(folder, wanted)
  if (free !== undefined) return free
  if (options.ifExists === 'fail') throw new NameTakenError(resolve(folder, wanted))
  if (options.ifExists === 'overwrite') {
    for (let attempt = 1; ; attempt++) {
      const claim = await tryCreate(folder, replacingName(wanted, attempt))
      if (claim !== undefined) return claim
    }
  }
  const name = parsePartName(wanted)
  for (let version = (await highestVersion(folder, wanted)) + 1; ; version++) {
    const claim = await tryCreate(folder, formatPartName({ ...name, version }))
    if (claim !== undefined) return claim
  }
}

/** Undefined when the name is taken. */
async function tryCreate(folder: string, fileName: string): Promise<Claim | undefined> {
  const path = resolve(folder, fileName)
  try {
    return { descriptor: await openDescriptor(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644), fileName }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return undefined
    throw storageErrorFrom(error, path)
  }
}

/** Highest, not first free: numbers of deleted recordings aren't used again, so that numbers tell the order. */
async function highestVersion(folder: string, wanted: string): Promise<number> {
  const name = parsePartName(wanted)
  let highest = name.version
  try {
    for (const entry of await readdir(folder)) {
      const other = parsePartName(entry)
      const sameName = other.base === name.base && other.part === name.part && other.extension === name.extension
      if (sameName && other.version > highest) highest = other.version
    }
  } catch (error) {
    throw storageErrorFrom(error, folder)
  }
  return highest
}
