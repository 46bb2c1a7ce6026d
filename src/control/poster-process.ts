import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ContainerName } from '#containers/container.ts'

/** Decoding one key frame takes a fraction of this; a file made to loop the decoder does not get more. */
const TIMEOUT_MS = 10_000
const MAX_MESSAGE_CHARACTERS = 500
/** Leaves the CPU to recordings. */
const NICENESS = 10

export interface PosterJob {
  /** Absolute path of a part. */
  readonly input: string
  readonly container: ContainerName
  /** Written whole or not at all, as far as the child lives; take it only after success. */
  readonly output: string
  /** Default 640; smaller pictures stay as they are. */
  readonly maxWidthPixels?: number
  /** Which picture: the one that decoding can start with there, or shortly before. Default 0, the first. */
  readonly atMs?: number
  readonly signal: AbortSignal
}

/**
 * Runs the decoder in a child process: it is native code reading bytes a stranger sent, so it may crash or hang, and
 * neither may reach this process.
 */
export async function makePoster(job: PosterJob): Promise<void> {
  const { input, container, output, maxWidthPixels = 640, atMs = 0, signal } = job
  const script = fileURLToPath(new URL('./poster-child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, input, container, output, String(maxWidthPixels), String(atMs)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Nothing of the server's environment (it may hold tokens) is a decoder's business.
    env: { PATH: process.env['PATH'] ?? '' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    killSignal: 'SIGKILL',
  })
  let message = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(-MAX_MESSAGE_CHARACTERS)
  })
  child.once('spawn', () => lowerPriority(child.pid))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('error', reject)
  child.once('close', (code, killedBy) => {
    if (code === 0) return resolve()
    reject(new Error(message.trim() || `the decoder ended with ${killedBy ?? `code ${code}`}`))
  })
  await promise
}

function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, NICENESS)
  } catch {
    // It has ended already, or the system does not allow it: the poster is made all the same.
  }
}
