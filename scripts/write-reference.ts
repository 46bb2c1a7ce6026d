// npm run reference: writes the pages that are derived from the source.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { REFERENCE_PAGES } from './reference/pages.ts'

for (const [path, page] of Object.entries(REFERENCE_PAGES)) {
  writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), page())
  console.log(path)
}
