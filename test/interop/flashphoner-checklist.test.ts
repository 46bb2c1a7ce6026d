import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type ElementarySource, makeSource, type SourceOptions } from '#test/support/elementary-source.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { ffprobe, joinedHashes } from '#test/support/outside-judges.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/**
 * The compatibility checklist of the vendor's recording surface: a test for each line, its title the line's own words.
 * Here publishers send RTMP, cameras RTSP; what needs the vendor's web SDK is in flashphoner-checklist-browsers.test.ts.
 */

test('the guide has every line in its table, and whether it works', async () => {
  const files = ['flashphoner-checklist.test.ts', 'flashphoner-checklist-browsers.test.ts']
  const texts = await Promise.all(files.map((file) => readFile(join(import.meta.dirname, file), 'utf8')))
  const titles = texts.flatMap((text) => [...text.matchAll(/^ *test\((['"])(.+)\1, async/gm)])
  const tested = titles.map(([, , title = '']) => title)
  const guide = await readFile(new URL('../../docs/guide/coming-from-flashphoner.md', import.meta.url), 'utf8')
  const rows = new Map([...guide.matchAll(/^\| (.+) \| (.+) \|$/gm)].map(([, line = '', state = '']) => [line, state]))
  assert.ok(tested.length > 25)
  for (const line of tested.slice(1)) assert.match(rows.get(line) ?? 'missing', /^works/, line)
})

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

const folders = new AsyncDisposableStack()
const sources: { short?: ElementarySource; long?: ElementarySource } = {}
function given(which: keyof typeof sources): ElementarySource {
  const source = sources[which]
  assert.ok(source !== undefined)
  return source
}

/** A source in a folder that stays until all tests are over. */
async function made(options: SourceOptions): Promise<ElementarySource> {
  const folder = folders.use(await TempFolder.make())
  return makeSource(folder, { video: 'h264', audio: 'aac', size: '160x90', ...options })
}

before(async () => {
  sources.short = await made({ seconds: 2 })
  sources.long = await made({ seconds: 70, encoding: ['-g', '50', '-keyint_min', '50', '-bf', '0'] })
})
after(() => folders.disposeAsync())

const RECORDED = 'record_flash_published_streams=true\n'
const BY_NAME = `${RECORDED}stream_record_policy=streamName\n`

/** Publishes the short source once and gives the names of the files it left. */
async function namesAfter(properties: string, name: string): Promise<string[]> {
  await using wcs = await Installation.run(properties)
  await publishNamed(wcs, name)
  return wcs.files()
}

/** Publishes under any name of application `live`, also under those that no URL can carry. */
async function publishNamed(wcs: Installation, name: string): Promise<void> {
  const { units } = given('short')
  using publisher = await PacedPublisher.start({ rtmp: wcs.server.rtmp, app: 'live', name, units, speed: 50 })
  await publisher.allArrived()
  publisher.finish()
  await wcs.idle()
}

// They mostly wait for media to come.
await suite('The checklist', { concurrency: 3 }, () => {
  test('A vendor properties file with hundreds of unknown keys loads; the keys above are honoured, comments and continuations work.', async () => {
    const unknown = Array.from(
      { length: 400 },
      (_, n) => `unknown_key_${n} = ${n % 2 === 0 ? 'true' : `a:b=c\\u12 ${n}`}`,
    )
    const properties = [
      '# the vendor’s',
      '! and another comment \\',
      ...unknown.slice(0, 200),
      'record_flash_published_streams : \\',
      '    true',
      'stream_record_policy_template=wrong',
      'stream_record_policy_template = \\u0072ec-\\',
      '      {streamName}',
      ...unknown.slice(200),
    ]
    assert.deepEqual(await namesAfter(properties.join('\r\n'), 'cam1'), ['rec-cam1.mp4'])
  })

  test('`record_streams=false`: no file appears for a websdk publisher with `record:true`.', async () => {
    await using wcs = await Installation.run(`${RECORDED}record_streams=false`)
    await using _ = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam1`)
    await eventually(async () => (await wcs.streams()).length === 1, 'the stream')
    const [stream] = await wcs.streams()
    const { status, body } = await wcs.rest('/stream/startRecording', { mediaSessionId: stream?.['mediaSessionId'] })
    assert.equal(status, 500)
    assert.match(JSON.parse(body).error, /record_streams=false/)
    assert.equal((await wcs.rest('/recorder/find_all')).status, 404)
    assert.deepEqual(await wcs.files(), [])
  })

  test('RTMP publish leaves no file by default; with `record_flash_published_streams=true` it does; same for RTSP capture.', async () => {
    assert.deepEqual(await namesAfter('', 'cam1'), [])
    for (const [properties, files] of [
      [RECORDED, { rtmp: 1, rtsp: 0 }],
      ['record_rtsp_streams=true', { rtmp: 0, rtsp: 1 }],
    ] as const) {
      await using wcs = await Installation.run(properties)
      await publishNamed(wcs, 'cam1')
      assert.equal((await wcs.files()).length, files.rtmp, properties)
      const copy = ['-v', 'error', '-re', '-i', given('short').path, '-c', 'copy']
      await program('ffmpeg', [...copy, '-f', 'rtsp', `${wcs.server.rtsp}/live/cam2`])
      await wcs.idle()
      assert.equal((await wcs.files()).length, files.rtmp + files.rtsp, properties)
    }
  })

  test('Default name is `stream-<mediaSessionId>-<login>.mp4`.', async () => {
    await using wcs = await Installation.run(RECORDED)
    await using publisher = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam1?login=alice`)
    await eventually(async () => (await wcs.streams())[0]?.['recordName'] !== undefined, 'a record')
    const [stream] = await wcs.streams()
    await publisher.stop()
    await wcs.idle()
    assert.match(String(stream?.['mediaSessionId']), new RegExp(`^${UUID}$`))
    assert.deepEqual(await wcs.files(), [`stream-${stream?.['mediaSessionId']}-alice.mp4`])
    assert.equal(stream?.['recordName'], `stream-${stream?.['mediaSessionId']}-alice.mp4`)
  })

  test('`stream_record_policy=streamName`: push to `/live/stream_ffmpeg` gives `stream_ffmpeg.mp4`.', async () => {
    await using wcs = await Installation.run(BY_NAME)
    await wcs.publish(given('short').path, 'stream_ffmpeg?login=alice')
    assert.deepEqual(await wcs.files(), ['stream_ffmpeg.mp4'])
    const { streams } = await ffprobe(wcs.path('stream_ffmpeg.mp4'))
    assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'])
  })

  test('Every template element expands, and over-long values are cut to 20/60/36/32/4/4.', async () => {
    const elements = '{streamName}~{sessionId}~{mediaSessionId}~{login}~{audioCodec}~{videoCodec}'
    const template = `stream_record_policy_template=${elements}~{startTime}~{startTimeMillis}~{endTime}~{endTimeMillis}~{duration}~{other}`
    const startedMs = Date.now()
    const [name = '', ...others] = await namesAfter(`${RECORDED}${template}`, `cam1?login=${'x'.repeat(50)}`)
    assert.deepEqual(others, [])
    const [stream, session = '', media = '', login, audio, video, start, startMillis, end, endMillis, duration, other] =
      name.split('~')
    assert.equal(stream, 'cam1')
    // Shorter than its maximum between any two addresses of this machine: record-name.test.ts has it cut.
    assert.match(Buffer.from(session, 'base64url').toString(), /^\/127\.0\.0\.1:\d+\/127\.0\.0\.1:\d+$/)
    assert.match(media, new RegExp(`^${UUID}$`))
    assert.equal(login, 'x'.repeat(32))
    assert.equal(audio, 'AAC')
    assert.equal(video, 'H264')
    for (const time of [start, startMillis, end, endMillis]) {
      assert.ok(Number(time) >= startedMs - 1000 && Number(time) <= Date.now() + 3_000, time)
    }
    assert.ok(Math.abs(Number(duration) - 2_000) < 200, duration)
    assert.equal(other, '{other}.mp4')
  })

  test('`encode_record_name=true,HEX` and `true,BASE64` decode back to the base name; a stream named `a/b` creates no sub-directory.', async () => {
    for (const [algorithm, encoding] of [
      ['HEX', 'hex'],
      ['BASE64', 'base64url'],
    ] as const) {
      const [name = '', ...others] = await namesAfter(`${BY_NAME}encode_record_name=true,${algorithm}`, 'a/b')
      assert.deepEqual(others, [])
      assert.match(name, /^[A-Za-z0-9_-]+\.mp4$/)
      assert.equal(Buffer.from(name.slice(0, -4), encoding).toString(), 'a/b')
    }
    assert.deepEqual(await namesAfter(BY_NAME, 'a/b'), ['a_b.mp4'])
  })

  test('`exclude_record_name_characters=:.,/` removes exactly these; the extension dot survives.', async () => {
    const properties = `${BY_NAME}exclude_record_name_characters=:.,/`
    assert.deepEqual(await namesAfter(properties, 'a/b.c,d-e_f'), ['abcd-e_f.mp4'])
  })

  test('No stream name (`../../x`, NUL, 4000 characters, emoji) escapes the records directory or fails to produce a file.', async () => {
    await using wcs = await Installation.run(BY_NAME)
    const before = await readdir(wcs.folder.path)
    const names = ['../../x', 'a\0b', 'z'.repeat(4000), '📹', '..', '.hidden', 'a\\b\nc', '{endTime}', '/etc/passwd']
    let count = 0
    for (const name of names) {
      await publishNamed(wcs, name)
      const files = await wcs.files()
      assert.equal(files.length, ++count, JSON.stringify(name.slice(0, 20)))
    }
    for (const entry of await readdir(wcs.records, { withFileTypes: true })) assert.ok(entry.isFile(), entry.name)
    // Beside the records there is what there was, and the hook's log.
    assert.deepEqual(
      (await readdir(wcs.folder.path)).filter((name) => name !== 'hook.log'),
      before,
    )
  })

  test('A 300-character stream name gives a 255-byte file name that still ends in the right extension; same with part number.', async () => {
    await using wcs = await Installation.run(`${BY_NAME}record_rotation=1`)
    await wcs.publish(given('short').path, 'n'.repeat(300))
    assert.deepEqual(await wcs.files(), [`${'n'.repeat(251)}.mp4`, `${'n'.repeat(249)}_1.mp4`].sort())
    assert.deepEqual(await namesAfter(BY_NAME, 'ü'.repeat(300)), [`${'ü'.repeat(125)}.mp4`])
  })

  /** Parts of a rotated record in the order of their numbers, the un-numbered last. */
  async function partsOf(wcs: Installation, base: string): Promise<string[]> {
    const files = await wcs.files()
    const numbered = files.filter((name) => name !== `${base}.mp4`)
    numbered.sort((a, b) => Number(/_(\d+)\.mp4$/.exec(a)?.[1]) - Number(/_(\d+)\.mp4$/.exec(b)?.[1]))
    return [...numbered, `${base}.mp4`]
  }

  test('`record_rotation=20` on a 70 s stream with 2 s GOP gives 4 independently playable files of about 20/20/20/10 s: `_1`,`_2`,`_3` and the un-numbered last.', async () => {
    await using wcs = await Installation.run(`${BY_NAME}record_rotation=20`)
    await wcs.publish(given('long').path, 'cam')
    const parts = await partsOf(wcs, 'cam')
    assert.deepEqual(parts, ['cam_1.mp4', 'cam_2.mp4', 'cam_3.mp4', 'cam.mp4'])
    for (const [index, seconds] of [20, 20, 20, 10].entries()) {
      const { format, streams } = await ffprobe(wcs.path(parts[index] ?? ''))
      assert.equal(streams.length, 2)
      assert.ok(Math.abs(Number(format.duration) - seconds) <= 0.3, `${parts[index]}: ${format.duration} s`)
    }
  })

  test('Sum of part durations equals the stream duration within one frame per cut; every part starts with a key frame.', async () => {
    await using wcs = await Installation.run(`${BY_NAME}record_rotation=7`)
    const source = given('long')
    await wcs.publish(source.path, 'cam')
    const parts = await partsOf(wcs, 'cam')
    assert.ok(parts.length > 5, parts.join(' '))
    let pictures = 0
    for (const part of parts) {
      const { streams, packets } = await ffprobe(wcs.path(part))
      const video = streams.findIndex(({ codec_type }) => codec_type === 'video')
      const own = packets.filter(({ stream_index }) => stream_index === video)
      assert.match(own[0]?.flags ?? '', /^K/, part)
      pictures += own.length
    }
    // Not one picture is missing or twice there, so that the durations add up.
    assert.equal(pictures, source.units.filter(({ format }) => format.kind === 'video').length)
    assert.deepEqual(await joinedHashes(parts.map((part) => wcs.path(part))), await joinedHashes([source.path]))
  })

  test('`record_rotation=10M` bounds each part near 10 MB.', async () => {
    await using wcs = await Installation.run(`${BY_NAME}record_rotation=10M`)
    const encoding = ['-qp', '4', '-g', '5', '-keyint_min', '5', '-bf', '0', '-vf', 'noise=alls=100:allf=t']
    const source = await made({ seconds: 6, size: '640x360', encoding })
    // Faster than a disk may be, whole GOPs would be lost, as they should.
    await wcs.publish(source.path, 'cam', 3)
    const parts = await partsOf(wcs, 'cam')
    const sizes = await Promise.all(parts.map(async (part) => (await stat(wcs.path(part))).size))
    assert.ok(sizes.length >= 3, `${sizes}`)
    for (const size of sizes.slice(0, -1)) {
      assert.ok(size > 7 * 1024 ** 2 && size < 15 * 1024 ** 2, `${sizes}`)
    }
  })

  /** Every argument on a line of its own, a NUL behind the last. */
  const PRINT_ARGUMENTS = 'printf "%s\\n" "$#" "$@" "$(stat -c %s "$2")" "$(pwd)" >> $LOG; printf "\\0" >> $LOG'

  test('Hook gets exactly two arguments; path is absolute, file is complete, arguments with spaces, quotes and `$()` arrive verbatim; fires once per part.', async () => {
    await using wcs = await Installation.make()
    await wcs.hook(PRINT_ARGUMENTS)
    await wcs.start(`${BY_NAME}record_rotation=1`)
    const name = `a "b" 'c' $(touch hacked) \`x\` ; & é`
    await publishNamed(wcs, name)
    await eventually(async () => (await wcs.hookLog()).length === 2, 'two runs of the hook')
    const files = await wcs.files()
    assert.equal(files.length, 2)
    const seen: string[] = []
    for (const entry of await wcs.hookLog()) {
      const [count, stream, path = '', size, folder] = entry.split('\n')
      assert.equal(count, '2')
      assert.equal(stream, name)
      assert.equal(folder, wcs.records)
      assert.ok(path.startsWith(`${wcs.records}/`))
      assert.equal(Number(size), (await stat(path)).size)
      await ffprobe(path)
      seen.push(path.slice(wcs.records.length + 1))
    }
    assert.deepEqual(seen.sort(), files)
  })

  test('Missing, failing or hanging hook never delays or breaks publishing.', async () => {
    // A hook that hangs does so for as long as its server runs.
    for (const hooks of [['missing'], ['exit 3', 'kill -9 $$', 'rm "$2"'], ['sleep 1000']]) {
      await using wcs = await Installation.make()
      await wcs.start(BY_NAME)
      for (const [index, hook] of hooks.entries()) {
        if (hook === 'missing') await rm(wcs.folder.at('bin', 'on_record_hook.sh'))
        else await wcs.hook(`touch ${wcs.folder.at(`ran${index}`)}; ${hook}`)
        await wcs.publish(given('short').path, `one${index}`)
        if (hook !== 'missing') {
          await eventually(async () => (await readdir(wcs.folder.path)).includes(`ran${index}`), 'the hook')
        }
        await wcs.publish(given('short').path, `two${index}`)
        await ffprobe(wcs.path(`two${index}.mp4`)).catch((error: unknown) => {
          if (!hook.startsWith('rm')) throw error
        })
      }
    }
    await using wcs = await Installation.make()
    await writeFile(wcs.folder.at('bin', 'on_record_hook.sh'), 'not executable')
    await chmod(wcs.folder.at('bin', 'on_record_hook.sh'), 0o644)
    await wcs.start(BY_NAME)
    for (const name of ['one', 'two', 'three']) await wcs.publish(given('short').path, name)
    assert.deepEqual(await wcs.files(), ['one.mp4', 'three.mp4', 'two.mp4'])
    assert.equal(wcs.server.log.filter((line) => line.includes('script.missing')).length, 1, 'told once')
  })

  test('start on a PUBLISHING stream: 200, empty body, file grows; stop: 200 and file is playable; unknown id: 404 for both.', async () => {
    await using wcs = await Installation.run('stream_record_policy=streamName')
    await using _ = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
    await eventually(async () => (await wcs.streams()).length === 1, 'the stream')
    const mediaSessionId = (await wcs.streams())[0]?.['mediaSessionId']
    for (const method of [
      '/stream/startRecording',
      '/stream/stopRecording',
      '/recorder/startup',
      '/recorder/terminate',
    ]) {
      assert.equal((await wcs.rest(method, { mediaSessionId: 'unknown' })).status, 404, method)
      assert.equal((await wcs.rest(method, {})).status, 400, method)
      assert.equal((await wcs.rest(method, '{"mediaSessionId"')).status, 400, method)
    }
    // Nothing to stop is no mistake.
    assert.deepEqual(await wcs.rest('/stream/stopRecording', { mediaSessionId }), { status: 200, body: '' })
    assert.deepEqual(await wcs.rest('/stream/startRecording', { mediaSessionId }), { status: 200, body: '' })
    const size = async () => (await stat(wcs.path('cam.mp4')).catch(() => undefined))?.size ?? 0
    await eventually(async () => (await size()) > 0, 'the file')
    const first = await size()
    await eventually(async () => (await size()) > first, 'growth')
    // Once more changes nothing.
    assert.equal((await wcs.rest('/stream/startRecording', { mediaSessionId })).status, 200)
    assert.deepEqual(await wcs.rest('/stream/stopRecording', { mediaSessionId }), { status: 200, body: '' })
    assert.deepEqual(await wcs.files(), ['cam.mp4'])
    const { streams } = await ffprobe(wcs.path('cam.mp4'))
    assert.equal(streams.length, 2)
    assert.equal((await wcs.streams()).length, 1, 'still published')
    assert.equal((await wcs.streams())[0]?.['record'], false)
  })

  test('`/stream/find_all` 404 when idle; array with `status":"PUBLISHING"` and usable `mediaSessionId` when not; `/stream/find` filters by name.', async () => {
    await using wcs = await Installation.run('')
    for (const method of ['GET', 'POST'])
      assert.equal((await wcs.rest('/stream/find_all', undefined, { method })).status, 404)
    await using one = new FfmpegPublisher(`${wcs.server.rtmp}/live/one`)
    await using two = new FfmpegPublisher(`${wcs.server.rtmp}/live/two`)
    await eventually(async () => (await wcs.streams()).filter(({ hasVideo }) => hasVideo === true).length === 2, 'both')
    for (const stream of await wcs.streams()) {
      assert.equal(stream['status'], 'PUBLISHING')
      assert.equal(stream['mediaProvider'], 'Flash')
      assert.match(String(stream['sessionId']), /^\/127\.0\.0\.1:\d+\/127\.0\.0\.1:\d+$/)
      const found = await wcs.rest('/stream/find', { mediaSessionId: stream['mediaSessionId'] })
      assert.deepEqual(JSON.parse(found.body), [stream])
    }
    const named = await wcs.rest('/stream/find', { name: 'two', published: true, display: ['metrics'] })
    assert.deepEqual(
      JSON.parse(named.body).map(({ name }: { name: string }) => name),
      ['two'],
    )
    assert.equal((await wcs.rest('/stream/find', { name: 'three' })).status, 404)
    assert.equal((await wcs.rest('/stream/terminate', { name: 'three' })).status, 404)
    assert.equal((await wcs.rest('/stream/terminate', {})).status, 400)
    assert.deepEqual(await wcs.rest('/stream/terminate', { name: 'one' }), { status: 200, body: '' })
    await eventually(async () => (await wcs.streams()).length === 1, 'the end of one')
    await eventually(async () => one.errors !== '', 'its publisher is put out')
    assert.equal(two.errors, '')
  })

  test('`/recorder/startup` with `config.fileTemplate` and `config.rotation` overrides globals; `/recorder/find_all` lists it.', async () => {
    await using wcs = await Installation.run(`${BY_NAME}record_rotation=1000`)
    await using publisher = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
    await eventually(async () => (await wcs.streams())[0]?.['recordName'] === 'cam.mp4', 'the record of the settings')
    const mediaSessionId = (await wcs.streams())[0]?.['mediaSessionId']
    const config = { fileTemplate: '{streamName}-{startTime}-{endTime}', rotation: '1' }
    assert.deepEqual(await wcs.rest('/recorder/startup', { mediaSessionId, config }), { status: 200, body: '' })
    const listed = async () => JSON.parse((await wcs.rest('/recorder/find_all')).body)
    await eventually(async () => (await listed())[0]?.fileName.startsWith('cam-'), 'the new record')
    const [record] = await listed()
    assert.equal(record.mediaSessionId, mediaSessionId)
    assert.match(record.fileName, /^cam-\d{13}-\{endTime\}\.mp4$/)
    await eventually(async () => (await wcs.files()).length >= 4, 'its parts')
    for (const bad of [{ rotation: '10 minutes' }, { fileTemplate: 5 }, 'x']) {
      assert.equal((await wcs.rest('/recorder/startup', { mediaSessionId, config: bad })).status, 400)
    }
    await publisher.stop()
    await wcs.idle()
    const files = await wcs.files()
    assert.ok(files.includes('cam.mp4'), 'what was recorded before')
    for (const file of files) {
      if (file !== 'cam.mp4') assert.match(file, /^cam-\d{13}-\d{13}\.mp4$/)
      await ffprobe(wcs.path(file))
    }
  })
})
