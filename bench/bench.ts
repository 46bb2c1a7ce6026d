/**
 * npm run bench -- [--publishers 100] [--seconds 120] [--kbps 2500] [--only tapedeck-mp4,nginx] [--json FILE]
 *
 * Records the same prepared stream many times over with Tapedeck and with what else is here, one after the other on
 * this machine, and prints server CPU seconds per Gbit received, memory, loss, and the ratios.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { measureFfmpeg } from './servers/ffmpeg.ts'
import { startNginxRtmp } from './servers/nginx-rtmp.ts'
import { type BenchServer, MissingPeerError } from './servers/server.ts'
import { startSink } from './servers/sink.ts'
import { startTapedeck } from './servers/tapedeck.ts'
import { benchMedia } from './support/media.ts'
import { usageOf } from './support/process-usage.ts'
import { type Result, report } from './support/report.ts'

const run = promisify(execFile)
const { values } = parseArgs({
  options: {
    publishers: { type: 'string', default: '100' },
    // Long enough that starting, in which the runtime compiles, is not what is measured.
    seconds: { type: 'string', default: '120' },
    kbps: { type: 'string', default: '2500' },
    only: { type: 'string', default: '' },
    json: { type: 'string', default: 'bench-results.json' },
  },
})
const publishers = Number(values.publishers)
const seconds = Number(values.seconds)
const media = benchMedia(Number(values.kbps), seconds)

const STARTERS: Readonly<Record<string, (folder: string) => Promise<BenchServer>>> = {
  'tapedeck-mp4': (folder) => startTapedeck(folder, 'mp4'),
  'tapedeck-flv': (folder) => startTapedeck(folder, 'flv'),
  'tapedeck-ts': (folder) => startTapedeck(folder, 'ts'),
  nginx: startNginxRtmp,
  sink: startSink,
}
const only = values.only === '' ? [...Object.keys(STARTERS), 'ffmpeg'] : values.only.split(',')
const results: Result[] = []
for (const key of only) {
  const folder = mkdtempSync(join(tmpdir(), 'tapedeck-bench-run-'))
  try {
    const start = STARTERS[key]
    results.push(start === undefined ? await measureFfmpeg(folder, media, seconds) : await measure(await start(folder)))
  } catch (error) {
    if (!(error instanceof MissingPeerError)) throw error
    console.error(error.message)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
report(results)
writeFileSync(values.json, `${JSON.stringify({ publishers, seconds, kbps: Number(values.kbps), results }, null, 2)}\n`)
if (results.some(({ lostAccessUnits }) => (lostAccessUnits ?? 0) > 0)) process.exitCode = 1

async function measure(server: BenchServer): Promise<Result> {
  const idle = usageOf(server.pid)
  let peakBytes = idle.residentBytes
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, usageOf(server.pid).residentBytes)
  }, 500)
  const load = join(import.meta.dirname, 'support/load.ts')
  const args = [load, String(server.port), server.app, String(publishers), media]
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 20 })
  const lostAccessUnits = await server.settle()
  clearInterval(watch)
  const sent = JSON.parse(stdout) as { sentBytes: number; accessUnits: number; latestMs: number }
  const cpuSeconds = usageOf(server.pid).cpuSeconds - idle.cpuSeconds
  const writtenBytes = server.writtenBytes()
  await server.stop()
  return {
    name: server.name,
    version: server.version,
    gigabits: (sent.sentBytes * 8) / 1e9,
    cpuSeconds,
    idleBytes: idle.residentBytes,
    peakBytes,
    perStreamBytes: (peakBytes - idle.residentBytes) / publishers,
    sentAccessUnits: sent.accessUnits,
    lostAccessUnits,
    writtenBytes,
    loadBehindMs: sent.latestMs,
  }
}
