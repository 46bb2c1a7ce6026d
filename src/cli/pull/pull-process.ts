import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SourceFailedError } from '../errors.ts'
import type { SourceReader } from './source-reader.ts'

/** Time for the child to take leave of the server politely before it is ended. */
const FAREWELL_MS = 2_000
const MAX_MESSAGE_CHARACTERS = 500

/**
 * Reads `source` (a URL or a file) with libavformat in a process of its own and publishes it at an RTMP address. If
 * this process dies, the child sees its input closed and ends too.
 */
export function startPull(
  source: string,
  target: string,
  env: Readonly<Record<string, string | undefined>>,
): SourceReader {
  const script = fileURLToPath(new URL('./pull-child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, source, target], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: env['PATH'] ?? '' },
  })
  let message = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(-MAX_MESSAGE_CHARACTERS)
  })
  // A child that is gone already can't be told to stop: nothing to do about it.
  child.stdin.on('error', () => {})
  let farewell: NodeJS.Timeout | undefined
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  child.once('error', reject)
  child.once('close', (code, killedBy) => {
    clearTimeout(farewell)
    if (code === 0 || farewell !== undefined) return resolve()
    const reason = message.trim().split('\n').at(-1) ?? ''
    reject(
      new SourceFailedError(source, reason === '' ? `reading it ended with ${killedBy ?? `code ${code}`}` : reason),
    )
  })
  return {
    ended,
    stop() {
      if (farewell !== undefined || child.exitCode !== null || child.signalCode !== null) return
      child.stdin.end()
      farewell = setTimeout(() => child.kill('SIGKILL'), FAREWELL_MS)
    },
  }
}
