import assert from 'node:assert/strict'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Scripts of the operator's, run by a whole server for what real publishers record. */

const NO_FLOOR = { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' }

async function script(folder: TempFolder, name: string, lines: string): Promise<string> {
  const path = folder.at(name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return path
}

/** The file's text, once the predicate holds. */
async function until(path: string, isIt: (text: string) => boolean): Promise<string> {
  const endsMs = performance.now() + 20_000
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (isIt(text)) return text
    if (performance.now() > endsMs) throw new Error(`${path} holds: ${text}`)
    await sleep(20)
  }
}

async function publish(url: string, ms: number): Promise<void> {
  await using publisher = new FfmpegPublisher(url)
  await sleep(ms)
  await publisher.stop()
  assert.equal(publisher.errors, '')
}

test('an executable is run for each finished part, with two arguments and the document', async () => {
  await using folder = await TempFolder.make()
  const command = await script(
    folder,
    'hook',
    `echo "$#|$1|$2|$(pwd)|$(cat | tr -d '\\n')" >> ${folder.at('out')}; env > ${folder.at('env')}`,
  )
  await writeFile(folder.at('tapedeck.yaml'), `hooks: { exec: [{ command: ./hook }] }\n`)
  await using server = await startServerProcess(folder.path, { env: { ...NO_FLOOR, SECRET_OF_MINE: 'hush' } })
  await publish(`${server.rtmp}/live/cam1`, 2_500)
  const line = await until(folder.at('out'), (text) => text.endsWith('\n'))
  const [count, path, file = '', cwd, document = ''] = line.trim().split('|')
  assert.deepEqual([count, path, cwd], ['2', 'live/cam1', folder.at('recordings')], command)
  const { type, data } = JSON.parse(document) as { type: string; data: { recording: RecordingDocument } }
  assert.equal(type, 'part.ready')
  assert.equal(file, `${folder.at('recordings')}/${data.recording.parts[0]?.path}`)
  assert.equal((await ffprobe(file)).streams.length, 2)
  const environment = await until(folder.at('env'), (text) => text.includes('TAPEDECK_EVENT='))
  assert.match(environment, new RegExp(`^TAPEDECK_FILE=${file}$`, 'm'))
  assert.ok(environment.includes(`TAPEDECK_EVENT=${document}`))
  assert.equal(environment.includes('SECRET_OF_MINE'), false)
  assert.equal(environment.includes('TAPEDECK_DATA'), false, "the server's own settings stay with it")
})
