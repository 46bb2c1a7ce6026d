import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The lasting name of a node that was given none, from `<data>/node-id`.
 * @param create makes and keeps a name when there is none yet; otherwise the answer is then empty
 */
export async function nodeName(dataFolder: string, create: boolean): Promise<string> {
  const file = join(dataFolder, 'node-id')
  const known = await readName(file)
  if (known !== '' || !create) return known
  await mkdir(dataFolder, { recursive: true })
  const name = `node-${randomBytes(4).toString('hex')}`
  // Two servers may start on one folder at once: the first to give its file the name names them both. Written before it
  // has the name, so that the other never finds it empty.
  const own = `${file}.${name}`
  await writeFile(own, `${name}\n`)
  try {
    await link(own, file)
    return name
  } catch {
    const others = await readName(file)
    if (others !== '') return others
    // A file system without hard links: then the last to start names them both.
    await rename(own, file)
    return name
  } finally {
    await rm(own, { force: true })
  }
}

async function readName(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
