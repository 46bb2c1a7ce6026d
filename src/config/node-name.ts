import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
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
  try {
    // Two servers may start on one folder at once: the first to create the file names them both.
    await writeFile(file, `${name}\n`, { flag: 'wx' })
    return name
  } catch (error) {
    const others = await readName(file)
    if (others !== '') return others
    throw error
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
