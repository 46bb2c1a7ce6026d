import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, resolveInRoot } from '#storage/confine.ts'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { METADATA_FILE, writeMetadata } from './metadata-file.ts'
import { nameTime } from './names.ts'

export interface TreeOptions {
  /** Absolute. */
  readonly root: string
  readonly isUtc: boolean
  readonly closesErrorStatus: boolean
}

/** More restarts of one channel in a second than anybody makes. */
const MAX_DIRECTORIES_A_SECOND = 10_000

/**
 * Makes a channel's directory, with Metadata.txt in it, and gives its path below the root. One that is there already is
 * somebody else's recording: `_1` is appended, and so on. @throws {StorageError} @throws {OutsideRootError}
 */
export async function makeChannelDirectory(
  { root, isUtc, closesErrorStatus }: TreeOptions,
  { channel, tag, nowMs }: { readonly channel: string; readonly tag: string; readonly nowMs: number },
): Promise<string> {
  const { day, time } = nameTime(nowMs, isUtc)
  await makeFolder(root, await resolveInRoot(root, day))
  for (let attempt = 0; ; attempt++) {
    const directory = `${day}/${channel}_${time}${attempt === 0 ? '' : `_${attempt}`}`
    const path = await resolveInRoot(root, directory)
    try {
      await mkdir(path)
      await writeFile(join(path, METADATA_FILE), writeMetadata(channel, tag, closesErrorStatus), { flag: 'wx' })
      return directory
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || attempt >= MAX_DIRECTORIES_A_SECOND) throw storageErrorFrom(error, path)
    }
  }
}
