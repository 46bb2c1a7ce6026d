import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SCRIPT = join(import.meta.dirname, 'gst-rtsp-server.py')
/** The one that Debian's packages are for, whatever else is on the path. */
const PYTHON = '/usr/bin/python3'
const INSTALL = 'apt-get install -y python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good'

/** What gst-rtsp-server.py is told. */
export interface GstRtspOptions {
  /** Path → launch line with payloaders pay0, pay1, … */
  readonly mounts: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
  /** Default: both. */
  readonly protocols?: readonly ('udp' | 'tcp')[]
  /** PEM file with certificate and key. */
  readonly tls?: string
  readonly login?: { readonly user: string; readonly password: string; readonly methods: readonly string[] }
}

/** GStreamer's RTSP server as a camera. */
export class GstRtspServer implements AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: string) {
    this.#child = child
    this.address = `127.0.0.1:${port}`
  }

  /** @throws with the line to install it when it is missing */
  static async start(options: GstRtspOptions): Promise<GstRtspServer> {
    const child = spawn(PYTHON, [SCRIPT, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2000)
    })
    child.once('error', (error) => {
      errors += error.message
    })
    for await (const port of createInterface({ input: child.stdout })) {
      child.stdout.resume()
      return new GstRtspServer(child, port)
    }
    throw new Error(`GStreamer's RTSP server did not start: ${errors}\nIs it there? ${INSTALL}`)
  }

  /** Ends it without a goodbye to anybody. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
