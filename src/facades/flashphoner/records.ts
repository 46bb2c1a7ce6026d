import { constants, type FileHandle, open } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendFile } from '#api/send-file.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { resolveInRoot } from '#storage/confine.ts'
import { RecordUnknownError } from './errors.ts'

/** What is served, by extension: nothing else that may lie in the folder. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.flv': 'video/x-flv',
  '.ts': 'video/mp2t',
}

/**
 * Answers `GET` and `HEAD` of a record, whole or a range. One being recorded is served at its present size.
 * @param root folder of the records
 * @throws {RecordUnknownError | RangeNotSatisfiableError}
 */
export async function sendRecord(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, root, recorder }: { name: string; root: string; recorder: RecorderApi },
): Promise<FastifyReply> {
  const mediaType = MEDIA_TYPES[extname(name)]
  // Records lie in the folder itself; hidden names are of files that are still to become something.
  if (mediaType === undefined || name.startsWith('.') || /[/\\\0]/.test(name)) throw new RecordUnknownError(name)
  const file = await openRecord(root, name)
  try {
    reply.header('content-disposition', 'inline')
    return await sendFile(request, reply, file, { mediaType, isChanging: isOpen(recorder, root, name) })
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Whatever the reason, the caller only learns that there is no such record. */
async function openRecord(root: string, name: string): Promise<FileHandle> {
  // Not blocking, so that a named pipe put there holds nobody up.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const file = await resolveInRoot(root, name)
    .then((path) => open(path, flags))
    .catch(() => undefined)
  const isFile = await file?.stat().then(
    (stats) => stats.isFile(),
    () => false,
  )
  if (file !== undefined && isFile === true) return file
  await file?.close()
  throw new RecordUnknownError(name)
}

function isOpen(recorder: RecorderApi, root: string, name: string): boolean {
  const path = join(root, name)
  return recorder
    .active()
    .some(({ parts }) => parts.some((part) => part.state === 'open' && join(part.root, part.path) === path))
}
