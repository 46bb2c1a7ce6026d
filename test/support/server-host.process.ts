import { processContext } from '../../src/cli/process-context.ts'
import { runCommandLine } from '../../src/cli/run.ts'
import { FACADES } from '../../src/facades/declarations.ts'
import { allContainers, startServer } from '../../src/server.ts'
import { ENDED, type ServerTask } from './server-host.ts'

/**
 * Runs one command line after the other as src/main.ts runs one, each with a folder and an environment of its own: what
 * a server costs to load is paid once for all that follow each other. Ends when nobody is left to give another.
 */
process.stdout.setMaxListeners(Number.POSITIVE_INFINITY) // each command line adds one
let isRunning = false
process.on('disconnect', () => {
  if (isRunning) process.exit(1)
})
process.on('message', (task: ServerTask) => {
  run(task).catch((error: unknown) => {
    // As nobody handles it in the server's own process.
    setImmediate(() => {
      throw error
    })
  })
})

async function run({ args, cwd, env }: ServerTask): Promise<void> {
  isRunning = true
  process.chdir(cwd)
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
  Object.assign(process.env, env)
  const exitCode = await runCommandLine(
    args,
    processContext(process, {
      facades: FACADES,
      startServer,
      containers: () => Promise.resolve(allContainers(1024 * 1024)),
    }),
  )
  isRunning = false
  // Behind its log.
  process.stderr.write(`${ENDED}${exitCode}\n`)
}
