import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { makeSource } from '#test/support/elementary-source.ts'
import { EvoClient, type EvoRecord, startEvostream, until } from '#test/support/evostream.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { GstRtspServer } from '#test/support/gst-rtsp-server.ts'
import { ffprobe, remuxWithFfmpeg } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Cameras under the control surfaces of other vendors: GStreamer's RTSP server is the camera, ffmpeg announces. */

/** The camera counts seconds from 1 to 30 or more; nobody waits for its end. */
const SECONDS = 30

/** H.264 with A-law, as most cameras send it. */
async function camera(folder: TempFolder): Promise<GstRtspServer> {
  const { path } = await makeSource(folder, { video: 'h264', audio: 'pcma', size: '160x90', seconds: SECONDS })
  const file = `${path}.mkv`
  await remuxWithFfmpeg(path, file)
  const sound = 'd.audio_0 ! queue ! audio/x-alaw ! rtppcmapay name=pay1'
  const launch = `( filesrc location=${file} ! matroskademux name=d d.video_0 ! queue ! h264parse ! rtph264pay config-interval=-1 name=pay0 ${sound} )`
  return await GstRtspServer.start({ mounts: { '/cam1': launch } })
}

async function pull(server: ServerProcess, path: string, url: string): Promise<void> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, url }),
  })
  assert.equal(response.status, 201, await response.text())
}

/** Video and AAC of this rate, from the first picture on. */
async function assertSound(path: string, sampleRateHz: number, atLeast = 20): Promise<void> {
  const { streams, packets } = await ffprobe(path)
  const codecs = streams.map(({ codec_name, sample_rate }) => [codec_name, sample_rate])
  assert.deepEqual(codecs, [
    ['h264', undefined],
    ['aac', String(sampleRateHz)],
  ])
  assert.ok(packets.length > atLeast, `${packets.length} packets`)
}

test('Flashphoner: what cameras send is recorded by record_rtsp_streams, others are not; and found as RTSP', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using gstreamer = await camera(folder)
  await using wcs = await Installation.run(
    'record_rtsp_streams=true\nstream_record_policy=streamName\nrecord_audio_codec_sample_rate=48000',
  )
  await pull(wcs.server, 'live/pulled', `rtsp://${gstreamer.address}/cam1`)
  const { path } = await makeSource(folder, { video: 'h264', audio: 'aac', size: '160x90', seconds: 3 })
  const copy = ['-v', 'error', '-re', '-i', path, '-c', 'copy']
  const announced = program('ffmpeg', [...copy, '-f', 'rtsp', `${wcs.server.rtsp}/live/announced`])
  const overRtmp = program('ffmpeg', [...copy, '-f', 'flv', `${wcs.server.rtmp}/live/rtmp`])
  const described = async () =>
    (await wcs.streams()).map(({ name, mediaProvider, record, recordName }) =>
      [name, mediaProvider, record, recordName ?? ''].join(' '),
    )
  await eventually(async () => {
    const found = await described()
    return found.includes('pulled RTSP true pulled.mp4') && found.includes('announced RTSP true announced.mp4')
  }, 'two records')
  await Promise.all([announced, overRtmp])
  const [stream] = JSON.parse((await wcs.rest('/stream/find', { name: 'pulled' })).body)
  assert.equal(stream.mediaProvider, 'RTSP')
  assert.equal(stream.videoCodec, 'H264')
  assert.equal(stream.audioCodec, 'PCMA')
  assert.match(stream.sessionId, /^\/127\.0\.0\.1:\d+\/127\.0\.0\.1:\d+$/)
  const { mediaSessionId } = stream
  const stopped = await wcs.rest('/stream/stopRecording', { mediaSessionId })
  assert.deepEqual(stopped, { status: 200, body: '' })
  await assertSound(wcs.path('pulled.mp4'), 48_000)
  const config = { fileTemplate: 'again-{streamName}-{audioCodec}' }
  assert.equal((await wcs.rest('/recorder/startup', { mediaSessionId, config })).status, 200)
  await eventually(async () => (await wcs.files()).some((name) => name.startsWith('again-')), 'the second record')
  const found = JSON.parse((await wcs.rest('/recorder/find_all')).body)
  assert.deepEqual(
    found.map((each: { mediaSessionId: string }) => each.mediaSessionId),
    [mediaSessionId],
  )
  assert.equal((await wcs.rest('/recorder/terminate', { mediaSessionId })).status, 200)
  assert.equal((await wcs.rest('/stream/terminate', { name: 'pulled' })).status, 200)
  await eventually(async () => {
    const names = await wcs.files()
    return names.length === 3 && names.includes('announced.mp4')
  }, 'three files, and none of what came over RTMP')
  for (const name of await wcs.files()) if (name.startsWith('again')) await assertSound(wcs.path(name), 48_000, 1)
})

