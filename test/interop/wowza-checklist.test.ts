import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { sendUnits } from '#test/support/rtmp-media.ts'
import { TypedPublisher } from '#test/support/typed-publisher.ts'
import { assertPlays, baselineSource, codesOf, WowzaServer } from '#test/support/wowza-server.ts'

/**
 * The first part of rtmp-recording.md §8, publish types, against a running server. Each title is a line of the
 * checklist, so that the table in docs/guide/coming-from-fms-wowza.md can be made from them.
 */

/** 25 pictures a second. */
const FRAME_MS = 40

let server: WowzaServer
/** A file shows by its length which of them it holds. */
let long: ElementarySource
let short: ElementarySource
let endless: ElementarySource

/** Time without a picture that has one before and after: in the order of decoding or of showing, whichever is more. */
async function widestGapMs(path: string): Promise<number> {
  const { packets, streams } = await ffprobe(path)
  const video = packets.filter(({ stream_index }) => streams[stream_index]?.codec_type === 'video')
  const orders = [video.map(({ dts_time }) => Number(dts_time)), video.map(({ pts_time }) => Number(pts_time))]
  const steps = orders.flatMap((times) => {
    const sorted = times.toSorted((a, b) => a - b)
    return sorted.slice(1).map((time, index) => time - (sorted[index] ?? 0))
  })
  return Math.max(...steps) * 1000 - FRAME_MS
}

before(async () => {
  server = await WowzaServer.start('applications: [{ name: relay, recordMode: none }]')
  const make = (seconds: number) => baselineSource(server.folder, seconds)
  ;[long, short, endless] = await Promise.all([make(3), make(2), make(60)])
})
after(() => server[Symbol.asyncDispose]())

test('`publish(x,"record")` twice: one file, second content. `append` twice: one file, total duration about the sum, monotonic timestamps, seekable, no gap over one frame, playable.', async (t) => {
  for (const [name, file] of [
    ['twice', 'twice.flv'],
    ['mp4:twice4', 'twice4.mp4'],
  ] as const) {
    await server.publish({ name, type: 'record', units: long.units })
    await assertPlays(server.place(file), 3)
    await server.publish({ name, type: 'record', units: short.units })
    await assertPlays(server.place(file), 2)
  }
  for (const [name, file] of [
    ['more', 'more.flv'],
    ['mp4:more4', 'more4.mp4'],
  ] as const) {
    await server.publish({ name, type: 'append', units: long.units })
    await server.publish({ name, type: 'Append', units: short.units })
    await assertPlays(server.place(file), 5)
    t.diagnostic(`${file}: ${(await widestGapMs(server.place(file))).toFixed(1)} ms at the seam`)
    assert.ok((await widestGapMs(server.place(file))) <= FRAME_MS, file)
    await program('ffmpeg', [
      '-v',
      'error',
      '-xerror',
      '-ss',
      '4',
      '-i',
      server.place(file),
      '-frames:v',
      '1',
      '-f',
      'null',
      '-',
    ])
  }
  // The same with B-pictures, whose order of decoding is not that of showing.
  const reordered = { video: 'h264', audio: 'aac', seconds: 2, size: '160x90' } as const
  const { units } = await makeSource(server.folder, reordered)
  for (const [name, file] of [
    ['between', 'between.flv'],
    ['mp4:between4', 'between4.mp4'],
  ] as const) {
    for (let i = 0; i < 2; i++) await server.publish({ name, type: 'append', units })
    await assertPlays(server.place(file), 4)
    t.diagnostic(`${file}, B-pictures: ${(await widestGapMs(server.place(file))).toFixed(1)} ms at the seam`)
    assert.ok((await widestGapMs(server.place(file))) <= FRAME_MS, file)
  }
  const made = (await server.files()).filter((path) => /twice|more/.test(path))
  assert.deepEqual(
    made.map((path) => path.split('/').at(-1)),
    ['more.flv', 'more4.mp4', 'twice.flv', 'twice4.mp4'],
  )
})

