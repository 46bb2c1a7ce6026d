import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScriptJob, ScriptOutcome } from '#control/scripts.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { HookLedger } from '../../src/facades/flashphoner/hook-ledger.ts'
import { RecordHooks } from '../../src/facades/flashphoner/record-hooks.ts'
import { LABELS } from '../../src/facades/flashphoner/recordings.ts'

const OK: ScriptOutcome = {
  result: 'ok',
  exitCode: 0,
  signal: null,
  timedOut: false,
  missing: false,
  isPassing: false,
  problem: null,
  output: '',
  durationMs: 0,
}

/** Runs of a server that share catalog and ledger: what each has called its script with. */
async function withHooks(
  fixture: RecorderFixture,
  outcome: ScriptOutcome,
  during: () => Promise<void>,
): Promise<string[]> {
  const jobs: ScriptJob[] = []
  const scripts = {
    run: async (job: ScriptJob) => {
      jobs.push(job)
      await sleep(1)
      return outcome
    },
  }
  const { runtime, recorder, folder } = fixture
  const ledger = await HookLedger.open(folder.at('hooks-run.txt'))
  await using hooks = new RecordHooks({ runtime, recorder, scripts, script: '/hook', multipleScript: '', ledger })
  await hooks.catchUp()
  await during()
  await sleep(100)
  return jobs.map(({ args }) => `${args[0]} ${args[1]?.slice(fixture.root.length + 1)}`)
}

test('a script runs once for each part, and again only when it was interrupted', async () => {
  await using fixture = await RecorderFixture.open()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 3 })
  const record = async (name: string, metadata: Record<string, string>) => {
    const publisher = fixture.publish(`live/${name}`)
    const request = { name, numbering: 'lastPlain', rotate: { seconds: 1 }, metadata } as const
    const { id } = await fixture.start({ stream: `live/${name}`, ...request })
    await publisher.sendSlowly(source.units)
    await fixture.recorder.stop(id)
    publisher.end('unpublished')
  }
  const ours = (name: string) => record(name, { [LABELS.streamName]: `stream ${name}` })
  const partsOf = (name: string) => ['_1', '_2', ''].map((part) => `stream ${name} ${name}${part}.mp4`)

  assert.deepEqual(await withHooks(fixture, OK, () => ours('a')), partsOf('a'))
  // Somebody else's recordings are somebody else's.
  assert.deepEqual(await withHooks(fixture, OK, () => record('core', {})), [])
  const interrupted: ScriptOutcome = { ...OK, result: 'not-run', isPassing: true }
  assert.deepEqual(await withHooks(fixture, interrupted, () => ours('b')), partsOf('b'))
  assert.deepEqual(await withHooks(fixture, interrupted, async () => {}), partsOf('b'))
  assert.deepEqual(await withHooks(fixture, OK, () => ours('c')), [...partsOf('b'), ...partsOf('c')])
  assert.deepEqual(await withHooks(fixture, OK, async () => {}), [])
  // While nobody listens.
  await ours('d')
  await ours('e')
  const failed: ScriptOutcome = { ...OK, result: 'failed', exitCode: 1 }
  assert.deepEqual(await withHooks(fixture, failed, async () => {}), [...partsOf('d'), ...partsOf('e')])
  assert.deepEqual(await withHooks(fixture, OK, async () => {}), [])
  const lines = (await readFile(fixture.folder.at('hooks-run.txt'), 'utf8')).trimEnd().split('\n')
  assert.ok(lines.length < 20, `${lines.length} lines are left`)
})

test('the script runs for what the end of the server finishes, before the server has ended', async () => {
  await using wcs = await Installation.make()
  await wcs.hook('printf "%s %s\\0" "$1" "$2" >> "$LOG"')
  const properties = 'record_flash_published_streams=true\nstream_record_policy=streamName\n'
  const server = await wcs.start(properties)
  const names = ['a', 'b', 'c', 'd']
  const publishers = names.map((name) => new FfmpegPublisher(`${server.rtmp}/live/${name}`))
  await eventually(async () => (await wcs.files()).length === names.length, 'all are recorded')
  await sleep(1_000)
  await server.stop()
  const expected = names.map((name) => `${name} ${wcs.path(`${name}.mp4`)}`)
  assert.deepEqual((await wcs.hookLog()).toSorted(), expected)
  for (const publisher of publishers) await publisher.stop()
  // It is noted: nothing is left for the next start.
  await wcs.start(properties)
  await sleep(500)
  assert.equal((await wcs.hookLog()).length, names.length)
})
