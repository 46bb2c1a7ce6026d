import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from './programs.ts'

/** Beside what is installed, and like it in no repository. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/vendor-packages')

/**
 * Folder of a package as its registry has it, without what it depends on: packages of many versions that only tests
 * need, fetched once. @throws the registry does not give it
 */
export async function vendorPackage(name: string, version: string): Promise<string> {
  const folder = join(CACHE, `${name}-${version}`)
  if (await isThere(folder)) return join(folder, 'package')
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(join(CACHE, 'draft-'))
  await program('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', draft])
  await program('tar', ['xzf', join(draft, `${name}-${version}.tgz`), '-C', draft])
  try {
    await rename(draft, folder)
  } catch (error) {
    // Another test has been faster.
    await rm(draft, { recursive: true, force: true })
    if (!(await isThere(folder))) throw error
  }
  return join(folder, 'package')
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
