import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cachedMedia } from './cached-media.ts'

/** A moving test picture and a tone, for longer than most tests last; then they begin again. */
const SECONDS = 60
const PICTURE = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=25:d=${SECONDS}`]
const TONE = ['-f', 'lavfi', '-i', `sine=440:r=44100:d=${SECONDS}`]

/** H.264 without B-pictures, a key frame each second, and AAC: what most encoders send, and small. */
const ENCODING = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25']

/**
 * ffmpeg as an encoder that publishes in real time until stopped. What it publishes was encoded before, so that a busy
 * machine does not keep it waiting.
 */
export class FfmpegPublisher implements AsyncDisposable {
  readonly #started: Promise<ChildProcess | undefined>
  readonly #errors: string[] = []
  #child: ChildProcess | undefined
  #isKilled = false

  /**
   * @param url whole address, `rtmp://host:port/app/stream`
   * @param encoding further arguments for the picture; they win over the usual ones
   */
  constructor(url: string, encoding: readonly string[] = []) {
    this.#started = this.#start(url, encoding)
    // Told to whoever stops it.
    this.#started.catch(() => {})
  }

  /** What ffmpeg complained about. */
  get errors(): string {
    return this.#errors.join('')
  }

  /** Ends the publication as `q` does in a terminal: with a goodbye. Idempotent. @throws what was to be published could not be encoded */
  async stop(): Promise<void> {
    const child = await this.#started
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(60_000) })
    child.stdin?.end('q')
    await exited
  }

  /** Ends it without a goodbye. */
  kill(): void {
    this.#isKilled = true
    this.#child?.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().finally(() => this.kill())
  }

  async #start(url: string, encoding: readonly string[]): Promise<ChildProcess | undefined> {
    const source = await cachedMedia([...PICTURE, ...TONE, ...ENCODING, ...encoding, '-c:a', 'aac'], 'flv')
    if (this.#isKilled) return undefined
    const args = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', source, '-c', 'copy', '-f', 'flv', url]
    const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] })
    // It may have ended by itself, its server gone, before it can be asked to.
    child.stdin?.on('error', () => {})
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errors.push(text))
    this.#child = child
    return child
  }
}
