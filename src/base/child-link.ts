import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAX_OUTPUT_CHARACTERS = 500
/** How long a child that was told to end may take before it is ended. */
const END_PATIENCE_MS = 1_000

/** How a child ended. */
export interface ChildEnd {
  /** `ended with SIGSEGV`, or why it was ended; follows the name of the process in a sentence. */
  readonly how: string
  /** The last it wrote to standard error. */
  readonly output: string
  /** Of its own doing, as far as anybody can tell: not killed from outside. */
  readonly isCrash: boolean
}

/** What a link tells its owner. Nothing more comes after `ended`. */
export interface ChildLinkEvents<Output> {
  message(message: Output): void
  ended(end: ChildEnd): void
}

/**
 * One child process that does what may crash or hang, and the messages to and from it. Its end is no error of the
 * server's; it ends with the server, when its channel closes.
 */
export class ChildLink<Input extends object, Output> {
  readonly #child: ChildProcess
  readonly #ended = Promise.withResolvers<void>()
  #hasEnded = false
  #howEnded = ''
  #output = ''

  /** @param module what the child runs */
  constructor(module: URL, events: ChildLinkEvents<Output>) {
    const child = fork(fileURLToPath(module), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Nothing of the server's environment (it may hold tokens) is a decoder's business.
      env: { PATH: process.env['PATH'] ?? '' },
      execArgv: [],
    })
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARACTERS)
    })
    child.on('message', (message) => {
      if (!this.#hasEnded) events.message(message as Output)
    })
    const end = (how: string, isCrash: boolean) => {
      if (this.#hasEnded) return
      this.#hasEnded = true
      const wasEnded = this.#howEnded !== ''
      events.ended({ how: wasEnded ? this.#howEnded : how, output: this.#output, isCrash: isCrash || wasEnded })
      this.#ended.resolve()
    }
    // An error alone may be a message that found the channel closed; then the exit follows.
    child.on('error', (error) => {
      if (child.pid === undefined) end(`could not be started (${error.message})`, false)
    })
    // Not 'close', which does not come after a disconnect of ours (Node 24); but its last words are worth waiting for.
    const said = new Promise<void>((heard) => child.stderr?.once('close', heard) ?? heard())
    child.once('exit', (code, signal) => {
      const isCrash = signal !== 'SIGKILL' && signal !== 'SIGTERM'
      void said.then(() => end(`ended with ${signal ?? `code ${code}`}`, isCrash))
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Messages may go to a child before it is ready: they wait in its channel. */
  send(message: Input): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** Ends it at once: it hangs. `ended` follows. */
  kill(how: string): void {
    this.#howEnded = how
    this.#child.kill('SIGKILL')
  }

  /** Lets it end by itself, or ends it when it does not. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_PATIENCE_MS)
    await this.#ended.promise
    clearTimeout(timer)
  }
}