test('EvoStream: pullStream of rtsp:// over UDP and TCP, recorded, listed and shut down', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using gstreamer = await camera(folder)
  await using server = await startEvostream(folder.path)
  const evo = new EvoClient(server)
  const uri = `rtsp://${gstreamer.address}/cam1`
  const records: number[] = []
  for (const [name, forceTcp] of [
    ['udp', '0'],
    ['tcp', '1'],
  ]) {
    const pulled = await evo.success('pullStream', `uri=${uri} localStreamName=${name} forceTcp=${forceTcp}`)
    assert.partialDeepStrictEqual(pulled, {
      forceTcp: forceTcp === '1',
      keepAlive: true,
      localStreamName: name,
      uri: { document: 'cam1', fullUri: uri, scheme: 'rtsp', portSpecified: true },
    })
    await evo.untilStreaming(pulled.configId)
    const record = await evo.success('record', `localStreamName=${name} pathToFile=../media/${name} type=mp4`)
    await evo.untilStreaming(record.configId)
    records.push(record.configId)
    const info = await evo.success<Record<string, unknown>>('getStreamInfo', `localStreamName=${name}`)
    assert.partialDeepStrictEqual(info, { name, type: 'INP', farIp: '127.0.0.1', tcUrl: '' })
    assert.equal((info['video'] as { codec: string }).codec, 'VH264')
    assert.equal((info['pullSettings'] as EvoRecord).configId, pulled.configId)
  }
  const lower = (name: string) =>
    server.log
      .map((line) => JSON.parse(line))
      .find(({ event, stream }) => event === 'pull.streaming' && stream === name)?.tracks[0]
  assert.deepEqual(['udp', 'tcp'].map(lower), ['H264 over udp', 'H264 over tcp'])
  const frames = async (name: string) => {
    const streams = (
      await evo.success<{ name: string; type: string; video: { packetsCount: number } }[]>('listStreams')
    ).filter((each) => each.name === name && each.type === 'OFMP4')
    return streams[0]?.video.packetsCount ?? 0
  }
  for (const name of ['udp', 'tcp'])
    await until(
      `frames of ${name}`,
      () => frames(name),
      (count) => count > 30,
    )
  for (const id of records) await evo.success('removeConfig', `id=${id}`)
  for (const name of ['udp', 'tcp']) await evo.success('shutdownStream', `localStreamName=${name} permanently=1`)
  const config = await evo.success<{ pull: unknown[]; record: unknown[] }>('listConfig')
  assert.deepEqual([config.pull, config.record], [[], []])
  assert.deepEqual((await readdir(folder.at('recordings', 'media'))).sort(), ['tcp.mp4', 'udp.mp4'])
  for (const name of ['udp', 'tcp']) await assertSound(folder.at('recordings', 'media', `${name}.mp4`), 8_000)
  const failing = await evo.success('pullStream', `uri=rtsp://${gstreamer.address}/nothing localStreamName=nothing`)
  await evo.untilConfig(failing.configId, (each) => each?.status.current.description === 'Connection failed')
})
