import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { Catalog } from './catalog/catalog.ts'
import { filesOpenElsewhere } from './open-elsewhere.ts'

/**
 * Deletes what a kill has left in the folders where files are made before they are recordings. What was on its way to
 * its name is the recorder's; what another server is writing is left alone.
 * @param folder below each root
 * @param event told for each file
 */
export async function deleteLeftOvers(options: {
  readonly runtime: Runtime
  readonly catalog: Pick<Catalog, 'findByPart'>
  readonly roots: readonly string[]
  readonly folder: string
  readonly event: string
}): Promise<void> {
  const { runtime, catalog, roots, folder, event } = options
  for (const root of roots) {
    const names = await readdir(join(root, folder)).catch(() => [])
    if (names.length === 0) continue
    const openElsewhere = await filesOpenElsewhere()
    for (const name of names) {
      const path = join(root, folder, name)
      if (openElsewhere.has(path)) continue
      if ((await catalog.findByPart(root, `${folder}/${name}`)).length > 0) continue
      await rm(path, { force: true, recursive: true })
      runtime.log.info({ event, path }, 'deleted what a kill has left unfinished')
    }
  }
}
