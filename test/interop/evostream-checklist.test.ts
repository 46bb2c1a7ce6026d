import assert from 'node:assert/strict'
import { mkdir, open, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EvoClient, type EvoRecord, EvoTelnet, startEvostream, until } from '#test/support/evostream.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { ffprobe, joinedHashes } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/**
 * The compatibility checklist of this vendor's surface: a test for each line, its title the line's own words.
 * Publishers are ffmpeg, over RTMP; ffprobe judges the files.
 */

/** A server and its one client; a test that ends early ends them, too. */
interface Installation {
  readonly folder: TempFolder
  readonly server: ServerProcess
  readonly evo: EvoClient
  /** Absolute path below the first recording root. */
  media(...names: readonly string[]): string
  publish(name: string): FfmpegPublisher
}

async function installed(
  t: TestContext,
  options: Parameters<typeof startEvostream>[1] = {},
  folderOfBefore?: TempFolder,
): Promise<Installation> {
  const folder = folderOfBefore ?? (await TempFolder.make())
  const server = await startEvostream(folder.path, options)
  const publishers: FfmpegPublisher[] = []
  t.after(async () => {
    for (const publisher of publishers) await publisher[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  return {
    folder,
    server,
    evo: new EvoClient(server),
    media: (...names) => folder.at('recordings', 'media', ...names),
    publish: (name) => {
      const publisher = new FfmpegPublisher(`${server.rtmp}/live/${name}`)
      publishers.push(publisher)
      return publisher
    },
  }
}

/** A file of H.264 and AAC with a key frame every second. */
async function makeFile(folder: TempFolder, seconds: number): Promise<string> {
  const path = folder.at(`source-${seconds}.flv`)
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25', '-f', 'lavfi', '-i', 'sine=440:r=44100']
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25']
  await program('ffmpeg', ['-v', 'error', ...inputs, '-t', String(seconds), ...video, '-c:a', 'aac', path])
  return path
}

/** Publishes a whole file at a multiple of real time. */
async function publishFile(server: ServerProcess, path: string, name: string, speed: number): Promise<void> {
  const url = `${server.rtmp}/live/${name}`
  await program('ffmpeg', ['-v', 'error', '-readrate', String(speed), '-i', path, '-c', 'copy', '-f', 'flv', url])
}

/** ffprobe complains about nothing, and there is video and audio. */
async function assertPlays(path: string): Promise<Awaited<ReturnType<typeof ffprobe>>> {
  const probed = await ffprobe(path)
  assert.deepEqual(probed.streams.map(({ codec_type }) => codec_type).sort(), ['audio', 'video'])
  assert.ok(probed.packets.length > 0)
  return probed
}

function videoPackets(probed: Awaited<ReturnType<typeof ffprobe>>) {
  const index = probed.streams.findIndex(({ codec_type }) => codec_type === 'video')
  return probed.packets.filter(({ stream_index }) => stream_index === index)
}

/** Events as an HTTP receiver gets them. */
interface ReceivedEvent {
  readonly id: number
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** Somebody's web service. */
async function eventReceiver(t: TestContext): Promise<{ readonly url: string; readonly events: ReceivedEvent[] }> {
  const events: ReceivedEvent[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      events.push(JSON.parse(body) as ReceivedEvent)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, events }
}

const sinkTo = (url: string) => ({
  'facades.evostream.eventLogger.sinks': `[{ type: RPC, url: '${url}', serializerType: JSON }]`,
})

/** The vendor's documentation, its only example: `record localStreamName=testpullstream …`. */
const SEED_CALL = 'localStreamName=testpullstream pathtofile=../media/testRecord type=mp4 overwrite=1'
const SEED_DATA = {
  chunkLength: 0,
  computedPathToFile: '../media/testRecord.mp4',
  configId: 1,
  dateFolderStructure: false,
  hasAudio: true,
  keepAlive: true,
  localStreamName: 'testpullstream',
  mp4BinPath: 'evo-mp4writer',
  operationType: 7,
  overwrite: true,
  pathToFile: '../media/testRecord',
  preset: 0,
  type: 'mp4',
  waitForIDR: false,
  winQtCompat: true,
}

// They mostly wait for media to come.
await suite('The checklist', { concurrency: 3 }, () => {
  test('The [seed] example call answers the [seed] example JSON, member for member (configId, mp4BinPath and paths aside).', async (t) => {
    const { evo, publish } = await installed(t)
    publish('testpullstream')
    await until(
      'publishing',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams !== null,
    )
    const answer = await evo.command('record', SEED_CALL)
    assert.deepEqual(answer, { data: SEED_DATA, description: 'Recording Stream', status: 'SUCCESS' })
  })

  test('`record` without pathToFile, with `chunkLength=abc`, `chunkLength=1000000`, `type=avi`, no parameters at all, and an unknown command: the six FAIL texts, HTTP 200, data null.', async (t) => {
    const { evo } = await installed(t)
    const good = 'localStreamName=a pathToFile=../media/a'
    const cases: [command: string, parameters: string, text: string][] = [
      ['record', 'localStreamName=a', 'Syntax error. Parameter pathToFile is invalid'],
      ['record', `${good} chunkLength=abc`, 'Syntax error. Parameter chunkLength is invalid'],
      ['record', `${good} chunkLength=1000000`, 'Syntax error. Parameter chunkLength is invalid. Range: 0 - 999999'],
      ['record', `${good} type=avi`, 'Syntax error for type parameter. Type help for details'],
      ['record', '', 'Syntax error. No parameters provided'],
      ['recrod', good, 'command recrod not known. Type help for list of commands'],
    ]
    for (const [command, parameters, description] of cases) {
      assert.deepEqual(await evo.command(command, parameters), { data: null, description, status: 'FAIL' })
    }
  })

  test('Parameter names in any case; `overwrite=2` is true; user variable `_job=7` comes back and shows up in events; `commandId=9` comes back as top-level `"responseId":"9"` (a string).', async (t) => {
    const { url, events } = await eventReceiver(t)
    const { evo, publish } = await installed(t, { settings: sinkTo(url) })
    const parameters = 'LOCALSTREAMNAME=cam PathToFile=../media/x OverWrite=2 _job=7 COMMANDID=9'
    const answer = await evo.command<EvoRecord>('RECORD', parameters)
    assert.equal(answer.responseId, '9')
    assert.equal(answer.data['overwrite'], true)
    assert.equal(answer.data['_job'], '7')
    publish('cam')
    await evo.untilStreaming(answer.data.configId)
    await evo.success('removeConfig', `id=${answer.data.configId}`)
    const wanted = ['outStreamCreated', 'recordChunkCreated', 'recordChunkClosed', 'outStreamClosed']
    await until(
      'the events',
      async () => events.map(({ type }) => type),
      (types) => wanted.every((each) => types.includes(each)),
    )
    for (const { type, payload } of events.filter((each) => wanted.includes(each.type))) {
      const holder = type.startsWith('record') ? payload : (payload['recordSettings'] as typeof payload)
      assert.equal(holder['_job'], '7', type)
    }
    const failure = await evo.raw(`/nonsense?params=${Buffer.from('commandId=9').toString('base64')}`)
    assert.match(failure.body, /"responseId":"9"/)
  })

  test('Unknown stream: SUCCESS, listConfig shows "Waiting for stream", recording starts when the stream appears, status becomes Streaming.', async (t) => {
    const { evo, publish, media } = await installed(t)
    const { configId, mp4BinPath } = await evo.success('record', 'localStreamName=later pathToFile=../media/later')
    assert.equal(mp4BinPath, undefined)
    const waiting = await evo.config(configId)
    assert.equal(waiting?.status.current.description, 'Waiting for stream')
    await assert.rejects(stat(media('later.mp4')))
    publish('later')
    const streaming = await evo.untilStreaming(configId)
    assert.equal(streaming.status.current.description, 'Streaming')
    assert.ok(streaming.status.current.uniqueStreamId > 0)
    const out = await evo.success<Record<string, unknown>>(
      'getStreamInfo',
      `id=${streaming.status.current.uniqueStreamId}`,
    )
    assert.equal(out['type'], 'OFMP4')
    await evo.success('removeConfig', `id=${configId}`)
    await assertPlays(media('later.mp4'))
  })

  test('Paths outside the allowed roots, with `..`, NUL or symlinks: FAIL, nothing written.', async (t) => {
    const { evo, folder, publish } = await installed(t)
    await mkdir(folder.at('elsewhere'))
    await symlink(folder.at('elsewhere'), folder.at('recordings', 'link'))
    publish('cam')
    await until(
      'publishing',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams !== null,
    )
    const before = await everythingIn(folder.at('recordings'))
    const outside = [
      '../../x',
      '../../../../../../etc/x',
      folder.at('x'),
      folder.at('recordings', '..', 'x'),
      folder.at('recordings', 'link', 'x'),
      `${folder.at('recordings')}x/y`,
      'a\0b',
      '../media/..',
      '/',
    ]
    for (const path of outside) {
      for (const extra of ['', ' dateFolderStructure=1', ' overwrite=1']) {
        const answer = await evo.command('record', `localStreamName=cam pathToFile=${path}${extra}`)
        // A folder may be the root itself; it is no name for a file.
        if (extra.startsWith(' date') && path === '../media/..') continue
        assert.deepEqual(answer, { data: null, description: 'Unable to record stream', status: 'FAIL' }, path + extra)
      }
    }
    const { record } = await evo.success<{ record: EvoRecord[] }>('listConfig')
    for (const { configId } of record) await evo.success('removeConfig', `id=${configId}`)
    assert.deepEqual(await readdir(folder.at('elsewhere')), [])
    const left = (await everythingIn(folder.at('recordings'))).filter(
      (path) => !path.includes('/cam/') && !path.endsWith('/cam'),
    )
    assert.deepEqual(left, before)
  })

  async function everythingIn(folder: string): Promise<string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.map(({ parentPath, name }) => join(parentPath, name)).sort()
  }

  test('overwrite=0 three times: `name.mp4`, `name_0001.mp4`, `name_0002.mp4`; overwrite=1: one file, new content.', async (t) => {
    const { evo, publish, media } = await installed(t)
    const publisher = publish('cam')
    await until(
      'publishing',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams !== null,
    )
    for (const name of ['name.mp4', 'name_0001.mp4', 'name_0002.mp4']) {
      const { configId, computedPathToFile } = await evo.success(
        'record',
        'localStreamName=cam pathToFile=../media/name',
      )
      assert.equal(computedPathToFile, `../media/${name}`)
      await evo.untilStreaming(configId)
      await evo.success('removeConfig', `id=${configId}`)
      await assertPlays(media(name))
    }
    const contents: Buffer[] = []
    for (let time = 0; time < 2; time++) {
      const { configId, computedPathToFile } = await evo.success(
        'record',
        'localStreamName=cam pathToFile=../media/one overwrite=1',
      )
      assert.equal(computedPathToFile, '../media/one.mp4')
      await evo.untilStreaming(configId)
      await sleep(500)
      await evo.success('removeConfig', `id=${configId}`)
      await assertPlays(media('one.mp4'))
      contents.push(await readFile(media('one.mp4')))
    }
    assert.notDeepEqual(contents[0], contents[1])
    await publisher.stop()
    assert.deepEqual((await readdir(media())).sort(), ['name.mp4', 'name_0001.mp4', 'name_0002.mp4', 'one.mp4'])
  })

  test('Same destination twice at once: second FAILs (overwrite=1), or gets the next number (overwrite=0).', async (t) => {
    const { evo, publish, media } = await installed(t)
    publish('cam')
    await until(
      'publishing',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams !== null,
    )
    const first = await evo.success('record', 'localStreamName=cam pathToFile=../media/x overwrite=1')
    const second = await evo.command('record', 'localStreamName=cam pathToFile=../media/x.mp4 overwrite=1')
    assert.deepEqual(second, { data: null, description: 'Unable to record stream', status: 'FAIL' })
    const third = await evo.success('record', 'localStreamName=cam pathToFile=../media/x overwrite=0')
    assert.equal(third.computedPathToFile, '../media/x_0001.mp4')
    await sleep(500)
    for (const { configId } of [first, third]) await evo.success('removeConfig', `id=${configId}`)
    await assertPlays(media('x.mp4'))
    await assertPlays(media('x_0001.mp4'))
  })

  test('chunkLength=10 waitForIDR=1: `_part0000`, `_part0001`..., each playable, starts with a key frame, duration >= 10 s and < 10 s + GOP, total without gaps.', async (t) => {
    const { evo, server, folder, media } = await installed(t)
    const source = await makeFile(folder, 34)
    const { configId, computedPathToFile } = await evo.success(
      'record',
      'localStreamName=cam pathToFile=../media/x chunkLength=10 waitForIDR=1',
    )
    assert.equal(computedPathToFile, '../media/x.mp4')
    await publishFile(server, source, 'cam', 8)
    await evo.untilConfig(configId, (config) => config?.status.current.code !== 0)
    const names = ['x_part0000.mp4', 'x_part0001.mp4', 'x_part0002.mp4', 'x_part0003.mp4']
    await until(
      'all parts',
      async () => (await readdir(media())).sort(),
      (found) => found.length >= names.length,
    )
    await until(
      'idle',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams === null,
    )
    assert.deepEqual((await readdir(media())).sort(), names)
    for (const [index, name] of names.entries()) {
      const probed = await assertPlays(media(name))
      const video = videoPackets(probed)
      assert.match(video[0]?.flags ?? '', /^K/, name)
      const seconds = video.length / 25
      if (index < names.length - 1) assert.ok(seconds >= 10 && seconds < 11, `${name}: ${seconds} s`)
    }
    assert.deepEqual(await joinedHashes(names.map((name) => media(name))), await joinedHashes([source]))
  })

  test('type flv and ts give valid FLV and TS; extension in pathToFile is not doubled.', async (t) => {
    const { evo, publish, media } = await installed(t)
    publish('cam')
    await until(
      'publishing',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams !== null,
    )
    const cases: [parameters: string, file: string, format: RegExp][] = [
      ['pathToFile=../media/plain type=flv', 'plain.flv', /flv/],
      ['pathToFile=../media/plain type=TS', 'plain.ts', /mpegts/],
      ['pathToFile=../media/given.flv type=flv', 'given.flv', /flv/],
      ['pathToFile=../media/given.ts type=ts', 'given.ts', /mpegts/],
      ['pathToFile=../media/given.mp4', 'given.mp4', /mp4/],
      ['pathToFile=../media/other.mp4 type=flv', 'other.mp4', /flv/],
    ]
    const started: EvoRecord[] = []
    for (const [parameters, file] of cases) {
      const record = await evo.success('record', `localStreamName=cam ${parameters}`)
      assert.equal(record.computedPathToFile, `../media/${file}`)
      started.push(record)
    }
    await sleep(1_500)
    for (const { configId } of started) await evo.success('removeConfig', `id=${configId}`)
    for (const [, file, format] of cases)
      assert.match((await assertPlays(media(file))).format.format_name, format, file)
    assert.equal((await readFile(media('plain.flv'))).toString('latin1', 0, 3), 'FLV')
    const ts = await readFile(media('plain.ts'))
    assert.equal(ts.length % 188, 0)
    assert.equal(ts.readUInt16BE(1) & 0x1fff, 0, 'begins with the PAT')
  })

  /** The server's clock, so that it is this time of the day (UTC) when the server starts. */
  function clockAt(time: string): Readonly<Record<string, string>> {
    const aheadMs = Date.parse(`2031-05-06T${time}Z`) - Date.now()
    const shift = `const real=Date.now;Date.now=()=>real()+(${aheadMs});`
    return { TZ: 'UTC', NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` }
  }

  test('dateFolderStructure=1 gives `<dir>/<stream>/<YYYYMMDD>/<stream>-<YYYYMMDD>-<HHMMSS>.mp4`; chunk over midnight changes folder.', async (t) => {
    const { evo, publish, media } = await installed(t, { env: clockAt('23:59:51') })
    const publisher = publish('cam')
    const { configId } = await evo.success(
      'record',
      'localStreamName=cam pathToFile=../media dateFolderStructure=1 chunkLength=3',
    )
    await evo.untilStreaming(configId)
    const days = () => readdir(media('cam')).catch((): string[] => [])
    await until('the next day', days, (found) => found.includes('20310507'))
    await evo.success('removeConfig', `id=${configId}`)
    await publisher.stop()
    assert.deepEqual((await days()).sort(), ['20310506', '20310507'])
    for (const day of ['20310506', '20310507']) {
      for (const name of await readdir(media('cam', day))) {
        const [, hours = ''] = new RegExp(`^cam-${day}-(\\d\\d)[0-5]\\d[0-5]\\d\\.mp4$`).exec(name) ?? []
        assert.equal(hours, day === '20310506' ? '23' : '00', name)
        await assertPlays(media('cam', day, name))
      }
    }
  })

  /** Largest file that 32-bit positions reach. */
  const FOUR_GIB = 2 ** 32

  /** Pace of the file that is larger. */
  const HEAVY_BYTES_PER_SECOND = 40_000_000

  test('winQtCompat=1: only version-0 boxes and `stco`; a file above 4 GiB with 0 uses `co64`.', {
    timeout: 900_000,
  }, async (t) => {
    const { evo, publish, media, server, folder } = await installed(t)
    const publisher = publish('cam')
    const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=../media/old winQtCompat=1')
    await evo.untilStreaming(configId)
    await sleep(1_500)
    await evo.success('removeConfig', `id=${configId}`)
    await publisher.stop()
    await assertPlays(media('old.mp4'))
    const old = await movieBoxes(media('old.mp4'))
    assert.ok(old.some(({ type }) => type === 'stco'))
    assert.ok(!old.some(({ type }) => type === 'co64'))
    for (const type of ['mvhd', 'tkhd', 'mdhd']) {
      const found = old.filter((box) => box.type === type)
      assert.ok(found.length > 0, type)
      for (const box of found) assert.equal(box.version, 0, type)
    }
    if (process.env['LONG_TESTS'] === undefined) {
      t.diagnostic('the file above 4 GiB is only recorded by npm run test:long')
      return
    }
    const heavy = folder.at('heavy.flv')
    const noise = ['-f', 'lavfi', '-i', 'nullsrc=s=1280x720:r=25,geq=random(1)*255:128:128', '-t', '2']
    await program('ffmpeg', [
      '-v',
      'error',
      ...noise,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-qp',
      '0',
      '-g',
      '25',
      heavy,
    ])
    const { size: heavyBytes } = await stat(heavy)
    const loops = Math.ceil((FOUR_GIB * 1.02) / heavyBytes)
    // Not as fast as it can: a publisher never waits for the disk, which then misses some.
    const pace = ['-readrate', String((2 * HEAVY_BYTES_PER_SECOND) / heavyBytes)]
    const { configId: large } = await evo.success(
      'record',
      'localStreamName=heavy pathToFile=../media/large winQtCompat=0',
    )
    const url = `${server.rtmp}/live/heavy`
    const looped = [...pace, '-stream_loop', String(loops), '-i', heavy, '-c', 'copy', '-f', 'flv', url]
    await program('ffmpeg', ['-v', 'error', ...looped], { timeout: 600_000 })
    await until(
      'idle',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams === null,
    )
    await evo.success('removeConfig', `id=${large}`)
    const { size } = await stat(media('large.mp4'))
    assert.ok(size > FOUR_GIB, `${size} bytes: ${(await readdir(media())).join()}`)
    const boxes = await movieBoxes(media('large.mp4'))
    assert.ok(
      boxes.some(({ type }) => type === 'co64'),
      JSON.stringify(boxes),
    )
    await program('ffprobe', ['-v', 'error', '-show_format', media('large.mp4')])
  })

  interface Box {
    readonly type: string
    readonly version: number
  }

  const BOXES_OF_BOXES = ['moov', 'trak', 'mdia', 'minf', 'stbl']

  /** Every box of the movie header, which may stand before or after the media. */
  async function movieBoxes(path: string): Promise<Box[]> {
    await using file = await open(path)
    const { size } = await file.stat()
    const head = Buffer.alloc(16)
    for (let at = 0; at < size; ) {
      await file.read(head, 0, 16, at)
      const short = head.readUInt32BE(0)
      const bytes = short === 1 ? Number(head.readBigUInt64BE(8)) : short
      if (head.toString('latin1', 4, 8) === 'moov') {
        const moov = Buffer.alloc(bytes)
        await file.read(moov, 0, bytes, at)
        return boxesIn(moov)
      }
      at += bytes
    }
    return []
  }

  function boxesIn(bytes: Buffer): Box[] {
    const boxes: Box[] = []
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = bytes.readUInt32BE(at)
      const type = bytes.toString('latin1', at + 4, at + 8)
      boxes.push({ type, version: bytes[at + 8] ?? 0 })
      if (BOXES_OF_BOXES.includes(type)) boxes.push(...boxesIn(bytes.subarray(at + 8, at + length)))
      at += length
    }
    return boxes
  }

  test('kill -9 while recording: after restart the file is recovered to within 5 s of the kill; no intermediates remain.', async (t) => {
    const folder = await TempFolder.make()
    const first = await installed(t, {}, folder)
    const { configId } = await first.evo.success('record', 'localStreamName=cam pathToFile=../media/x')
    const publisher = first.publish('cam')
    await first.evo.untilStreaming(configId)
    const startedMs = performance.now()
    await sleep(6_000)
    await first.server.kill()
    const killedAfterSeconds = (performance.now() - startedMs) / 1000
    await publisher.stop()
    const second = await installed(t, {}, folder)
    const probed = await until(
      'recovered',
      () => ffprobe(second.media('x.mp4')).catch(() => undefined),
      (found) => Number(found?.format.duration ?? 0) > 0,
    )
    const seconds = Number(probed?.format.duration)
    assert.ok(seconds > killedAfterSeconds - 5, `${seconds} s of ${killedAfterSeconds} s`)
    await until(
      'nothing else',
      () => readdir(second.media()),
      (names) => names.join() === 'x.mp4',
    )
  })

  test('keepAlive=1: publisher leaves and returns: second file; config survives a server restart. keepAlive=0: config gone after stream end.', async (t) => {
    const folder = await TempFolder.make()
    const first = await installed(t, {}, folder)
    const kept = await first.evo.success('record', 'localStreamName=cam pathToFile=../media/kept _job=7')
    const once = await first.evo.success('record', 'localStreamName=cam pathToFile=../media/once keepAlive=0')
    const never = await first.evo.success('record', 'localStreamName=never pathToFile=../media/never keepAlive=0')
    const publisher = first.publish('cam')
    const streaming = await first.evo.untilStreaming(kept.configId)
    await first.evo.untilStreaming(once.configId)
    await publisher.stop()
    await first.evo.untilConfig(once.configId, (config) => config === undefined)
    await first.evo.untilConfig(kept.configId, (config) => config?.status.current.code === 4)
    assert.ok((await first.evo.config(never.configId)) !== undefined)
    const again = first.publish('cam')
    await first.evo.untilStreaming(kept.configId, streaming.status.current.uniqueStreamId)
    await again.stop()
    await first.server.stop()
    assert.deepEqual((await readdir(first.media())).sort(), ['kept.mp4', 'kept_0001.mp4', 'once.mp4'])
    const second = await installed(t, {}, folder)
    const config = await second.evo.config(kept.configId)
    assert.equal(config?.['_job'], '7')
    assert.equal(config?.pathToFile, '../media/kept')
    assert.equal(await second.evo.config(never.configId), undefined, 'only what is kept alive is kept over a restart')
    const third = second.publish('cam')
    await second.evo.untilStreaming(kept.configId)
    await third.stop()
    await second.evo.untilConfig(kept.configId, (each) => each?.status.current.code !== 0)
    const { configId } = await second.evo.success('record', 'localStreamName=other pathToFile=../media/other')
    assert.ok(configId > never.configId, 'no configId is given twice')
    for (const name of ['kept.mp4', 'kept_0001.mp4', 'kept_0002.mp4', 'once.mp4']) await assertPlays(second.media(name))
  })

  test('removeConfig during recording: file finalised and playable, config gone, `Configuration terminated`.', async (t) => {
    const { evo, publish, media } = await installed(t)
    publish('cam')
    const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=../media/x')
    await evo.untilStreaming(configId)
    const answer = await evo.command<EvoRecord>('removeConfig', `id=${configId}`)
    // At once: the answer means that the file is final.
    await assertPlays(media('x.mp4'))
    assert.equal(answer.description, 'Configuration terminated')
    assert.equal(answer.data.configId, configId)
    assert.equal(await evo.config(configId), undefined)
    assert.deepEqual(await evo.command('removeConfig', `id=${configId}`), {
      data: null,
      description: 'Configuration terminated',
      status: 'SUCCESS',
    })
    assert.equal((await evo.command('getConfigInfo', `id=${configId}`)).description, 'Config ID not found')
    assert.equal((await evo.command('removeConfig')).description, 'No id nor group name provided')
  })

  test("shutdownStream on the recording's own id with permanently=0 rolls to a new file; with 1 it ends for good.", async (t) => {
    const { evo, publish, media } = await installed(t)
    publish('cam')
    const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=../media/x')
    const first = await evo.untilStreaming(configId)
    const closed = await evo.command<{ streamInfo: { type: string; recordSettings: EvoRecord } }>(
      'shutdownStream',
      `id=${first.status.current.uniqueStreamId} permanently=0`,
    )
    assert.equal(closed.description, 'Stream closed')
    assert.equal(closed.data.streamInfo.type, 'OFMP4')
    assert.equal(closed.data.streamInfo.recordSettings.configId, configId)
    await assertPlays(media('x.mp4'))
    const second = await evo.untilStreaming(configId, first.status.current.uniqueStreamId)
    assert.equal(second.computedPathToFile, '../media/x_0001.mp4')
    await sleep(1_000)
    await evo.success('shutdownStream', `id=${second.status.current.uniqueStreamId} permanently=1`)
    assert.equal(await evo.config(configId), undefined)
    await assertPlays(media('x_0001.mp4'))
    const streams = await evo.success<{ type: string }[]>('listStreams')
    assert.deepEqual(
      streams.map(({ type }) => type),
      ['INR'],
      'the publisher is undisturbed',
    )
    assert.deepEqual((await readdir(media())).sort(), ['x.mp4', 'x_0001.mp4'])
  })

  test('7777: padded/unpadded, escaped/raw base64, `+` turned into blank, POST: same answer; body ends with CRLF CRLF; header Connection: close.', async (t) => {
    const { evo } = await installed(t)
    // With "+", "/" and padding in its base64, so that all forms differ.
    const base64 = Buffer.from('localStreamName=?>~>>?~? pathToFile= x=1').toString('base64')
    assert.match(base64, /^(?=.*[+])(?=.*[/]).*=$/)
    const forms = [
      base64,
      base64.replaceAll('=', ''),
      encodeURIComponent(base64),
      base64.replaceAll('+', '%20'),
      base64.replaceAll('+', '-').replaceAll('/', '_'),
      `${base64})`,
    ]
    const bodies = new Set<string>()
    for (const form of forms) {
      for (const init of [{}, { method: 'POST', body: 'ignored' }]) {
        const { status, headers, body } = await evo.raw(`/record?params=${form}`, init)
        assert.equal(status, 200)
        assert.equal(headers.get('connection'), 'close')
        assert.equal(headers.get('content-type'), 'text/plain')
        assert.ok(body.endsWith('}\r\n\r\n'))
        bodies.add(body)
      }
    }
    assert.deepEqual(
      [...bodies],
      ['{"data":null,"description":"Syntax error. Parameter pathToFile is invalid","status":"FAIL"}\r\n\r\n'],
    )
    // A page elsewhere must not do as much as a wrapper on this machine.
    const foreign = await evo.raw('/version', { headers: { origin: 'https://elsewhere.example' } })
    assert.equal(foreign.status, 403)
  })

  test('1112: two commands in one TCP segment, one command split over segments, CR, LF, CRLF; the 4-byte length matches the payload.', async (t) => {
    const { server } = await installed(t)
    using telnet = await EvoTelnet.open(server, 'jsonCli')
    telnet.send('version\r\ngetStreamsCount\r\n')
    assert.equal((await telnet.answer()).description, 'Version')
    assert.equal((await telnet.answer()).description, 'Active streams count')
    telnet.send('ver')
    await sleep(50)
    telnet.send('sion commandId=ü')
    await sleep(50)
    telnet.send('\r')
    assert.equal((await telnet.answer()).responseId, 'ü')
    telnet.send('version commandId=1\n\n\rversion commandId=2\r\r\nversion commandId=3\r\n')
    for (const id of ['1', '2', '3']) assert.equal((await telnet.answer()).responseId, id)
    telnet.send('quit\n')
    assert.equal((await telnet.answer()).description, 'Bye!')
    await telnet.ended
    using ascii = await EvoTelnet.open(server, 'asciiCli')
    ascii.send('getStreamsCount\r\n')
    const text = await ascii.textUntil('streamCount')
    assert.equal(text.split('\n\r')[0], 'Command entered successfully!')
    assert.match(text, /\n\r {4}streamCount: 0\n\r/)
    ascii.send('nonsense\n')
    assert.match(await ascii.textUntil('nonsense'), /^Command failed!\n\rcommand nonsense not known/)
    using endless = await EvoTelnet.open(server, 'jsonCli')
    endless.send('x'.repeat(20_000))
    await endless.ended
  })

  test('`\\ ` in pathToFile gives a file name with a blank.', async (t) => {
    const { evo, publish, media } = await installed(t)
    publish('cam')
    const { configId, computedPathToFile } = await evo.success(
      'record',
      'localStreamName=cam pathToFile=../media/my\\ tape',
    )
    assert.equal(computedPathToFile, '../media/my tape.mp4')
    await evo.untilStreaming(configId)
    await evo.success('removeConfig', `id=${configId}`)
    await assertPlays(media('my tape.mp4'))
  })

  test('One recordChunkCreated and one recordChunkClosed per file, in order, with the same `file`; on Closed the file opens in a player; frameCount equals the video frames in it.', async (t) => {
    const { url, events } = await eventReceiver(t)
    const { evo, server, folder, media } = await installed(t, { settings: sinkTo(url) })
    const source = await makeFile(folder, 12)
    await evo.success('record', 'localStreamName=cam pathToFile=../media/cut chunkLength=4')
    await evo.success('record', 'localStreamName=cam pathToFile=../media/whole')
    await publishFile(server, source, 'cam', 4)
    const files = [
      '../media/cut_part0000.mp4',
      '../media/cut_part0001.mp4',
      '../media/cut_part0002.mp4',
      '../media/whole.mp4',
    ]
    const chunks = () => events.filter(({ type }) => type.startsWith('recordChunk'))
    await until(
      'all events',
      async () => chunks(),
      (found) => found.length >= 2 * files.length,
    )
    assert.deepEqual(
      events.map(({ id }) => id),
      events.map(({ id }) => id).toSorted((a, b) => a - b),
    )
    for (const file of files) {
      const told = chunks().filter(({ payload }) => payload['file'] === file)
      assert.deepEqual(
        told.map(({ type }) => type),
        ['recordChunkCreated', 'recordChunkClosed'],
        file,
      )
      const [created, closed] = told
      assert.match(String(created?.payload['startTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000$/)
      assert.match(String(closed?.payload['stopTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000$/)
      const probed = await assertPlays(media(file.slice('../media/'.length)))
      assert.equal(closed?.payload['frameCount'], videoPackets(probed).length, file)
    }
    assert.equal(chunks().length, 2 * files.length)
  })

  test('A dead or slow webhook receiver delays neither recording nor command answers.', async (t) => {
    // Takes connections and never answers.
    const slow = createServer(() => {})
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      slow.closeAllConnections()
      slow.close()
    })
    const urls = [`http://127.0.0.1:${(slow.address() as AddressInfo).port}/`, 'http://127.0.0.1:9/']
    const sinks = urls.map((url) => `{ type: RPC, url: '${url}' }`).join(', ')
    const { evo, server, folder, media } = await installed(t, {
      settings: { 'facades.evostream.eventLogger.sinks': `[${sinks}]` },
    })
    const source = await makeFile(folder, 12)
    const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=../media/x chunkLength=2')
    const publishing = publishFile(server, source, 'cam', 3)
    await evo.untilStreaming(configId)
    for (let n = 0; n < 50; n++) await evo.success('version', `commandId=${n}`)
    await publishing
    await until(
      'idle',
      () => evo.success<null | unknown[]>('listStreams'),
      (streams) => streams === null,
    )
    const names = (await readdir(media())).sort()
    assert.equal(names.length, 6)
    assert.deepEqual(await joinedHashes(names.map((name) => media(name))), await joinedHashes([source]))
  })

  test('the guide has every line in its table', async () => {
    const source = await readFile(import.meta.filename, 'utf8')
    const page = await readFile(join(import.meta.dirname, '../../docs/guide/coming-from-evostream.md'), 'utf8')
    const titles = [...source.matchAll(/^ *test\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gms)].map(([, , title = '']) => title)
    const lines = titles.slice(0, -1).map((title) => title.replace(/\\(.)/g, '$1'))
    assert.equal(lines.length, 20)
    assert.deepEqual(
      lines.filter((line) => !page.includes(`| ${line} | tested`)),
      [],
    )
  })
})
