import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { publicUrl } from '#base/public-url.ts'
import { MEDIA_PIPE, type ReadingTask } from './reading-task.ts'

/** Time for the process to take leave of its source before it is ended. */
const FAREWELL_MS = 1_500
const MAX_OUTPUT_CHARACTERS = 500
/** Of JavaScript's heap: packets pass through it, nothing stays. */
const HEAP_MEBIBYTES = 128

/** What a reading process tells its owner. Nothing more comes after `exited`. */
export interface ReadingProcessEvents {
  /** Bytes of frames, borrowed. */
  received(bytes: Uint8Array): void
  /** @param how code or signal, and its last words */
  exited(how: string): void
}

/** One process that reads a source, and the pipe from it. Its end is no error of the server's. */
export class ReadingProcess {
  readonly #child: ChildProcess
  readonly #pipe: Socket
  /** Takes media that the process does not fetch itself. */
  readonly #media: Socket | undefined
  readonly #exited: Promise<void>
  #farewell: NodeJS.Timeout | undefined
  #output = ''

  constructor(task: ReadingTask, events: ReadingProcessEvents) {
    const script = fileURLToPath(new URL('./libav-child.ts', import.meta.url))
    const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MEBIBYTES}`, script], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe', ...(task.scheme === 'pipe' ? (['pipe'] as const) : [])],
      // Nothing of the server's environment (it may hold tokens, or proxies that nobody meant) is a reader's business.
      env: environment(),
    })
    this.#child = child
    this.#pipe = child.stdio[3] as Socket
    this.#pipe.on('data', (bytes: Uint8Array) => events.received(bytes))
    this.#pipe.on('error', () => {})
    this.#media = task.scheme === 'pipe' ? (child.stdio[MEDIA_PIPE] as Socket) : undefined
    // Its exit tells.
    this.#media?.on('error', () => {})
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARACTERS)
    })
    // A process that is gone already can't be told anything: its exit tells.
    child.stdin?.on('error', () => {})
    child.stdin?.write(`${JSON.stringify(task)}\n`)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    let isOver = false
    const exit = (how: string) => {
      if (isOver) return
      isOver = true
      clearTimeout(this.#farewell)
      const lastWords = this.#output.trim().replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, (url) => publicUrl(url))
      events.exited(lastWords === '' ? how : `${how}: ${lastWords}`)
      resolve()
    }
    child.once('error', (error) => exit(error.message))
    // After everything it wrote has been read.
    child.once('close', (code, signal) => exit(signal ?? `code ${code}`))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Media for a task that is given it. Keeps the bytes. @returns how many wait */
  give(bytes: Uint8Array): number {
    this.#media?.write(bytes)
    return this.#media?.writableLength ?? 0
  }

  /** That was all of the media: what it still holds comes out. */
  endMedia(): void {
    this.#media?.end()
  }

  /** Lets it take leave of its source, and ends it when it does not. Nothing more is received. Resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#farewell === undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#pipe.destroy()
      this.#media?.destroy()
      this.#child.stdin?.end()
      this.#farewell = setTimeout(() => this.#child.kill('SIGKILL'), FAREWELL_MS)
    }
    await this.#exited
  }
}

/** What names certificates that Node is to trust besides its own. */
function environment(): Record<string, string> {
  const names = ['PATH', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE', 'SSL_CERT_DIR']
  const told = names.map((name): [string, string] => [name, process.env[name] ?? ''])
  return Object.fromEntries(told.filter(([, value]) => value !== ''))
}
