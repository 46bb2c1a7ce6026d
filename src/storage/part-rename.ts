import { stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { resolveInRoot } from './confine.ts'
import { storageErrorFrom, systemCode } from './errors.ts'
import { isSameFile, moveInRoot } from './exclusive-rename.ts'
import { isThere } from './part-files.ts'
import type { PartDocument, RecordingDocument } from './recording-document.ts'
import { syncDirectory } from './sync-directory.ts'

/** Reads a recipe: relative paths, in order of preference, that a part may get now that it is final. */
export type FinalNames = (
  recipe: string,
  late: { readonly endedAtMs: number; readonly durationMs: number },
) => (attempt: number) => string

/** Names tried before it is given up. */
const MAX_ATTEMPTS = 10_000

/**
 * The part with the path its file has, after a crash that may have come while it was renamed: `rename.to` was free when
 * it was noted, so that a file with content there is the part's. What the rename left half-done is completed.
 */
export async function whereItIs(part: PartDocument): Promise<PartDocument> {
  const { rename, root } = part
  if (rename?.to === undefined) return part
  const { to, recipe, nextRecipe } = rename
  const stayed = { ...withLastName(part), ...(recipe !== undefined && { rename: { recipe } }) }
  const moved = { ...withLastName(part), path: to, ...(nextRecipe !== undefined && { rename: { recipe: nextRecipe } }) }
  const path = await resolveInRoot(root, part.path)
  const newPath = await resolveInRoot(root, to)
  const newBytes = await sizeOf(newPath)
  if (newBytes === undefined) return stayed
  if (newBytes > 0) {
    if (await isSameFile(path, newPath)) await remove(path)
    return moved
  }
  // Without hard links the name is held by an empty file first.
  if ((await sizeOf(path)) !== undefined) await remove(newPath)
  return stayed
}

/** The part as one whose name doesn't change any more. */
export function withLastName({ rename: _, ...part }: PartDocument): PartDocument {
  return part
}

/** A finished recording whose files were being renamed when a crash came, with the paths they have. */
export async function settleNames(recording: RecordingDocument): Promise<RecordingDocument> {
  const parts: PartDocument[] = []
  for (const part of recording.parts) parts.push(withLastName(await whereItIs(part)))
  return { ...recording, parts }
}

/**
 * Gives a final part the name its recipe says.
 * @param note stores the part as it is before it is renamed
 * @throws {TapedeckError} the recipe can't be read, or the disk refuses: the file is as it was
 */
export async function giveLastName(
  part: PartDocument,
  finalNames: FinalNames,
  note: (part: PartDocument) => Promise<void>,
): Promise<PartDocument> {
  const { rename, root, state } = part
  if (rename?.recipe === undefined || state !== 'ready') return withLastName(part)
  const { durationMs } = part
  const names = finalNames(rename.recipe, { endedAtMs: Date.parse(part.startedAt) + durationMs, durationMs })
  const path = await resolveInRoot(root, part.path)
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const to = names(attempt)
    if (await isThere(root, to)) continue
    await note({ ...part, rename: { ...rename, to } })
    if ((await moveInRoot(root, path, to)) !== undefined) return { ...withLastName(part), path: to }
  }
  return withLastName(part)
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    throw storageErrorFrom(error, path)
  }
  await syncDirectory(dirname(path))
}

/** Undefined when there is no file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw storageErrorFrom(error, path)
  }
}
