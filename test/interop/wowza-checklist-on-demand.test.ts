import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { amfFields } from '#media/flv/amf-value.ts'
import { type AmfEncodable, encodeAmf0 } from '#media/flv/amf0.ts'
import { MessageType } from '#protocols/rtmp/message.ts'
import type { ElementarySource } from '#test/support/elementary-source.ts'
import { dataTags } from '#test/support/flv-walker.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { baselineSource, called, lasts, WowzaServer } from '#test/support/wowza-server.ts'

/** The second part of rtmp-recording.md §8, recording on demand, against a running server; titles as in the checklist. */

let server: WowzaServer
let endless: ElementarySource

before(async () => {
  server = await WowzaServer.start('')
  endless = await baselineSource(server.folder, 240)
})
after(() => server[Symbol.asyncDispose]())

const cmd2 = { format: 'mp4', append: false, startOnKeyFrame: true, recordData: false, versionFile: true }

/** The forms of rtmp-recording.md §4: what follows the transaction id. */
const forms = (name: string): readonly { readonly form: string; readonly args: readonly AmfEncodable[] }[] => [
  { form: 'a', args: [null, name, cmd2] },
  { form: 'b', args: [null, { streamName: name, cmd2 }] },
  { form: 'c', args: [null, name, { streamName: name, cmd2 }] },
  { form: 'd', args: [{ streamName: name, cmd2 }] },
  { form: 'e', args: [null, name, null] },
]

/** A second of recording. */
const aMoment = () => sleep(1_000)

