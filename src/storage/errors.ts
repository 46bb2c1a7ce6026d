import { TapedeckError } from '#base/error.ts'

/** A file or folder refused us. `path` says which, `cause` keeps what the operating system said. */
export abstract class StorageError extends TapedeckError {
  readonly origin: TapedeckError['origin'] = 'storage'
  readonly path: string
  constructor(path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.path = path
  }
}

/** No space, or no quota, left (ENOSPC, EDQUOT). Recording resumes by itself when there is. */
export class StorageFullError extends StorageError {
  readonly code = 'storage/full'
  constructor(path: string, cause?: unknown) {
    super(path, `no space left for ${path}: free some, raise the quota, or set recordings.keep`, cause)
  }
}

/** The operating system denies writing (EACCES, EPERM, EROFS). */
export class StorageDeniedError extends StorageError {
  readonly code = 'storage/denied'
  constructor(path: string, cause?: unknown) {
    super(
      path,
      `not allowed to write ${path}: check owner and mode of the folder, and that it is mounted read-write`,
      cause,
    )
  }
}

/** The file or its folder is gone: deleted, renamed, or unmounted while we wrote (ENOENT, ENOTDIR, ESTALE, ENODEV). */
export class StorageVanishedError extends StorageError {
  readonly code = 'storage/vanished'
  constructor(path: string, cause?: unknown) {
    super(path, `${path} is gone: it was deleted, renamed or unmounted; bring the folder back`, cause)
  }
}

/** Another process records this file: whoever finishes it now cuts the recording off. */
export class FileInUseError extends StorageError {
  readonly code = 'storage/file-in-use'
  override readonly origin = 'operator'
  constructor(path: string) {
    super(path, `${path} is being written by another program: let it finish, or stop it first`)
  }
}

/** The file system can't make the file longer (EFBIG). */
export class StorageFileTooLargeError extends StorageError {
  readonly code = 'storage/file-too-large'
  constructor(path: string, cause?: unknown) {
    super(path, `the file system allows no larger file than ${path} has become: rotate by bytes`, cause)
  }
}

/** The process, or the machine, has too many files open (EMFILE, ENFILE). */
export class StorageTooManyFilesError extends StorageError {
  readonly code = 'storage/too-many-open-files'
  constructor(path: string, cause?: unknown) {
    super(path, `no file descriptor left to open ${path}: raise the limit (ulimit -n, LimitNOFILE=)`, cause)
  }
}

/** Any other failure of the device (EIO and the like). */
export class StorageIoError extends StorageError {
  readonly code = 'storage/io'
  constructor(path: string, cause?: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(path, `reading or writing ${path} failed (${reason}): check the disk and the system log`, cause)
  }
}

/** One write has been under way for so long that media piles up behind it. It may still end well. */
export class StorageSlowError extends StorageError {
  readonly code = 'storage/slow'
  readonly waitedMs: number
  constructor(path: string, waitedMs: number) {
    super(path, `a write to ${path} has taken ${Math.round(waitedMs)} ms so far: check the disk and what else uses it`)
    this.waitedMs = waitedMs
  }
}

/** A name would leave its recording root, by `..`, as an absolute path or through a symbolic link. */
export class OutsideRootError extends StorageError {
  readonly code = 'storage/outside-root'
  override readonly origin = 'client'
  readonly root: string
  constructor(root: string, path: string) {
    super(
      path,
      `${JSON.stringify(path)} lies outside the recording root ${root}: use a relative path without ".." or links out of it`,
    )
    this.root = root
  }
}

/** The name is taken and the caller asked for `fail`. */
export class NameTakenError extends StorageError {
  readonly code = 'storage/name-taken'
  override readonly origin = 'client'
  constructor(path: string) {
    super(path, `${path} exists: choose another name, or ifExists version, append or overwrite`)
  }
}

/** The file system allows no path as long as this one (ENAMETOOLONG). */
export class NameTooLongError extends StorageError {
  readonly code = 'storage/name-too-long'
  override readonly origin = 'client'
  constructor(path: string, cause?: unknown) {
    super(path, `the file system allows no path as long as ${path.slice(0, 100)}…: choose a shorter name`, cause)
  }
}

/** A part was used after close(): a mistake of ours. */
export class PartClosedError extends StorageError {
  readonly code = 'storage/part-closed'
  override readonly origin = 'internal'
  constructor(path: string) {
    super(path, `${path} was used after it was closed; please report this with the log`)
  }
}

/** A change does not fit the file as it is (a write past its end): a mistake of ours. */
export class PartChangeError extends StorageError {
  readonly code = 'storage/part-change-invalid'
  override readonly origin = 'internal'
  constructor(path: string, what: string) {
    super(path, `${what} in ${path}; please report this with the log`)
  }
}

/** A manifest can't be read as one. */
export class ManifestInvalidError extends StorageError {
  readonly code = 'storage/manifest-invalid'
  readonly reason: string
  constructor(path: string, reason: string, cause?: unknown) {
    super(
      path,
      `${path} is no manifest (${reason}): delete it, and its files are found again by rebuilding the catalog`,
      cause,
    )
    this.reason = reason
  }
}

/** Less space is free than the operator wants kept free. Recording resumes by itself when there is more. */
export class BelowFloorError extends StorageError {
  readonly code = 'storage/below-floor'
  readonly freeBytes: number
  readonly floorBytes: number
  constructor(path: string, freeBytes: number, floorBytes: number) {
    super(
      path,
      `${path} has ${freeBytes} bytes free, less than recordings.keep.minFreeBytes (${floorBytes}): free some or lower it`,
    )
    this.freeBytes = freeBytes
    this.floorBytes = floorBytes
  }
}

/** A restart came before anything of a recording had reached the disk. */
export class InterruptedError extends TapedeckError {
  readonly code = 'storage/interrupted'
  readonly origin = 'internal'
  constructor() {
    super('the server was restarted before anything of this recording was on disk: start it again')
  }
}

/** The failure may pass by itself, with the file still in its place: wait and try the same again. */
export function mayPass(error: unknown): boolean {
  return error instanceof StorageError && error.origin === 'storage' && !(error instanceof StorageVanishedError)
}

/** The typed error for what the operating system threw. Errors that are typed already pass through. */
export function storageErrorFrom(cause: unknown, path: string): TapedeckError {
  if (cause instanceof TapedeckError) return cause
  switch (systemCode(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageFullError(path, cause)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageDeniedError(path, cause)
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ESTALE':
    case 'ENODEV':
    case 'ENXIO':
      return new StorageVanishedError(path, cause)
    case 'ENAMETOOLONG':
      return new NameTooLongError(path, cause)
    case 'EFBIG':
      return new StorageFileTooLargeError(path, cause)
    case 'EMFILE':
    case 'ENFILE':
      return new StorageTooManyFilesError(path, cause)
    default:
      return new StorageIoError(path, cause)
  }
}

/** `ENOSPC`, `EEXIST`…; undefined for anything that is no system error. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
