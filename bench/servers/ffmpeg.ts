import { execFile, execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../support/files.ts'
import type { Result } from '../support/report.ts'
import { MissingPeerError } from './server.ts'

const run = promisify(execFile)

/** ffmpeg as an RTMP server writing fragmented MP4: one process a stream, so one stream tells the cost of each. */
export async function measureFfmpeg(folder: string, media: string, seconds: number): Promise<Result> {
  let version: string
  try {
    version = execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' }).split(' ')[2] ?? ''
  } catch {
    throw new MissingPeerError('ffmpeg', 'apt-get install ffmpeg')
  }
  const port = await freePort()
  const url = `rtmp://127.0.0.1:${port}/live/bench`
  const path = join(folder, 'ffmpeg.mp4')
  // GNU time's figures come from wait4(): exact for the finished process.
  const format = '%U %S %M'
  const fragments = ['-movflags', 'frag_keyframe+empty_moov', '-c', 'copy', '-f', 'mp4', path]
  const server = run('/usr/bin/time', [
    '-f',
    format,
    'ffmpeg',
    '-v',
    'quiet',
    '-y',
    '-listen',
    '1',
    '-i',
    url,
    ...fragments,
  ])
  await sleep(700)
  await run('ffmpeg', ['-v', 'error', '-re', '-i', media, '-c', 'copy', '-f', 'flv', url], {
    timeout: (seconds + 20) * 1000,
  })
  const { stderr } = await server
  const [user = 0, system = 0, peakKib = 0] = stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? []
  const bytes = statSync(media).size
  return {
    name: 'ffmpeg, one process a stream',
    version,
    gigabits: (bytes * 8) / 1e9,
    cpuSeconds: user + system,
    idleBytes: 0,
    peakBytes: peakKib * 1024,
    perStreamBytes: peakKib * 1024,
    sentAccessUnits: 0,
    lostAccessUnits: undefined,
    writtenBytes: statSync(path).size,
    loadBehindMs: 0,
  }
}
