import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { UploadReaderError } from './errors.ts'
import type { TakeOverAnswer, TakeOverTask } from './messages.ts'

/** Of JavaScript's heap: media passes through it, indexes of long files stay. */
const HEAP_MEBIBYTES = 512
const MAX_MESSAGE_CHARACTERS = 500
const MAX_ANSWER_CHARACTERS = 256 * 1024
/** Leaves the CPU to recordings. */
const NICENESS = 5

/** Slower than any disk; a file made to keep the reader busy does not get more. */
const BASE_PATIENCE_MS = 60_000
const BYTES_PER_MS = 1_000

/**
 * Reads an upload in a child process and writes its media to a file of ours.
 * @throws {UploadReaderError} the process crashed, or had not ended when its time was up
 * @throws the signal's reason
 */
export async function takeOver(task: TakeOverTask, bytes: number, signal: AbortSignal): Promise<TakeOverAnswer> {
  const patience = AbortSignal.timeout(Math.round(BASE_PATIENCE_MS + bytes / BYTES_PER_MS))
  const script = fileURLToPath(new URL('./upload-child.ts', import.meta.url))
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEBIBYTES}`, script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Nothing of the server's environment (it may hold tokens) is a reader's business.
    env: { PATH: process.env['PATH'] ?? '' },
    signal: AbortSignal.any([signal, patience]),
    killSignal: 'SIGKILL',
  })
  let text = ''
  let message = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (text.length > MAX_ANSWER_CHARACTERS) child.kill('SIGKILL')
  })
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    message = (message + more).slice(-MAX_MESSAGE_CHARACTERS)
  })
  // Stays open: the child ends when the server does. One that is gone already can't be told anything: its end tells.
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify(task)}\n`)
  child.once('spawn', () => lowerPriority(child.pid))
  const { promise, resolve } = Promise.withResolvers<string>()
  child.once('error', ({ message: reason }) => {
    // An aborted child emits `close` as well, once it is really gone.
    if (child.pid === undefined) resolve(reason)
  })
  child.once('close', (code, killedBy) => resolve(killedBy ?? `code ${code}`))
  const end = await promise
  signal.throwIfAborted()
  if (patience.aborted) throw new UploadReaderError('it took too long')
  if (end !== 'code 0') throw new UploadReaderError(message.trim() || `the process ended with ${end}`)
  return JSON.parse(text)
}

function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    setPriority(pid, NICENESS)
  } catch {
    // It has ended already, or the system does not allow it: the work is done all the same.
  }
}
