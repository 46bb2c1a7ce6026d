import { cliPage } from './cli-page.ts'
import { readmeWithTable } from './codec-table.ts'
import { configPage, sampleFile } from './config-pages.ts'

/** Pages derived from the source, by path from the root. */
export const REFERENCE_PAGES: Readonly<Record<string, () => string>> = {
  'tapedeck.sample.yaml': sampleFile,
  'docs/reference/config.md': configPage,
  'docs/reference/cli.md': cliPage,
  'README.md': readmeWithTable,
}
