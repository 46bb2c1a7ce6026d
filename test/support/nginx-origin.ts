import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import type { TempFolder } from './temp-folder.ts'

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so'
const START_TIMEOUT_MS = 60_000

/** nginx with its RTMP module, which passes streams on. */
export class NginxOrigin implements AsyncDisposable {
  /** `rtmp://127.0.0.1:port` */
  readonly rtmp: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.rtmp = `rtmp://127.0.0.1:${port}`
  }

  /** @throws with the line to install it when it is missing */
  static async start(folder: TempFolder): Promise<NginxOrigin> {
    if (!existsSync(MODULE)) throw new Error('nginx-rtmp is missing: apt-get install -y libnginx-mod-rtmp nginx-light')
    const port = await freePort()
    const config = folder.at('nginx.conf')
    await writeFile(
      config,
      `load_module ${MODULE};
daemon off; master_process off; worker_processes 1; pid ${folder.at('nginx.pid')}; error_log ${folder.at('nginx.log')} error;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:${port}; chunk_size 4096; access_log off; application live { live on; } } }
`,
    )
    const child = spawn('nginx', ['-c', config, '-p', folder.path], { stdio: 'ignore' })
    const endsMs = performance.now() + START_TIMEOUT_MS
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() > endsMs) throw new Error('nginx did not start')
      await sleep(20)
    }
    return new NginxOrigin(child, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
