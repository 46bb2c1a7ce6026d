import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 30_000

/** Resolves once an address answers well. @throws when it does not, or the server has ended; it is then killed */
export async function untilReady(server: ChildProcess, url: string): Promise<void> {
  const endsMs = performance.now() + PATIENCE_MS
  for (;;) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    if (performance.now() > endsMs || server.exitCode !== null) {
      server.kill('SIGKILL')
      throw new Error(`${server.spawnfile} did not become ready`)
    }
    await sleep(100)
  }
}
