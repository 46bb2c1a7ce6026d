import assert from 'node:assert/strict'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HookDocument } from '#hooks/hook-tally.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Scripts of the operator's, run by a whole server for what real publishers record. */

const NO_FLOOR = { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' }
const WAIT_MS = 60_000
/** Levels are numbers in the log. */
const PINO_WARN = 40

async function script(folder: TempFolder, name: string, lines: string): Promise<string> {
  const path = folder.at(name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return path
}

async function until<Value>(what: string, look: () => Promise<Value>, isIt: (value: Value) => boolean): Promise<Value> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const value = await look()
    if (isIt(value)) return value
    if (performance.now() > endsMs) throw new Error(`waited for ${what}; it is ${JSON.stringify(value)}`)
    await sleep(20)
  }
}

/** The file's lines, once there are so many. */
async function lines(path: string, count: number): Promise<readonly string[]> {
  const look = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  return until(`${count} lines in ${path}`, look, ({ length }) => length >= count)
}

async function publish(url: string, ms: number): Promise<void> {
  await using publisher = new FfmpegPublisher(url)
  await sleep(ms)
  await publisher.stop()
  assert.equal(publisher.errors, '')
}

async function hooksOf(server: ServerProcess): Promise<readonly HookDocument[]> {
  const response = await fetch(new URL('api/v1/hooks', server.page))
  return ((await response.json()) as { hooks: HookDocument[] }).hooks
}

/** Entries of the log with this event. */
function logged(server: ServerProcess, event: string): readonly Record<string, unknown>[] {
  return server.log.map((line) => JSON.parse(line)).filter((entry) => entry.event === event)
}

test('an executable is run for each finished part, with two arguments and the document', async () => {
  await using folder = await TempFolder.make()
  const out = folder.at('out')
  await script(folder, 'hook', `echo "$#|$1|$2|$(pwd)|$(cat | tr -d '\\n')" >> ${out}; env > ${folder.at('env')}`)
  await writeFile(folder.at('tapedeck.yaml'), 'hooks: { exec: [{ command: ./hook }] }\n')
  await using server = await startServerProcess(folder.path, { env: { ...NO_FLOOR, SECRET_OF_MINE: 'hush' } })
  await publish(`${server.rtmp}/live/cam1`, 2_500)
  const [line = ''] = await lines(out, 1)
  const [count, path, file = '', cwd, document = ''] = line.split('|')
  assert.deepEqual([count, path, cwd], ['2', 'live/cam1', folder.at('recordings')])
  const { type, data } = JSON.parse(document) as { type: string; data: { recording: RecordingDocument } }
  assert.equal(type, 'part.ready')
  assert.equal(file, `${folder.at('recordings')}/${data.recording.parts[0]?.path}`)
  assert.equal((await ffprobe(file)).streams.length, 2)
  const look = () => readFile(folder.at('env'), 'utf8').catch(() => '')
  const environment = await until('the environment', look, (text) => text.includes('TAPEDECK_EVENT='))
  assert.ok(environment.includes(`TAPEDECK_FILE=${file}\n`))
  assert.ok(environment.includes(`TAPEDECK_EVENT=${document}\n`))
  assert.equal(environment.includes('SECRET_OF_MINE'), false)
  assert.equal(environment.includes('TAPEDECK_DATA'), false, "the server's own settings stay with it")
})

test('hooks that hang, fail or are missing disturb neither the recording nor each other', async () => {
  await using folder = await TempFolder.make()
  const out = folder.at('out')
  await script(folder, 'hangs', `echo "hangs $TAPEDECK_EVENT_TYPE" >> ${out}; sleep 300`)
  await script(folder, 'fails', `echo "fails $3" >> ${out}; echo what is wrong >&2; exit 7`)
  await script(folder, 'works', `echo "works $3" >> ${out}`)
  await writeFile(
    folder.at('tapedeck.yaml'),
    `rules: [{ match: '**', request: { rotate: { seconds: 1 } } }]
hooks:
  exec:
    - { name: hangs, command: ./hangs, timeoutMs: 1500, events: [recording.started] }
    - { name: fails, command: ./fails, args: ['{path}', '{file}', '{part}'] }
    - { name: none, command: ./none }
    - { name: works, command: ./works, args: ['{path}', '{file}', '{part}'] }
`,
  )
  await using server = await startServerProcess(folder.path, { env: NO_FLOOR })
  await publish(`${server.rtmp}/live/cam1`, 4_500)
  const api = new ApiClient(server)
  const [{ id } = { id: '' }] = await api.recordings()
  // Final although the first hook of the stream still hangs, or has just been ended: nothing waits for hooks.
  const recording = await api.until(id, 'ready', ({ state }) => state === 'ready')
  assert.ok(recording.parts.length >= 3, `${recording.parts.length}`)
  const parts = recording.parts.map(({ index }) => String(index))
  const told = await lines(out, 1 + 2 * parts.length)
  for (const name of ['fails', 'works']) {
    const own = told.filter((line) => line.startsWith(name)).map((line) => line.split(' ')[1])
    assert.deepEqual(own, parts, 'in order, each once')
  }
  const hooks = await until(
    'four outcomes',
    () => hooksOf(server),
    (all) => all.every(({ deliveries }) => deliveries.pending === 0),
  )
  assert.deepEqual(
    hooks.map(({ name, deliveries, lastAttempt }) => [
      name,
      deliveries.delivered,
      deliveries.dead,
      lastAttempt?.status,
    ]),
    [
      ['hangs', 0, 1, null],
      ['fails', 0, parts.length, 7],
      ['none', 0, parts.length, null],
      ['works', parts.length, 0, 0],
    ],
  )
  assert.equal(logged(server, 'script.missing').length, 1)
  const failures = logged(server, 'script.failed')
  assert.ok(failures.some(({ result }) => result === 'timed-out'))
  assert.ok(failures.some(({ output, exitCode }) => output === 'what is wrong' && exitCode === 7))
  const metrics = await (await fetch(new URL('metrics', server.page))).text()
  assert.match(metrics, /tapedeck_hook_runs_total\{outcome="timed-out"\} 1/)
  assert.match(metrics, new RegExp(`tapedeck_deliveries\\{hook="works",state="delivered"\\} ${parts.length}`))
})

