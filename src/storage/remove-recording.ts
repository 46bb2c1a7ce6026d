import { rmdir, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Catalog } from './catalog/catalog.ts'
import { resolveInRoot } from './confine.ts'
import { storageErrorFrom, systemCode } from './errors.ts'
import type { ManifestStore } from './manifests.ts'
import type { RecordingDocument } from './recording-document.ts'

/**
 * Deletes a recording: its files, then its manifest, then its row. In this order a crash in between leaves a recording
 * that is listed and may be deleted again, never files that nothing knows. Whether it may be deleted is the caller's
 * to know. Files that are gone already are fine; so are files another recording shares (an appended one): they stay.
 * @throws {StorageError} subclasses
 */
export async function removeRecording(
  recording: RecordingDocument,
  catalog: Catalog,
  manifests: ManifestStore,
): Promise<void> {
  for (const { root, path } of recording.parts) {
    const owners = await catalog.findByPart(root, path)
    if (owners.every(({ id }) => id === recording.id)) await removePartFile(root, path)
  }
  await manifests.remove(recording)
  await catalog.remove(recording.id)
}

/** Deletes a part's file and the folders that become empty by it, up to the root. */
async function removePartFile(root: string, relativePath: string): Promise<void> {
  const path = await resolveInRoot(root, relativePath)
  try {
    await unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw storageErrorFrom(error, path)
  }
  const top = resolve(root)
  for (let folder = dirname(path); folder.length > top.length; folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch {
      // Not empty, or in use: it stays, and so do those above.
      return
    }
  }
}
