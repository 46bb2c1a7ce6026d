import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ComposingEndedError } from './errors.ts'
import type { ChildInput, ChildOutput } from './messages.ts'

const MAX_OUTPUT_CHARACTERS = 500
/** How long a child that was told to end may take before it is ended. */
const END_PATIENCE_MS = 1_000

/** What a link tells its owner. Nothing more comes after `ended`. */
export interface CompositionLinkEvents {
  message(message: ChildOutput): void
  ended(error: ComposingEndedError): void
}

/** One child process that composes, and the messages to and from it. Its end is no error of the server's. */
export class CompositionLink {
  readonly #child: ChildProcess
  readonly #ended = Promise.withResolvers<void>()
  #hasEnded = false
  #howEnded = ''
  #output = ''

  constructor(events: CompositionLinkEvents) {
    const child = fork(fileURLToPath(new URL('./child/compose-child.ts', import.meta.url)), [], {
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
      if (!this.#hasEnded) events.message(message as ChildOutput)
    })
    const end = (how: string, isCrash: boolean) => {
      if (this.#hasEnded) return
      this.#hasEnded = true
      events.ended(new ComposingEndedError(this.#howEnded || how, this.#output, isCrash || this.#howEnded !== ''))
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

  send(message: ChildInput): void {
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
