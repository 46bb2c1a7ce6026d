import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import { type BenchServer, MissingPeerError } from './server.ts'

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so'

/** nginx with its RTMP module, one worker, recording every stream to FLV. */
export async function startNginxRtmp(folder: string): Promise<BenchServer> {
  if (!existsSync(MODULE)) throw new MissingPeerError('nginx-rtmp', 'apt-get install libnginx-mod-rtmp nginx-light')
  const port = await freePort()
  const records = join(folder, 'nginx')
  mkdirSync(records, { recursive: true, mode: 0o777 })
  const configPath = join(folder, 'nginx.conf')
  writeFileSync(
    configPath,
    `load_module ${MODULE};
daemon off; master_process off; worker_processes 1; pid ${join(folder, 'nginx.pid')}; error_log ${join(folder, 'nginx.log')} error;
events { worker_connections 2048; }
rtmp { server { listen 127.0.0.1:${port}; chunk_size 4096; access_log off;
  application live { live on; record all; record_path ${records}; record_unique off; } } }
`,
  )
  const child = spawn('nginx', ['-c', configPath, '-p', folder], { stdio: 'ignore' })
  await sleep(500)
  if (child.pid === undefined || child.exitCode !== null)
    throw new Error(`nginx did not start: see ${folder}/nginx.log`)
  const version = execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).trim()
  return {
    name: 'nginx-rtmp (FLV)',
    version: version.replace('nginx version: ', ''),
    pid: child.pid,
    port,
    app: 'live',
    settle: async () => {
      await sleep(500)
      return undefined
    },
    writtenBytes: () => bytesBelow(records),
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
