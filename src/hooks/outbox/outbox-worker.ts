import { serveDatabase } from '#storage/sqlite/database-thread.ts'
import { OutboxDatabase } from './database.ts'
import { OutboxTooNewError } from './errors.ts'
import { OUTBOX_METHODS, type OutboxSettings } from './methods.ts'

/** The outbox's thread, started by outbox.ts. */
serveDatabase<OutboxDatabase, OutboxSettings>({
  open: (path, { limits, isPowerSafe }) => new OutboxDatabase(path, limits, isPowerSafe),
  methods: OUTBOX_METHODS,
  refusals: { tooNew: OutboxTooNewError },
})
