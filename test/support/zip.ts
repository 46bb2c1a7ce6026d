import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import yauzl from 'yauzl'

const openZip = promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open)

/** The files of a zip by name, read by a library that is not ours. */
export async function readZip(path: string): Promise<Map<string, Buffer>> {
  const zip = await openZip(path, { lazyEntries: true, autoClose: false })
  try {
    const files = new Map<string, Buffer>()
    const openEntry = promisify(zip.openReadStream.bind(zip) as OpenEntry)
    for await (const entry of entriesOf(zip)) files.set(entry.fileName, await buffer(await openEntry(entry)))
    return files
  } finally {
    zip.close()
  }
}

type OpenEntry = (entry: yauzl.Entry, done: (error: Error | null, stream: NodeJS.ReadableStream) => void) => void

async function* entriesOf(zip: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  while (true) {
    const { promise, resolve, reject } = Promise.withResolvers<yauzl.Entry | undefined>()
    zip
      .once('entry', resolve)
      .once('end', () => resolve(undefined))
      .once('error', reject)
    zip.readEntry()
    const entry = await promise
    zip.removeAllListeners()
    if (entry === undefined) return
    yield entry
  }
}
