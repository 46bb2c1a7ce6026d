import { serveDatabase } from '../sqlite/database-thread.ts'
import { CatalogDatabase } from './database.ts'
import { CATALOG_METHODS, CATALOG_REFUSALS } from './methods.ts'

/** The catalog's thread, started by sqlite-catalog.ts. */
serveDatabase<CatalogDatabase, undefined>({
  open: (path) => new CatalogDatabase(path),
  methods: CATALOG_METHODS,
  refusals: CATALOG_REFUSALS,
})
