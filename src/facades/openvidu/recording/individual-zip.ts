import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import yazl from 'yazl'

/** A media file that goes into a zip. */
export interface ZippedFile {
  /** Absolute. */
  readonly path: string
  /** In the zip, without folders. */
  readonly name: string
}

/**
 * Makes the zip of an INDIVIDUAL recording: the media as they are (they are compressed already) and the index. Under its
 * name only when it is whole and on the disk.
 * @param path of the zip, absolute; what is there is replaced
 * @throws what reading a file or writing the zip throws; nothing is left behind
 */
export async function writeIndividualZip(
  path: string,
  files: readonly ZippedFile[],
  index: { readonly name: string; readonly content: object },
): Promise<void> {
  const draft = join(dirname(path), `.${index.name}.zip.new`)
  const zip = new yazl.ZipFile()
  try {
    for (const { path: source, name } of files) zip.addFile(source, name, { compress: false })
    zip.addBuffer(Buffer.from(`${JSON.stringify(index.content, null, 2)}\n`), `${index.name}.json`)
    // A file that can't be read is told by the zip itself, and ends its output so that the copying ends too.
    zip.on('error', (error: Error) =>
      (zip.outputStream as NodeJS.ReadableStream & { destroy(error: Error): void }).destroy(error),
    )
    zip.end()
    await pipeline(zip.outputStream, createWriteStream(draft))
    await synced(draft)
    await rename(draft, path)
    await synced(dirname(path))
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
