import { open } from 'node:fs/promises'
import { storageErrorFrom, systemCode } from './errors.ts'

/** Puts a folder's entries (created, renamed, deleted) on the device. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    // Some network and FUSE file systems know no fsync of folders; their servers sync entries themselves.
    const code = systemCode(error)
    if (code === 'EINVAL' || code === 'ENOTSUP' || code === 'EISDIR') return
    throw storageErrorFrom(error, path)
  }
}
