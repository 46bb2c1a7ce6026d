import { runCommandLine } from '../../src/cli/run.ts'
import { FACADES } from '../../src/facades/declarations.ts'
import { allContainers } from '../../src/server.ts'

/** Runs a command of `tapedeck` in this process, for the data of a server that lives (or lived) in this folder. */
export async function tapedeckCommand(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<{ exitCode: number; output: string }> {
  const output: string[] = []
  const exitCode = await runCommandLine(args, {
    env: { TAPEDECK_DATA: `${folder}/data`, TAPEDECK_RECORDINGS_ROOT: `${folder}/recordings`, ...env },
    cwd: folder,
    facades: FACADES,
    print: (line) => void output.push(line),
    note: (line) => void output.push(line),
    progress: undefined,
    startServer: () => Promise.reject(new Error('no command of this test starts a server')),
    containers: () => Promise.resolve(allContainers(1024 * 1024)),
    onInterrupt: () => ({ [Symbol.dispose]() {} }),
  })
  return { exitCode, output: output.join('\n') }
}
