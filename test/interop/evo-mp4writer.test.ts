import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EvoClient, startEvostream } from '#test/support/evostream.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const COMMAND = join(import.meta.dirname, '../../bin/evo-mp4writer')

/** Calls it as a cron job would, from some folder. */
function evoMp4writer(cwd: string, ...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(COMMAND, args, { cwd, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

test('old cron jobs find evo-mp4writer, and files that a crash left open become whole', async () => {
  await using folder = await TempFolder.make()
  await using server = await startEvostream(folder.path)
  const evo = new EvoClient(server)
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam`)
  const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=../media/x')
  await evo.untilStreaming(configId)
  await sleep(2_500)
  await server.kill()
  await publisher.stop()
  const media = folder.at('recordings', 'media')
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4']) await copyFile(join(media, 'x.mp4'), join(media, name))
  const pathOf = (name: string) => join(media, name)
  const calls: [args: readonly string[], repaired: string][] = [
    [['-path=a.mp4'], 'a.mp4'],
    [['--recovery', `-path=${pathOf('b.mp4')}`], 'b.mp4'],
    [['--recovery', 'c.mp4.mdat'], 'c.mp4'],
  ]
  for (const [args, name] of calls) {
    const { status, output } = evoMp4writer(media, ...args)
    assert.equal(status, 0, output)
    assert.match(output, new RegExp(`${name}[\\s\\S]*^repaired$`, 'm'))
    assert.ok((await ffprobe(pathOf(name))).packets.length > 0)
  }
  await program('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color', '-t', '1', pathOf('foreign.mp4')])
  const before = await stat(pathOf('foreign.mp4'))
  // The folder it is called in: what needs nothing, and what is somebody else's, is left as it is.
  const { status, output } = evoMp4writer(media, '--recovery')
  assert.equal(status, 0, output)
  assert.equal([...output.matchAll(/^repaired$/gm)].length, 2, output)
  assert.equal((await stat(pathOf('foreign.mp4'))).mtimeMs, before.mtimeMs)
  assert.equal(evoMp4writer(media, '-path=missing.mp4').status, 1)
  assert.equal(evoMp4writer(media, '--help').status, 2)
})