test('a hook may take the file, and its folder, away', async () => {
  await using folder = await TempFolder.make()
  await script(folder, 'moves', `rm -r "$(dirname "$2")"; echo "$2" >> ${folder.at('out')}`)
  await writeFile(folder.at('tapedeck.yaml'), 'hooks: { exec: [{ command: ./moves }] }\n')
  const ids: string[] = []
  for (let run = 0; run < 2; run++) {
    await using server = await startServerProcess(folder.path, { env: NO_FLOOR })
    const api = new ApiClient(server)
    await publish(`${server.rtmp}/live/cam${run}`, 1_500)
    await lines(folder.at('out'), run + 1)
    for (const { id } of await api.recordings()) {
      const { state, parts } = await api.until(id, 'ready', (recording) => recording.state === 'ready')
      assert.deepEqual([state, parts.length], ['ready', 1])
      const part = await fetch(new URL(`api/v1/recordings/${id}/parts/1`, server.page))
      assert.equal(part.status, 404)
      assert.equal(((await part.json()) as { code: string }).code, 'api/part-file-missing')
      const poster = await fetch(new URL(`api/v1/recordings/${id}/poster.jpg`, server.page))
      assert.equal(poster.status, 404)
      ids.push(id)
    }
    // What the operator has taken away himself is no trouble of the server's.
    const entries = server.log.map((line) => JSON.parse(line))
    const troubles = entries.filter(({ level, event }) => level >= PINO_WARN && event !== 'api.no-dashboard')
    assert.deepEqual(troubles, [])
    const [last = ''] = ids.slice(-1)
    const deletion = await fetch(new URL(`api/v1/recordings/${last}`, server.page), { method: 'DELETE' })
    assert.equal(deletion.status, 204, await deletion.text())
  }
})

test('what becomes final as the server stops has its hook: at once when there is time, else at the next start', async () => {
  await using folder = await TempFolder.make()
  const out = folder.at('out')
  await script(folder, 'hook', `test -e ${folder.at('slow')} && sleep 20; echo "$1" >> ${out}`)
  await writeFile(folder.at('tapedeck.yaml'), 'hooks: { exec: [{ command: ./hook }] }\n')
  for (const camera of ['quick', 'slow']) {
    await writeFile(folder.at(camera), '')
    await using server = await startServerProcess(folder.path, { env: NO_FLOOR })
    await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/${camera}`)
    const api = new ApiClient(server)
    await until(
      'a recording',
      () => api.recordings(),
      (all) => all.some(({ state, stream }) => stream === `live/${camera}` && state === 'recording'),
    )
    await server.stop()
  }
  assert.deepEqual(await lines(out, 1), ['live/quick'])
  await rm(folder.at('slow'))
  await using _server = await startServerProcess(folder.path, { env: NO_FLOOR })
  assert.deepEqual(await lines(out, 2), ['live/quick', 'live/slow'])
})

test('a hook that was running when the server was killed runs again, and a part that recovery finishes has its hook', async () => {
  await using folder = await TempFolder.make()
  const out = folder.at('out')
  // The first run of each part lasts until the server is gone.
  await script(folder, 'hook', `echo "$TAPEDECK_ATTEMPT $2" >> ${out}; test -e ${folder.at('quick')} || sleep 20`)
  await writeFile(
    folder.at('tapedeck.yaml'),
    `rules: [{ match: '**', request: { rotate: { seconds: 1 } } }]\nhooks: { exec: [{ command: ./hook }] }\n`,
  )
  {
    await using server = await startServerProcess(folder.path, { env: NO_FLOOR })
    await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
    await lines(out, 1)
    await sleep(1_500)
    await server.kill()
  }
  await writeFile(folder.at('quick'), '')
  await using server = await startServerProcess(folder.path, { env: NO_FLOOR })
  const api = new ApiClient(server)
  const [{ id } = { id: '' }] = await api.recordings()
  const { parts } = await api.until(id, 'ready', ({ state }) => state === 'ready')
  assert.ok(parts.length >= 2)
  const files = parts.map(({ root, path }) => `${root}/${path}`)
  const look = async () => (await lines(out, 1)).map((line) => line.slice(line.indexOf(' ') + 1))
  const runs = await until('a run for each', look, (all) => files.every((file) => all.includes(file)))
  assert.ok(runs.filter((file) => file === files[0]).length >= 2, 'what was cut off is run again')
  assert.deepEqual([...new Set(runs)], files, 'in order')
})
