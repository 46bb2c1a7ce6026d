import { constants, copyFile, link, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Container, PartInspection } from '#containers/container.ts'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { openPartFile, openPartForReading } from '#storage/part-files.ts'
import { syncDirectory } from '#storage/sync-directory.ts'
import { ConversionError } from '../errors.ts'
import { appendSilence } from './append-silence.ts'

/** Extension of a file while it is being made. */
export const UNFINISHED_EXTENSION = '.transcoding'

/**
 * Makes `x.mp4` of `x.tmp`, by way of `x.transcoding`: never is there an `.mp4` that is not complete. One that the
 * recorder has finished shares its bytes with the `.tmp`, where the file system can do that; what a crash left open is
 * copied, and finished there. Gives its duration in milliseconds.
 * @param path without extension
 * @param container MP4: what `.tmp` files are inside
 * @param silenceSeconds at the end of the `.mp4`, where its sound can be gone on with
 * @throws {ConversionError} @throws {StorageError}
 */
export async function convertFile(path: string, container: Container, silenceSeconds = 0): Promise<number> {
  const [source, unfinished] = [`${path}.tmp`, `${path}${UNFINISHED_EXTENSION}`]
  const found = await inspect(source, container)
  // Of a job that was killed.
  await rm(unfinished, { force: true })
  let { durationMs } = found
  try {
    if (found.finished && found.tornBytes === 0 && silenceSeconds === 0) await share(source, unfinished)
    else {
      await copyFile(source, unfinished, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      await using file = await openPartFile(unfinished)
      if (silenceSeconds > 0) await appendSilence(file, container, silenceSeconds)
      durationMs = (await container.finish(file)).durationMs
      await file.sync()
    }
    await rename(unfinished, `${path}.mp4`)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(unfinished, { force: true })
    throw systemCode(error) === undefined ? error : storageErrorFrom(error, unfinished)
  }
  return durationMs
}

/** @throws {ConversionError} it holds what no MP4 of this kind may, or can't be read */
async function inspect(path: string, container: Container): Promise<PartInspection> {
  await using part = await openPartForReading(path)
  if (part.sizeBytes === 0) throw new ConversionError(path, 'it is empty')
  let found: PartInspection
  try {
    found = await container.inspect(part)
  } catch (error) {
    throw new ConversionError(path, 'it is damaged', error)
  }
  const other = found.tracks.find(({ codec }) => codec !== 'h264' && codec !== 'aac')
  if (other !== undefined) throw new ConversionError(path, `it holds ${other.codec}`)
  if (found.tracks.every(({ accessUnits }) => accessUnits === 0)) throw new ConversionError(path, 'it holds no media')
  return found
}

async function share(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }
}
