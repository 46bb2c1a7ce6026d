import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import type { BenchServer } from './server.ts'

/** A bare Node server that answers RTMP's opening and then pipes the socket into a file: the floor for plain streams. */
export async function startSink(folder: string): Promise<BenchServer> {
  const port = await freePort()
  const records = join(folder, 'sink')
  mkdirSync(records, { recursive: true })
  const script = join(import.meta.dirname, 'sink-process.ts')
  const child: ChildProcess = spawn(process.execPath, [script, String(port), records], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await sleep(700)
  if (child.pid === undefined || child.exitCode !== null) throw new Error('the sink did not start')
  return {
    name: 'bare Node socket-to-file sink',
    version: process.version,
    pid: child.pid,
    port,
    app: 'live',
    settle: async () => {
      await sleep(300)
      return undefined
    },
    writtenBytes: () => bytesBelow(records),
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
