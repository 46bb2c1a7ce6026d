import type { CommandContext } from './context.ts'

type Parts = Pick<CommandContext, 'startServer' | 'containers' | 'facades'>

/**
 * The real process as commands see it. main.ts gives what only it knows, loaded when first needed:
 * `process.exitCode = await runCommandLine(process.argv.slice(2), processContext(process, { facades, startServer, containers }))`
 */
export function processContext(process: NodeJS.Process, parts: Parts): Omit<CommandContext, 'setExitCode'> {
  const { stdout, stderr } = process
  // A reader that leaves early (`tapedeck list | head`) is no error.
  stdout.on('error', () => {})
  let progressShown = false
  const endProgress = () => {
    if (progressShown) stderr.write('\n')
    progressShown = false
  }
  const line = (stream: NodeJS.WriteStream) => (text: string) => {
    endProgress()
    stream.write(`${text}\n`)
  }
  return {
    ...parts,
    env: process.env,
    cwd: process.cwd(),
    print: line(stdout),
    note: line(stderr),
    progress: stderr.isTTY
      ? (text) => {
          progressShown = true
          stderr.write(`\r\u001b[2K${text.slice(0, (stderr.columns || 80) - 1)}`)
        }
      : undefined,
    onInterrupt(listener) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
      for (const signal of signals) process.on(signal, listener)
      return {
        [Symbol.dispose]() {
          for (const signal of signals) process.off(signal, listener)
        },
      }
    },
  }
}
