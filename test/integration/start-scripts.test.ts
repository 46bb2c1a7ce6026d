import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ffprobe } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const SCRIPTS = join(import.meta.dirname, '../../scripts')
const PRIVATE = [
  '--api-listen',
  '127.0.0.1:0',
  '--rtmp-listen',
  '127.0.0.1:0',
  '--rtsp-listen',
  '127.0.0.1:0',
  '--webrtc-udp',
  '127.0.0.1:0',
  '--log-level',
  'warn',
]

/** Starts one of the scripts behind npm start and npm run demo, and reads the lines it prints until `last`. */
async function startScript(
  script: string,
  folder: TempFolder,
  last: RegExp,
): Promise<{ child: ChildProcess; lines: string[] }> {
  const where = ['--data', folder.at('data'), '--recordings', folder.at('recordings')]
  const child = spawn('node', [join(SCRIPTS, script), ...where, ...PRIVATE], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (last.test(line)) break
  }
  clearTimeout(timer)
  child.stdout.resume()
  return { child, lines }
}

async function end(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(60_000) })
  child.kill('SIGTERM')
  const [exitCode] = await exited
  return exitCode
}

test('npm start prints where to publish, where files go and where to watch, and ends on SIGTERM', async () => {
  await using folder = await TempFolder.make()
  const { child, lines } = await startScript('start.mjs', folder, /^Watch/)
  try {
    assert.match(
      lines.join('\n'),
      /^Publish {2}ffmpeg -re .* 'rtmp:\/\/127\.0\.0\.1:\d+\/live\/cam1' .*OBS: server .*\nRTSP {5}rtsp:\/\/127\.0\.0\.1:\d+\/live\/cam1 .*\nWebRTC {3}http:\/\/127\.0\.0\.1:\d+\/whip\/live\/cam1 .*\nFiles {4}\/.*\/recordings\nWatch {4}http:\/\/127\.0\.0\.1:\d+\/$/,
    )
    const page = lines.at(-1)?.split(/\s+/)[1] ?? ''
    assert.equal((await fetch(`${page}healthz`)).status, 200)
  } finally {
    assert.equal(await end(child), 0)
  }
})

test('npm run demo has a playable recording within ten seconds', async () => {
  await using folder = await TempFolder.make()
  const { child } = await startScript('demo.mjs', folder, /^Watch/)
  try {
    const clips = folder.at('recordings', 'demo', 'clock')
    let streams: string[] = []
    // A machine under load may take longer than ten seconds; how long is no matter of correctness.
    for (let attempt = 0; attempt < 300 && streams.length < 2; attempt++) {
      await sleep(100)
      const [name] = await readdir(clips).catch(() => [])
      if (name === undefined) continue
      const seen = await ffprobe(join(clips, name)).catch(() => undefined)
      streams = (seen?.streams ?? []).map(({ codec_name }) => codec_name)
    }
    assert.deepEqual(streams.sort(), ['aac', 'h264'])
  } finally {
    assert.equal(await end(child), 0)
  }
})