// They mostly wait for media to be recorded.
await suite('On demand', { concurrency: 3 }, () => {
  test('startRecording/stopRecording over RTMP in all five argument forms of section 4, with cmd NULL, from the publisher and from another connection.', async () => {
    using own = await server.publisher({ name: 'mp4:forms.mp4', units: endless.units, speed: 1 })
    using other = await RtmpClient.open(server.rtmpPort, 'liverec')
    for (const client of [own.client, other]) {
      for (const { form, args } of forms('mp4:forms.mp4')) {
        await called(client, 'startRecording', ...args)
        await aMoment()
        const stopped = await called(
          client,
          'stopRecording',
          ...(form === 'b' || form === 'd' ? args : [null, 'mp4:forms.mp4']),
        )
        assert.ok((await lasts(server.folder.at('recordings', stopped))) > 0.5, form)
      }
    }
    // From the publisher no name is needed; AMF3, and a transaction that wants no answer, are understood.
    await called(own.client, 'startRecording', null, null)
    const amf3 = Buffer.concat([Uint8Array.of(0), encodeAmf0('stopRecording', 0, null, 'forms')])
    other.send(MessageType.commandAmf3, amf3, { messageStreamId: 0 })
    const before = (await server.files()).filter((path) => path.includes('forms'))
    assert.equal(before.length, 11)
    assert.ok((await server.untilFinal(server.place('forms.mp4'))) > 0)
    const unknown = await other.call('startRecording', null, 'nosuch')
    assert.equal(unknown.name, '_error')
    const { code, description } = amfFields(unknown.args[1])
    assert.equal(code, 'NetConnection.Call.Failed')
    assert.match(String(description), /nosuch/)
  })

  test('format, append, startOnKeyFrame, recordData, versionFile each change the result as in 5.2; defaults when absent.', async () => {
    const [name, plain] = ['mp4:options', 'plainoptions']
    using _one = await server.publisher({ name, units: endless.units, speed: 1 })
    using two = await server.publisher({ name: plain, units: endless.units, speed: 1 })
    const begunMs = performance.now()
    using client = await RtmpClient.open(server.rtmpPort, 'liverec')
    await sleep(600) // into the first GOP
    const record = async (stream: string, options: Record<string, AmfEncodable>, moments = 1) => {
      await called(client, 'startRecording', null, stream, options)
      for (let i = 0; i < moments; i++) await aMoment()
      return server.folder.at('recordings', await called(client, 'stopRecording', null, stream))
    }
    const formatOf = async (path: string) => (await ffprobe(path)).format.format_name
    // format: by the name, or as asked
    assert.match(await formatOf(await record(name, {})), /mp4/)
    assert.match(await formatOf(await record(plain, {})), /flv/)
    for (const format of ['flv', 1]) assert.match(await formatOf(await record(name, { format })), /flv/)
    for (const format of ['MP4', 2]) assert.match(await formatOf(await record(plain, { format })), /mp4/)
    assert.match(await formatOf(await record(name, { format: 0 })), /mp4/)
    // append: the file grows, whatever versionFile says
    const grown = await record(name, { append: true, versionFile: true, output: 'grown.mp4' })
    const atFirst = await lasts(grown)
    assert.equal(await record(name, { append: true, output: 'grown.mp4' }), grown)
    assert.ok((await lasts(grown)) > atFirst + 0.5)
    // versionFile: false overwrites
    const once = await record(name, { versionFile: false, output: 'once.mp4' }, 2)
    assert.equal(await record(name, { versionFile: false, output: 'once.mp4' }), once)
    assert.deepEqual(
      (await server.files()).filter((path) => path.startsWith('once')),
      ['once.mp4'],
    )
    // startOnKeyFrame: false begins at once, decodable or not
    const firstIsKey = async (options: Record<string, AmfEncodable>) => {
      const path = await record(plain, options)
      const shown = ['-show_entries', 'packet=flags', '-select_streams', 'v', '-of', 'csv=p=0', path]
      return (await program('ffprobe', ['-v', 'quiet', ...shown])).stdout.startsWith('K')
    }
    assert.equal(await firstIsKey({ startOnKeyFrame: true }), true)
    assert.equal(await firstIsKey({}), true)
    const begun: boolean[] = []
    for (let i = 0; i < 3; i++) begun.push(await firstIsKey({ startOnKeyFrame: false }))
    assert.ok(begun.includes(false))
    // recordData: cue points and new descriptions are in an FLV unless they are not wanted; MP4 has no place for them
    const cuePoint = encodeAmf0('onCuePoint', { name: 'goal', time: 12, parameters: { by: 'Zoë' } })
    let titles = 0
    const withData = async (options: Record<string, AmfEncodable>) => {
      const askedMs = performance.now()
      await called(client, 'startRecording', null, plain, options)
      const answeredMs = performance.now()
      await aMoment()
      const sentMs = performance.now()
      const [timestampMs, title] = [Math.round(sentMs - begunMs), `title ${++titles}`]
      two.client.send(MessageType.data, cuePoint, { timestampMs })
      two.client.send(MessageType.data, encodeAmf0('@setDataFrame', 'onMetaData', { title }), { timestampMs })
      await aMoment()
      const path = server.folder.at('recordings', await called(client, 'stopRecording', null, plain))
      const expected = [cuePoint, encodeAmf0('onMetaData', { title })].map((body) => Buffer.from(body))
      // From a key frame before the call or after it, and however long a busy machine takes for each call.
      const atMs = { least: sentMs - answeredMs - 500, most: sentMs - askedMs + 2_000 }
      return { path, expected, atMs, askedForMs: performance.now() - askedMs }
    }
    for (const options of [{}, { recordData: true }, { recordData: 'false' }, { recordData: false }]) {
      const { path, expected, atMs, askedForMs } = await withData(options)
      const isWanted = String(options.recordData ?? true) === 'true'
      const tags = dataTags(await readFile(path))
      // The key frame that it begins with may be one before what the round before has sent.
      const ours = isWanted ? tags.slice(-expected.length) : tags
      assert.deepEqual(
        ours.map(({ type, body }) => ({ type, body })),
        isWanted ? expected.map((body) => ({ type: 18, body })) : [],
      )
      for (const { timestampMs } of ours) {
        assert.ok(timestampMs > atMs.least && timestampMs < atMs.most, `${timestampMs}: ${JSON.stringify(atMs)}`)
      }
      // An outside reader that looks far enough finds them, too: packets of their own between the media.
      const shown = ['-show_entries', 'packet=codec_type:format=duration', '-of', 'csv=p=0', path]
      const { stdout } = await program('ffprobe', ['-v', 'error', '-fpsprobesize', '10000', ...shown])
      const lines = stdout.trim().split('\n')
      assert.equal(lines.filter((line) => line === 'subtitle' || line === 'data').length, tags.length)
      const seconds = Number(lines.at(-1))
      assert.ok(seconds > 0.7 && seconds < askedForMs / 1_000 + 1.3, `${seconds} s of ${askedForMs} ms`)
      await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-map', '0:v', '-map', '0:a', '-f', 'null', '-'])
    }
    assert.ok((await lasts((await withData({ format: 'mp4', recordData: true })).path)) > 1)
    const strange = await client.call('startRecording', null, name, { format: 'avi' })
    assert.equal(strange.name, '_error')
    for (const output of ['../x.mp4', '/etc/x.mp4', 'a/../../b.mp4']) {
      assert.equal((await client.call('startRecording', null, name, { output })).name, '_error', output)
    }
  })

  test('Three recordings with versionFile: `name_0`, `name_1`, un-numbered newest; with append: one growing file; with both false: only the newest.', async () => {
    using _publishing = await server.publisher({ name: 'mp4:versions', units: endless.units, speed: 1 })
    using client = await RtmpClient.open(server.rtmpPort, 'liverec')
    const record = async (moments: number, options: Record<string, AmfEncodable>) => {
      await called(client, 'startRecording', null, 'mp4:versions', options)
      for (let i = 0; i < moments; i++) await aMoment()
      await called(client, 'stopRecording', null, 'mp4:versions')
    }
    const seconds = (names: readonly string[]) =>
      Promise.all(names.map((name) => lasts(server.folder.at('recordings', name))))
    const made = async (prefix: string) => (await server.files()).filter((path) => path.startsWith(prefix))
    for (const moments of [1, 3, 5])
      await record(moments, { versionFile: true, output: 'versioned.mp4', startOnKeyFrame: true })
    const versions = ['versioned.mp4', 'versioned_0.mp4', 'versioned_1.mp4']
    assert.deepEqual(await made('versioned'), versions)
    const [newest = 0, oldest = 0, middle = 0] = await seconds(versions)
    assert.ok(oldest < middle && middle < newest, `${oldest} ${middle} ${newest}`)
    const grown: number[] = []
    for (let i = 0; i < 3; i++) {
      await record(1, { append: true, output: 'growing.mp4' })
      assert.deepEqual(await made('growing'), ['growing.mp4'])
      grown.push(await lasts(server.folder.at('recordings/growing.mp4')))
    }
    for (const [index, length] of grown.entries()) assert.ok(length > (grown[index - 1] ?? 0) + 0.5, grown.join(' '))
    const alone: number[] = []
    for (const moments of [4, 1]) {
      await record(moments, { append: false, versionFile: false, output: 'newest.mp4' })
      assert.deepEqual(await made('newest'), ['newest.mp4'])
      alone.push(await lasts(server.folder.at('recordings/newest.mp4')))
    }
    assert.ok((alone[1] ?? 9) < (alone[0] ?? 0), alone.join(' '))
  })

  test('Second start without stop yields two playable files; stop twice is harmless; stop by HTTP of a recording begun by RTMP works.', async () => {
    using own = await server.publisher({ name: 'mp4:again', units: endless.units, speed: 1 })
    for (let i = 0; i < 2; i++) {
      await called(own.client, 'startRecording', null, 'mp4:again', {})
      await aMoment()
    }
    for (let i = 0; i < 2; i++) await called(own.client, 'stopRecording', null, 'mp4:again')
    for (const file of ['again.mp4', 'again_0.mp4']) assert.ok((await lasts(server.place(file))) > 0.5)
    await called(own.client, 'startRecording', null, 'mp4:again', {})
    await aMoment()
    const answer = await server.page({ app: 'liverec', streamname: 'again', action: 'stopRecording' })
    assert.match(answer, /stopRecording.*again/s)
    assert.ok((await lasts(server.place('again.mp4'))) > 0.5)
    assert.ok((await lasts(server.place('again_1.mp4'))) > 0.5)
  })

  test('HTTP `livestreamrecord` start and stop with 2.x and 3.5 parameter spellings; anonymous access refused; unknown stream named in the answer.', async () => {
    using _publishing = await server.publisher({ name: 'mp4:pages.mp4', units: endless.units, speed: 1 })
    const stream = { app: 'liverec/_definst_', streamname: 'mp4:pages.mp4' }
    const spellings = [
      {
        file: 'pages2.mp4',
        query: {
          append: 'false',
          version: 'true',
          startonkeyframe: 'true',
          recorddata: 'true',
          format: '2',
          output: 'pages2.mp4',
        },
      },
      { file: 'pages2.flv', query: { Append: 'FALSE', Version: 'false', Format: 'flv', Output: 'pages2.flv' } },
      {
        file: 'cut/pages35.mp4',
        query: {
          option: 'overwrite',
          format: '2',
          outputPath: 'cut',
          outputFile: 'pages35.mp4',
          startOnKeyFrame: 'true',
        },
      },
      { file: 'cut/pages.mp4', query: { option: 'version', outputPath: server.folder.at('recordings/cut') } },
    ]
    for (const { file, query } of spellings) {
      assert.match(
        await server.page({ ...stream, ...query, action: 'startRecording' }),
        /startRecording.*mp4:pages\.mp4/s,
      )
      await aMoment()
      assert.match(await server.page({ ...stream, action: 'stopRecording' }), /stopRecording.*mp4:pages\.mp4/s)
      assert.ok((await lasts(server.folder.at('recordings', file))) > 0.5, file)
    }
    await server.page({ ...stream, action: 'startRecording', outputPath: 'segments', segmentDuration: '2' })
    await sleep(5_000)
    await server.page({ ...stream, action: 'splitRecordingNow' })
    await sleep(2_500)
    await server.page({ ...stream, action: 'stopRecording' })
    const segments = (await server.files('segments')).map((path) => path.split('/').at(-1) ?? '')
    assert.ok(segments.length >= 3, segments.join())
    for (const [index, name] of segments.entries()) {
      assert.match(name, new RegExp(`^pages_\\d{4}-\\d\\d-\\d\\d-\\d\\d\\.\\d\\d\\.\\d\\d\\.\\d{3}-.+_${index}\\.mp4$`))
      await lasts(server.folder.at('recordings/segments', name))
    }
    const url = server.pageUrl({ ...stream, action: 'startRecording' })
    for (const authorization of [
      undefined,
      `Basic ${btoa('admin:wrong')}`,
      'Bearer nonsense',
      'Digest username="admin"',
    ]) {
      const refused = await fetch(url, authorization === undefined ? {} : { headers: { authorization } })
      assert.equal(refused.status, 401, authorization)
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Digest .*Basic /s)
      await refused.text()
    }
    assert.equal(
      (
        await fetch(url, {
          headers: { authorization: `Basic ${btoa('admin:secret')}`, 'sec-fetch-site': 'cross-site' },
        })
      ).status,
      403,
    )
    assert.match(await server.page({ app: 'liverec', streamname: 'nosuch', action: 'startRecording' }), /nosuch/)
    assert.match(await server.page({}), /pages\.mp4/)
  })

  test('Publisher disconnects without stop: file complete.', async () => {
    using own = await server.publisher({ name: 'mp4:gone', units: endless.units, speed: 1 })
    await called(own.client, 'startRecording', null, 'mp4:gone')
    await sleep(2_000)
    own.client.socket.destroy()
    assert.ok((await server.untilFinal(server.place('gone.mp4'))) > 1.4)
  })
})