test('`append` on a missing file creates it; on a file with another codec: documented result; on an MP4 and on an FLV.', async () => {
  const hevc = await makeSource(server.folder, { video: 'h265', audio: 'aac', seconds: 2, size: '160x90' })
  for (const [name, file] of [
    ['changing', 'changing.flv'],
    ['mp4:changing4', 'changing4.mp4'],
  ] as const) {
    const first = await server.publish({ name, type: 'append', units: short.units })
    assert.deepEqual(codesOf(first), ['Publish.Start', 'Record.Start', 'Record.Stop', 'Unpublish.Success'])
    await assertPlays(server.place(file), 2)
    const second = await server.publish({ name, type: 'append', units: hevc.units })
    assert.deepEqual(codesOf(second), ['Publish.Start', 'Record.Failed', 'Unpublish.Success'])
    await assertPlays(server.place(file), 2)
  }
})

test('`publish(x,"live")` and `publish(x)` write nothing; an existing file of that name is still there.', async () => {
  await server.publish({ name: 'kept', type: 'record', units: long.units })
  const before = await server.files()
  for (const type of ['live', 'LIVE', 'nonsense', undefined]) {
    const told = await server.publish({ name: 'kept', ...(type !== undefined && { type }), units: short.units })
    assert.deepEqual(codesOf(told), ['Publish.Start', 'Unpublish.Success'])
  }
  assert.deepEqual(await server.files(), before)
  await assertPlays(server.place('kept.flv'), 3)
})

test('Names: `x` -> `x.flv`; `mp4:x` -> `x.mp4`; `mp4:x.mp4` -> `x.mp4`; `flv:x` -> `x.flv`; `x?token=1` -> `x.flv`; `../x`, `/etc/x`, `a/../../b`, `mp4:`, empty: refused, nothing written outside the root.', async () => {
  const names = [
    ['x', 'x.flv'],
    ['mp4:x', 'x.mp4'],
    ['mp4:x.mp4', 'x.mp4'],
    ['flv:x', 'x.flv'],
    ['x?token=1', 'x.flv'],
    ['mp4:day/x.f4v', 'day/x.f4v'],
  ] as const
  for (const [number, [name, file]] of names.entries()) {
    const app = `names${number}`
    await server.publish({ app, name, type: 'record', units: short.units })
    assert.deepEqual(await server.files(app), [`${app}/streams/_definst_/${file}`], name)
  }
  await server.publish({ app: 'names/studio', name: 'x', type: 'record', units: short.units })
  assert.deepEqual(await server.files('names'), ['names/streams/studio/x.flv'])
  // But for manifests that are just being written.
  const listing = async () => {
    const files = await readdir(server.folder.path, { recursive: true })
    return files.filter((file) => !file.endsWith('.json.tmp'))
  }
  const before = await listing()
  using client = await RtmpClient.open(server.rtmpPort, 'liverec')
  for (const name of [
    '../x',
    '/etc/x',
    'a/../../b',
    'mp4:',
    '',
    'mp4:../x',
    'x/../../../y',
    'mp4:.mp4',
    'a\0b',
    'raw:x',
  ]) {
    assert.equal(await client.status('publish', name, 'record'), 'NetStream.Publish.BadName', name)
  }
  assert.deepEqual(await listing(), before)
})

test('`rtmp://host/liverec` + `mp4:samplerec.mp4` published by ffmpeg and OBS lands in `<root>/liverec/streams/_definst_/samplerec.mp4`.', async () => {
  await using own = await WowzaServer.start('applications: [{ name: liverec, recordMode: always }]')
  const url = `${own.server.rtmp}/liverec/mp4:samplerec.mp4`
  const file = own.folder.at('recordings/liverec/streams/_definst_/samplerec.mp4')
  await program('ffmpeg', ['-v', 'error', '-re', '-i', short.path, '-c', 'copy', '-f', 'flv', url])
  await own.untilIdle()
  await assertPlays(file, 2)
  // What OBS sends with is librtmp; so does this.
  const pipeline =
    `filesrc location=${long.path} ! qtdemux name=d flvmux name=m streamable=true ! rtmpsink location=${url} ` +
    'd.video_0 ! h264parse ! queue ! m. d.audio_0 ! aacparse ! queue ! m.'
  await program('gst-launch-1.0', ['-q', ...pipeline.split(' ')])
  await own.untilIdle()
  await assertPlays(file, 3)
  // Always-recorded streams keep what was there.
  await assertPlays(file.replace('.mp4', '_0.mp4'), 2)
})

