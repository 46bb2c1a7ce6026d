import { processContext } from './cli/process-context.ts'
import { runCommandLine } from './cli/run.ts'
import { FACADES } from './facades/declarations.ts'

/** The index room of MP4 files that commands finish: they only read what the recorder reserved. */
const ANY_INDEX_BYTES = 1024 * 1024

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  processContext(process, {
    facades: FACADES,
    startServer: async (config, options) => (await import('./server.ts')).startServer(config, options),
    containers: async () => (await import('./server.ts')).allContainers(ANY_INDEX_BYTES),
  }),
)
