import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** H.264 without B-pictures, a key frame each second, and AAC: what most encoders send, and small. */
const ENCODING = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25']

/** ffmpeg as an encoder that publishes a moving test picture and a tone in real time until stopped. */
export class FfmpegPublisher implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #errors: string[] = []

  /**
   * @param url whole address, `rtmp://host:port/app/stream`
   * @param encoding further arguments for the picture; they win over the usual ones
   */
  constructor(url: string, encoding: readonly string[] = []) {
    const source = [
      '-re',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x180:r=25',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=440:r=44100',
    ]
    const args = ['-v', 'error', ...source, ...ENCODING, ...encoding, '-c:a', 'aac', '-f', 'flv', url]
    this.#child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] })
    // It may have ended by itself, its server gone, before it can be asked to.
    this.#child.stdin?.on('error', () => {})
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errors.push(text))
  }

  /** What ffmpeg complained about. */
  get errors(): string {
    return this.#errors.join('')
  }

  /** Ends the publication as `q` does in a terminal: with a goodbye. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit', { signal: AbortSignal.timeout(10_000) })
    this.#child.stdin?.end('q')
    await exited
  }

  /** Ends it without a goodbye. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().finally(() => this.#child.kill('SIGKILL'))
  }
}