test('An application without recording permission answers Record.NoAccess or .Failed and still relays live.', async () => {
  using refused = await server.publisher({
    app: 'relay',
    name: 'mp4:cam.mp4',
    type: 'record',
    units: endless.units,
    speed: 1,
  })
  await refused.until('NetStream.Record.NoAccess')
  for (const name of ['mp4:cam.mp4', 'cam']) {
    const dump = server.folder.at('relayed.flv')
    const url = `${server.server.rtmp}/relay/${name}`
    await program('ffmpeg', ['-v', 'error', '-y', '-i', url, '-t', '1', '-c', 'copy', dump])
    assert.deepEqual((await ffprobe(dump)).streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'])
  }
  const told = codesOf(await refused.finish())
  assert.deepEqual(told, ['Publish.Start', 'Record.NoAccess', 'Unpublish.Success'])
  assert.deepEqual(
    (await server.files()).filter((path) => path.startsWith('relay')),
    [],
  )
})

test('onStatus sequence: Publish.Start, Record.Start ... Record.Stop, Unpublish.Success; BadName for a duplicate without harming the first.', async () => {
  using first = await server.publisher({ name: 'mp4:sequence', type: 'record', units: long.units })
  await first.until('NetStream.Record.Start')
  using second = await RtmpClient.open(server.rtmpPort, 'liverec')
  assert.equal(await second.status('publish', 'mp4:sequence', 'record'), 'NetStream.Publish.BadName')
  assert.equal(second.lastStatus['level'], 'error')
  await first.done
  const told = await first.finish()
  assert.deepEqual(codesOf(told), ['Publish.Start', 'Record.Start', 'Record.Stop', 'Unpublish.Success'])
  assert.ok(told.every(({ level, details }) => level === 'status' && details === 'mp4:sequence'))
  // Complete when Record.Stop was sent.
  await assertPlays(server.place('sequence.mp4'), 3)
})

test('Disk full in mid-recording: Record.Failed, the file so far is playable, publishing continues.', async () => {
  await using own = await WowzaServer.start('', '8m')
  const { disk } = own
  assert.ok(disk !== undefined)
  await disk.fill(768 * 1024)
  const encoding = [
    '-bf',
    '0',
    '-b:v',
    '2500k',
    '-minrate',
    '2500k',
    '-maxrate',
    '2500k',
    '-bufsize',
    '1M',
    '-nal-hrd',
    'cbr',
  ]
  const heavy = await makeSource(server.folder, { video: 'h264', audio: 'aac', seconds: 12, size: '640x360', encoding })
  const options = {
    rtmp: own.server.rtmp,
    app: 'liverec',
    name: 'mp4:full',
    type: 'record',
    units: heavy.units,
    speed: 2,
  }
  using filling = await TypedPublisher.start(options)
  await filling.until('NetStream.Record.Failed')
  await own.plays('liverec/full')
  await disk.free()
  const told = codesOf(await filling.finish())
  assert.deepEqual(told.slice(0, 3), ['Publish.Start', 'Record.Start', 'Record.Failed'])
  assert.equal(told.at(-1), 'Unpublish.Success')
  await program('ffmpeg', [
    '-v',
    'error',
    '-xerror',
    '-i',
    own.folder.at('recordings/liverec/streams/_definst_/full.mp4'),
    '-f',
    'null',
    '-',
  ])
})

test('FMLE-style preamble (releaseStream, FCPublish, FCUnpublish) works; unknown calls never drop the connection.', async () => {
  using client = await RtmpClient.open(server.rtmpPort, 'liverec', {
    flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
  })
  assert.equal((await client.call('releaseStream', null, 'mp4:fmle')).name, '_result')
  assert.equal((await client.call('FCPublish', null, 'mp4:fmle')).name, '_result')
  for (const unknown of ['DVRGetStreamInfo', 'DVRSetStreamInfo', '_checkbw', 'nonsense']) {
    assert.equal((await client.call(unknown, null, 'mp4:fmle')).name, '_error')
    client.tell(unknown, null)
  }
  assert.equal(await client.status('publish', 'mp4:fmle', 'record'), 'NetStream.Publish.Start')
  client.tell('nonsense', { deep: { deeper: [1, 'x', null] } })
  sendUnits(client, short.units)
  assert.equal(await client.nextStatus(), 'NetStream.Record.Start')
  client.tell('FCUnpublish', null, 'mp4:fmle')
  assert.equal(await client.nextStatus(), 'NetStream.Record.Stop')
  assert.equal(await client.nextStatus(), 'NetStream.Unpublish.Success')
  await assertPlays(server.place('fmle.mp4'), 2)
})
