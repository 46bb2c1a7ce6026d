import assert from 'node:assert/strict'
import { watch } from 'node:fs'
import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { runJob } from '#facades/agora/conversion/job.ts'
import { fileJobLog } from '#facades/agora/conversion/job-log.ts'
import { JobRunningError } from '#facades/agora/errors.ts'
import { readMetadata } from '#facades/agora/metadata-file.ts'
import { AgoraServer, eventually, PROJECT, recordingKey } from '#test/support/agora.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'
import { assertChromiumPlays } from '#test/support/played-part.ts'
import { tapedeckCommand } from '#test/support/tapedeck-command.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/**
 * The compatibility checklist of the vendor's recording server: a test for each line, its title the line's own words.
 * Those of its keys are in src/facades/agora/keys, those that need another clock in test/integration/agora.test.ts.
 */

test('the guide has every line in its table, and whether it works', async () => {
  const files = ['interop/agora-checklist.test.ts', '../src/facades/agora/keys/keys.test.ts']
  const texts = await Promise.all(files.map((file) => readFile(join(import.meta.dirname, '..', file), 'utf8')))
  const titles = texts.flatMap((text) => [...text.matchAll(/^ *test\('([^']+)', (?:async )?\(\)/gm)])
  const [own, ...lines] = titles.map(([, title = '']) => title)
  assert.ok(own?.startsWith('the guide') && lines.length > 19)
  const guide = await readFile(new URL('../../docs/guide/coming-from-agora.md', import.meta.url), 'utf8')
  const rows = new Map([...guide.matchAll(/^\| (.+) \| (.+) \|$/gm)].map(([, line = '', state = '']) => [line, state]))
  // The last of the keys' tests is no line of the checklist.
  for (const line of lines.slice(0, -1)) assert.match(rows.get(line) ?? 'missing', /^works/, line)
})

/** Long enough for a key frame and a fragment. */
const A_WHILE_MS = 1_500

/** Within this a busy machine begins the files of those who are there. */
const BEGIN_SECONDS = 15

/** How much later a file began, by its name, than the recording of its channel. */
function secondsAfterDirectory(path: string): number {
  const [, directory = '', own = ''] = /_(\d{6})\/\d+_(\d{6})\./.exec(path) ?? []
  const seconds = (time: string) =>
    Number(time.slice(0, 2)) * 3600 + Number(time.slice(2, 4)) * 60 + Number(time.slice(4))
  return (seconds(own) - seconds(directory) + 86_400) % 86_400
}

async function recordFor(ars: AgoraServer, channel: string, ...uids: readonly number[]): Promise<string> {
  await using publishers = new AsyncDisposableStack()
  for (const uid of uids) publishers.use(ars.publish(channel, uid))
  await ars.present(channel, ...uids)
  const { directory = '' } = await ars.record(channel)
  await ars.flowing(directory)
  assert.equal((await ars.stop(channel)).error, 0)
  return directory
}

// They mostly wait for media to come.
await suite('The checklist', { concurrency: 3 }, () => {
  test('First start of the day makes `yyyy_mm_dd`; no start, no directory. `Channel_HHMMSS` has Metadata.txt at once with the four lines in order and the tag given.', async () => {
    await using ars = await AgoraServer.run()
    await using _ = ars.publish('room', 1)
    await ars.present('room', 1)
    await sleep(500)
    assert.deepEqual(await ars.files(), [])
    const { directory = '' } = await ars.record('room', { tag: 'for the court' })
    assert.match(directory, /^\d{4}_\d{2}_\d{2}\/room_\d{6}$/)
    const text = await ars.read(`${directory}/Metadata.txt`)
    const lines = ['<version>1.0</version>', '<tag>for the court</tag>', '<channel name>room</channel name>']
    assert.equal(text, `${[...lines, '<error status><status>'].join('\n')}\n`)
    assert.equal(readMetadata(text)?.tag, 'for the court')
  })

  test('Two participants: two `UID_HHMMSS.tmp`, each with only its own media; late joiner’s HHMMSS is its own; three channels at once do not mix.', async () => {
    await using ars = await AgoraServer.run()
    const users = [
      { channel: 'a', uid: 1, size: '320x180' },
      { channel: 'b', uid: 1, size: '160x90' },
      { channel: 'c', uid: 4_294_967_295, size: '64x36' },
    ]
    await using publishers = new AsyncDisposableStack()
    for (const { channel, uid, size } of users) publishers.use(ars.publish(channel, uid, ['-s', size]))
    for (const { channel, uid } of users) await ars.present(channel, uid)
    const started = await Promise.all(users.map(({ channel }) => ars.record(channel)))
    await sleep(1_100)
    publishers.use(ars.publish('a', 22, ['-s', '128x72']))
    await ars.present('a', 22)
    await sleep(A_WHILE_MS)
    await Promise.all(users.map(({ channel }) => ars.stop(channel)))
    const files = (await ars.files()).filter((file) => file.endsWith('.tmp'))
    const expected: [RegExp, number][] = [
      [/\/a_\d{6}\/1_\d{6}\.tmp$/, 320],
      [/\/a_\d{6}\/22_\d{6}\.tmp$/, 128],
      [/\/b_\d{6}\/1_\d{6}\.tmp$/, 160],
      [/\/c_\d{6}\/4294967295_\d{6}\.tmp$/, 64],
    ]
    assert.equal(files.length, 4, files.join())
    assert.equal(new Set(started.map(({ directory }) => directory)).size, 3)
    const [first, late] = files.map(secondsAfterDirectory)
    assert.ok(late !== undefined && first !== undefined && late > first, files.join())
    for (const [index, [name, width]] of expected.entries()) {
      assert.match(files[index] ?? '', name)
      assert.ok(secondsAfterDirectory(files[index] ?? '') < BEGIN_SECONDS, files[index])
      const { streams } = await ffprobe(ars.path(files[index] ?? ''))
      assert.deepEqual(streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'])
      assert.equal(streams.find(({ codec_type: kind }) => kind === 'video')?.width, width)
    }
  })

  test('Channel `.hidden` records, transcodes, and is listed; channel with `/` or 65 bytes: 102, nothing written.', async () => {
    await using ars = await AgoraServer.run({ CONVERT_WHEN: 'atOnce' })
    const directory = await recordFor(ars, '.hidden', 7)
    assert.match(directory, /\/\.hidden_\d{6}$/)
    const made = async () => (await ars.files()).filter((path) => path.endsWith('.mp4'))
    await eventually(async () => (await made()).length > 0, 'the MP4')
    const [file = '', ...others] = await made()
    assert.deepEqual(others, [])
    const stem = file.slice(0, -'.mp4'.length)
    assert.match(stem.slice(directory.length), /^\/7_\d{6}$/)
    assert.ok(secondsAfterDirectory(file) < BEGIN_SECONDS, file)
    const response = await fetch(`${ars.server.page}api/v1/recordings`)
    const { recordings } = (await response.json()) as { recordings: { parts: { path: string }[] }[] }
    assert.deepEqual(
      recordings.flatMap(({ parts }) => parts.map(({ path }) => path)),
      [`${stem}.tmp`],
    )
    const before = await ars.files()
    for (const channel of ['a/b', '../up', 'c'.repeat(65), 'a\\b']) {
      const { http, error } = await ars.record(channel)
      assert.deepEqual([http, error], [400, 102], channel)
    }
    assert.deepEqual(await ars.files(), before)
  })

  test('start, start: one directory. stop, stop: second ignored, no error. Stop by another participant than the starter works. Stop or start with a bad key changes nothing.', async () => {
    await using ars = await AgoraServer.run()
    await using _ = ars.publish('room', 1)
    await ars.present('room', 1)
    const bad = { recordingKey: recordingKey('other room') }
    assert.deepEqual(await refusalOf(ars.record('room', bad)), [403, 110])
    assert.equal(await ars.status('room'), 0)
    const first = await ars.record('room', { tag: 'first' })
    const [second, third] = await Promise.all([ars.record('room', { tag: 'second' }), ars.record('room')])
    assert.deepEqual([second.directory, third.directory], [first.directory, first.directory])
    assert.equal(readMetadata(await ars.read(`${first.directory}/Metadata.txt`))?.tag, 'first')
    assert.deepEqual(await refusalOf(ars.stop('room', bad)), [403, 110])
    assert.equal(await ars.status('room'), 1)
    const ofTwo = { uid: 2, recordingKey: recordingKey('room', { uid: 2 }) }
    for (const answer of [await ars.stop('room', ofTwo), await ars.stop('room', ofTwo)]) {
      assert.deepEqual([answer.http, answer.error, answer.status], [200, 0, 0])
    }
    const directories = new Set((await ars.files()).map(dirname))
    assert.deepEqual([...directories], [first.directory])
  })

  test('refresh without key: 0 before, 1 during, 0 after, from any participant.', async () => {
    await using ars = await AgoraServer.run()
    const service = (await import(await asModule(ars, '/recording-service.js'))) as ClientModule
    const [one, two] = [1, 2].map((uid) => new service.RecordingService(ars.web, { channel: 'my room', uid }))
    assert.ok(one !== undefined && two !== undefined)
    const ask = (client: RecordingClient) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      client.onRefreshRecordingServiceStatus = resolve
      assert.equal(client.refreshRecordingServiceStatus(), 0)
      return promise
    }
    const done = (client: RecordingClient, call: 'startRecordingService' | 'stopRecordingService', key: string) => {
      const { promise, resolve } = Promise.withResolvers<readonly [string, number]>()
      client.onApiCallExecuted = (api, error) => resolve([api, error])
      assert.equal(client[call](key), 0)
      return promise
    }
    // As ffmpeg and OBS take URLs.
    await using _ = ars.publish('my%20room', 1)
    await ars.present('my%20room', 1)
    assert.deepEqual([await ask(one), await ask(two)], [0, 0])
    assert.deepEqual(await done(one, 'startRecordingService', recordingKey('x')), ['startRecordingService', 110])
    assert.equal(one.startRecordingService(''), -2)
    assert.deepEqual(await done(one, 'startRecordingService', recordingKey('my room')), ['startRecordingService', 0])
    assert.deepEqual([await ask(one), await ask(two)], [1, 1])
    assert.deepEqual(await done(two, 'stopRecordingService', recordingKey('my room')), ['stopRecordingService', 0])
    assert.deepEqual([await ask(one), await ask(two)], [0, 0])
  })

  test('Last user leaves: stopped within the timeout and `.tmp` closed; client killed: same; server killed and restarted: `.tmp` of before still converts.', async () => {
    await using ars = await AgoraServer.run({ EMPTY_SECONDS: '2' })
    const isStopped = async () => (await ars.status('room')) === 0
    for (const end of ['stop', 'kill'] as const) {
      await using publisher = ars.publish('room', 1)
      await ars.present('room', 1)
      const { directory } = await ars.record('room')
      await ars.flowing(directory)
      const leftMs = performance.now()
      await publisher[end]()
      await eventually(isStopped, 'the stop')
      if (end === 'kill') assert.ok(performance.now() - leftMs > 1_000, 'somebody who was lost may come back')
      const [file = ''] = (await ars.files()).filter((path) => path.startsWith(`${directory}/1_`))
      assert.ok((await ffprobe(ars.path(file))).packets.length > 20)
    }
    await using _ = ars.publish('room', 5)
    await ars.present('room', 5)
    const { directory = '' } = await ars.record('room')
    await ars.flowing(directory)
    await ars.server.kill()
    const [file = ''] = (await ars.files()).filter((path) => path.startsWith(`${directory}/5_`))
    await ars.start({ CONVERT_WHEN: 'never' })
    assert.equal(await ars.status('room'), 0)
    const { output } = await tapedeckCommand(ars.folder.path, [
      'agora',
      'transcode',
      '--path',
      ars.root,
      '--log',
      ars.folder.at('log'),
    ])
    assert.match(output, /^3 converted, 0 failed/m)
    const { packets } = await ffprobe(ars.path(file.replace(/tmp$/, 'mp4')))
    assert.ok(packets.length > 20)
  })

  test('start again after stop: new directory.', async () => {
    await using ars = await AgoraServer.run()
    await using _ = ars.publish('room', 1)
    await ars.present('room', 1)
    const directories: (string | undefined)[] = []
    for (let round = 0; round < 3; round++) {
      directories.push((await ars.record('room')).directory)
      await ars.stop('room')
    }
    assert.equal(new Set(directories).size, 3, directories.join())
    // In one second they are told apart by a number.
    for (const directory of directories) assert.match(directory ?? '', /\/room_\d{6}(_\d)?$/)
  })

  test('End without stop: documented tail policy (no 30 s of silence by default).', async () => {
    await using ars = await AgoraServer.run({ EMPTY_SECONDS: '1' })
    await using publisher = ars.publish('room', 1)
    await ars.present('room', 1)
    await ars.flowing((await ars.record('room')).directory)
    publisher.kill()
    await eventually(async () => (await ars.status('room')) === 0, 'the stop')
    const [file = ''] = (await ars.files()).filter((path) => path.endsWith('.tmp'))
    const { format } = await ffprobe(ars.path(file))
    assert.ok(Number(format.duration) < 25, format.duration)
    const guide = await readFile(new URL('../../docs/guide/coming-from-agora.md', import.meta.url), 'utf8')
    assert.match(guide, /silence/)
  })

  /** A tree as a server has left it. */
  class Tree implements AsyncDisposable {
    readonly folder: TempFolder
    readonly log: string
    nowMs = Date.UTC(2016, 5, 13, 12)

    constructor(folder: TempFolder) {
      this.folder = folder
      this.log = folder.at('agora_hourly.log')
    }

    /** Puts a finished recording of three seconds there. */
    async add(path: string, content?: Uint8Array): Promise<string> {
      const file = this.folder.at('root', path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content ?? (await readFile(recorded)))
      return file
    }

    async run(isRecorded: (path: string) => boolean = () => false) {
      const runtime = { nowMs: () => this.nowMs, log: SILENT_LOGGER }
      return runJob({
        root: this.folder.at('root'),
        container: mp4,
        isUtc: true,
        nowMs: () => this.nowMs,
        log: fileJobLog(this.log, runtime),
        isRecorded,
        signal: new AbortController().signal,
      })
    }

    has(path: string): Promise<boolean> {
      return stat(this.folder.at('root', path)).then(
        () => true,
        () => false,
      )
    }

    [Symbol.asyncDispose](): Promise<void> {
      return this.folder[Symbol.asyncDispose]()
    }

    static async make(): Promise<Tree> {
      return new Tree(await TempFolder.make())
    }
  }

  let recorded = ''
  let source: ElementarySource | undefined
  const folders = new AsyncDisposableStack()
  before(async () => {
    const folder = folders.use(await TempFolder.make())
    source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3, size: '160x90' })
    await using ars = await AgoraServer.run()
    using publisher = await PacedPublisher.start({
      rtmp: ars.server.rtmp,
      app: 'room',
      name: '1',
      units: source.units,
      speed: 2,
    })
    await ars.present('room', 1)
    await ars.record('room')
    await publisher.allArrived()
    publisher.finish()
    await eventually(async () => (await ars.status('room')) === 0, 'the end')
    const [file = ''] = (await ars.files()).filter((path) => path.endsWith('.tmp'))
    recorded = folder.at('recorded.tmp')
    await writeFile(recorded, await readFile(ars.path(file)))
    return () => folders.disposeAsync()
  })

  test('Job makes `.mp4` beside `.tmp`; while running only `.transcoding` exists; second run changes nothing (mtime equal).', async () => {
    await using tree = await Tree.make()
    const file = await tree.add('2016_06_13/room_093015/1_093015.tmp')
    // Not finished: it has to be copied and completed.
    await truncate(file, (await stat(file)).size - 10)
    const seen: string[] = []
    const watching = watch(dirname(file), (_, name) => seen.push(String(name)))
    assert.deepEqual(await tree.run(), { converted: 1, failed: 0 })
    await eventually(async () => seen.includes('1_093015.mp4'), 'the rename')
    watching.close()
    assert.ok(seen.indexOf('1_093015.transcoding') < seen.indexOf('1_093015.mp4'))
    assert.equal(await tree.has('2016_06_13/room_093015/1_093015.transcoding'), false)
    const made = file.replace(/tmp$/, 'mp4')
    const before = await Promise.all([stat(made), stat(file)])
    await sleep(20)
    assert.deepEqual(await tree.run(), { converted: 0, failed: 0 })
    const after = await Promise.all([stat(made), stat(file)])
    assert.deepEqual(
      after.map(({ mtimeMs, ino }) => [mtimeMs, ino]),
      before.map(({ mtimeMs, ino }) => [mtimeMs, ino]),
    )
  })

  test('It skips: active recordings, already converted, older than three days (at 71 h yes, at 73 h no).', async () => {
    await using tree = await Tree.make()
    await tree.add('2016_06_13/room_093015/1_093015.tmp')
    await tree.add('2016_06_13/room_093015/2_093015.tmp')
    await tree.add('2016_06_13/room_093015/2_093015.mp4', Buffer.from('mine'))
    await tree.add('2016_06_10/old_120000/3_130000.tmp')
    await tree.add('2016_06_10/older_100000/4_110000.tmp')
    const { converted } = await tree.run((path) => path.endsWith('/1_093015.tmp'))
    assert.equal(converted, 1)
    const expected: readonly [string, boolean][] = [
      ['2016_06_13/room_093015/1_093015.mp4', false],
      ['2016_06_10/old_120000/3_130000.mp4', true],
      ['2016_06_10/older_100000/4_110000.mp4', false],
    ]
    for (const [path, isThere] of expected) assert.equal(await tree.has(path), isThere, path)
    assert.equal(await readFile(tree.folder.at('root', '2016_06_13/room_093015/2_093015.mp4'), 'utf8'), 'mine')
    // What another process of this machine still writes is left to it.
    await using ars = await AgoraServer.run()
    await using _ = ars.publish('room', 1)
    await ars.present('room', 1)
    await ars.record('room')
    await eventually(async () => (await ars.files()).some((path) => path.endsWith('.tmp')), 'the file')
    const { output } = await tapedeckCommand(ars.folder.path, [
      'agora',
      'transcode',
      '--path',
      ars.root,
      '--log',
      ars.folder.at('log'),
    ])
    assert.match(output, /^0 converted, 0 failed/m)
  })

  test('A corrupt `.tmp` gives a log line with `error`, other files convert; a clean run’s log contains no `error`.', async () => {
    await using tree = await Tree.make()
    await tree.add('2016_06_13/Error room_093015/1_093015.tmp')
    assert.deepEqual(await tree.run(), { converted: 1, failed: 0 })
    assert.doesNotMatch(await readFile(tree.log, 'utf8'), /error/i)
    const garbage = await tree.add('2016_06_13/b_093015/1_093015.tmp', Buffer.alloc(5000, 'x'))
    await tree.add('2016_06_13/c_093015/1_093015.tmp', Buffer.alloc(0))
    await tree.add('2016_06_13/d_093015/1_093015.tmp')
    assert.deepEqual(await tree.run(), { converted: 1, failed: 2 })
    const failures = (await readFile(tree.log, 'utf8')).split('\n').filter((line) => line.includes('error'))
    assert.equal(failures.length, 2)
    assert.match(failures[0] ?? '', /2016_06_13\/b_093015\/1_093015\.tmp/)
    assert.equal((await stat(garbage)).size, 5000)
  })

  test('Killed in mid-job: stale `.transcoding` is redone next run; two jobs at once: one works.', async () => {
    await using tree = await Tree.make()
    const file = await tree.add('2016_06_13/room_093015/1_093015.tmp')
    await tree.add('2016_06_13/room_093015/1_093015.transcoding', Buffer.from('half of it'))
    const lock = tree.folder.at('root', '.agora_hourly.lock')
    // No process has this number.
    await writeFile(lock, '4194305')
    const results = await Promise.allSettled([tree.run(), tree.run(), tree.run()])
    const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.converted] : []))
    assert.equal(
      done.reduce((sum, count) => sum + count, 0),
      1,
    )
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(result.reason instanceof JobRunningError)
    }
    assert.equal(await tree.has('2016_06_13/room_093015/1_093015.transcoding'), false)
    assert.ok((await ffprobe(file.replace(/tmp$/, 'mp4'))).packets.length > 20)
    await rm(lock, { force: true })
    assert.deepEqual(await tree.run(), { converted: 0, failed: 0 })
  })

  test('MP4: H.264 + AAC, duration within one frame of the tmp, plays in a browser; audio-only channel gives an audio MP4.', async () => {
    await using tree = await Tree.make()
    const file = await tree.add('2016_06_13/room_093015/1_093015.tmp')
    await tree.run()
    const made = file.replace(/tmp$/, 'mp4')
    const [before, after] = await Promise.all([ffprobe(file), ffprobe(made)])
    assert.deepEqual(after.streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'])
    assert.ok(Math.abs(Number(before.format.duration) - Number(after.format.duration)) < 0.04)
    const browser = await launchChromium()
    try {
      const seconds = Math.floor(Number(after.format.duration))
      await assertChromiumPlays(browser, await readFile(made), { mimeType: 'video/mp4', seconds })
    } finally {
      await browser.close()
    }
    await using ars = await AgoraServer.run({ CONVERT_WHEN: 'atOnce' })
    await using _ = ars.publish('talk', 1)
    await ars.present('talk', 1)
    await ars.record('talk', { audioOnly: true })
    await sleep(A_WHILE_MS)
    await ars.stop('talk')
    const mp4s = async () => (await ars.files()).filter((path) => path.endsWith('.mp4'))
    await eventually(async () => (await mp4s()).length === 1, 'the MP4')
    const { streams } = await ffprobe(ars.path((await mp4s())[0] ?? ''))
    assert.deepEqual(
      streams.map(({ codec_name: codec }) => codec),
      ['aac'],
    )
  })

  test('`--key --sign --port --path` accepted; output ends with `deploy successfully` or `deploy failed`; port 8001 by default, `PORT` overrides; `AGORA_FILE_ROOT` overrides.', async () => {
    await using folder = await TempFolder.make()
    const file = folder.at('deployed.yaml')
    const free = await freePort()
    const deploy = (...flags: readonly string[]) => {
      const keys = [`--key=${PROJECT.vendorKey}`, `--sign=${PROJECT.signKey}`]
      return tapedeckCommand(folder.path, [
        'agora',
        'deploy',
        ...keys,
        `--path=${folder.at('files')}`,
        '--config',
        file,
        ...flags,
      ])
    }
    const good = await deploy(`--port=${free}`)
    assert.equal(good.output.trimEnd().split('\n').at(-1), 'deploy successfully')
    assert.equal(good.exitCode, 0)
    assert.match(await readFile(file, 'utf8'), new RegExp(`listen: 0.0.0.0:${free}`))
    assert.equal((await stat(file)).mode & 0o077, 0)
    for (const flags of [['--port=99999'], ['--sign=short'], ['--path=/proc/nowhere']]) {
      const bad = await deploy(...flags)
      assert.equal(bad.output.trimEnd().split('\n').at(-1), 'deploy failed', flags.join())
      assert.equal(bad.exitCode, 1)
    }
    const shown = async (env: Readonly<Record<string, string>>) => {
      const args = ['config', '--like', 'agora', '--json']
      const { output } = await tapedeckCommand(folder.path, args, { TAPEDECK_RECORDINGS_ROOT: undefined, ...env })
      return output
    }
    assert.match(await shown({}), /127\.0\.0\.1:8001|"port": ?8001/)
    const fromFile = async (env: Readonly<Record<string, string>>) => {
      const args = ['config', '--like', 'agora', '--config', file, '--json']
      const { output, exitCode } = await tapedeckCommand(folder.path, args, {
        TAPEDECK_RECORDINGS_ROOT: undefined,
        ...env,
      })
      assert.equal(exitCode, 0, output)
      return output
    }
    assert.match(await fromFile({}), new RegExp(`"port": ${free}\\b`))
    assert.match(await fromFile({ PORT: '8124' }), /"host": "0.0.0.0",\s*"port": 8124\b/)
    assert.match(await fromFile({ AGORA_FILE_ROOT: '/srv/other' }), /\/srv\/other/)
    const own = await shown({
      PORT: '8123',
      AGORA_FILE_ROOT: '/srv/agora',
      TAPEDECK_FACADES_AGORA_SIGN_KEY: PROJECT.signKey,
    })
    assert.match(own, /8123/)
    assert.match(own, /\/srv\/agora/)
  })

  test('Wrong vendor key in a dynamic key: 101.', async () => {
    await using ars = await AgoraServer.run()
    await using _ = ars.publish('room', 1)
    await ars.present('room', 1)
    const call = (recordingKey: unknown, uid: unknown = 1) => refusalOf(ars.record('room', { recordingKey, uid }))
    const strange = recordingKey('room', { appId: PROJECT.signKey })
    assert.deepEqual(await call(strange), [403, 101])
    const nowSeconds = Math.floor(Date.now() / 1000)
    const refusals: readonly [unknown, number, unknown?][] = [
      [recordingKey('room', { madeAtSeconds: nowSeconds - 86_402 }), 109],
      [recordingKey('room', { service: 'media' }), 110],
      [recordingKey('room', { uid: 9 }), 110],
      [recordingKey('room', { expiresAtSeconds: nowSeconds - 1 }), 118],
      [PROJECT.vendorKey, 120],
      ['', 110],
      [undefined, 2],
      [recordingKey('room'), 117, -1],
      [recordingKey('room'), 117, 4_294_967_296],
      [recordingKey('room'), 117, 1.5],
    ]
    for (const [key, error, uid] of refusals) {
      assert.deepEqual(await call(key, uid), [[2, 117].includes(error) ? 400 : 403, error], String(error))
    }
    assert.deepEqual(await refusalOf(ars.call('room', '/start', '{')), [400, 2])
    assert.deepEqual(await refusalOf(ars.call('room', '/start', '[]')), [400, 2])
    assert.deepEqual(await refusalOf(ars.record('empty room')), [400, 2])
    assert.deepEqual(await ars.files(), [])
  })

  async function refusalOf(answer: Promise<{ http: number; error: number }>): Promise<[number, number]> {
    const { http, error } = await answer
    return [http, error]
  }

  interface RecordingClient {
    onRefreshRecordingServiceStatus: (status: number) => void
    onApiCallExecuted: (api: string, error: number) => void
    startRecordingService(key: string): number
    stopRecordingService(key: string): number
    refreshRecordingServiceStatus(): number
  }
  interface ClientModule {
    RecordingService: new (server: string, options: { channel: string; uid: number }) => RecordingClient
  }

  /** What the server serves, as a module of this process. */
  async function asModule(ars: AgoraServer, path: string): Promise<string> {
    const text = await (await fetch(`${ars.web}${path}`)).text()
    const file = join(ars.folder.path, 'client.mjs')
    await writeFile(file, text)
    return file
  }

  async function freePort(): Promise<number> {
    const server = createServer()
    const listening = Promise.withResolvers<void>()
    server.listen(0, '0.0.0.0', listening.resolve)
    await listening.promise
    const address = server.address()
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    await closed.promise
    assert.ok(address !== null && typeof address === 'object')
    return address.port
  }
})
