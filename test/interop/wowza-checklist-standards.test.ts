import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { type AmfEncodable, encodeAmf0 } from '#media/flv/amf0.ts'
import { audioTagHeader } from '#media/flv/audio-tag.ts'
import { HANDSHAKE_BLOCK_BYTES, isSignedByServer, signClientBlock } from '#protocols/rtmp/handshake.ts'
import { encodeU32, MessageType } from '#protocols/rtmp/message.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe, type Probed } from '#test/support/outside-judges.ts'
import { program, publishWithFfmpeg8 } from '#test/support/programs.ts'
import { type RawChunking, sendRaw } from '#test/support/raw-rtmp-media.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { AAC_CONFIGURATION, sendUnits } from '#test/support/rtmp-media.ts'
import { assertPlays, baselineSource, codesOf, lasts, WowzaServer } from '#test/support/wowza-server.ts'

/** The third part of rtmp-recording.md §8, standards, against a running server; titles as in the checklist. */

let server: WowzaServer
let short: ElementarySource

before(async () => {
  server = await WowzaServer.start('recordMode: always')
  short = await baselineSource(server.folder, 2)
})
after(() => server[Symbol.asyncDispose]())

const HANDSHAKES: readonly {
  readonly name: string
  readonly c1: () => Buffer
  readonly kind?: 'digest-0' | 'digest-1'
}[] = [
  { name: 'zero', c1: () => Buffer.alloc(HANDSHAKE_BLOCK_BYTES) },
  { name: 'non-zero', c1: () => randomBytes(HANDSHAKE_BLOCK_BYTES) },
  { name: 'digest 0', c1: () => randomBytes(HANDSHAKE_BLOCK_BYTES), kind: 'digest-0' },
  { name: 'digest 1', c1: () => randomBytes(HANDSHAKE_BLOCK_BYTES), kind: 'digest-1' },
]

const USUAL: RawChunking = { chunkBytes: 4096, chunkStreamId: 6, firstMs: 0, repeatExtended: true, aggregated: 1 }
const CHUNKINGS: readonly (Partial<RawChunking> & { readonly name: string })[] = [
  ...[1, 128, 4096, 65_536, 16_777_215].map((chunkBytes) => ({ name: `chunks-${chunkBytes}`, chunkBytes })),
  ...[3, 64, 319, 320, 65_599].map((chunkStreamId) => ({ name: `csid-${chunkStreamId}`, chunkStreamId })),
  ...[true, false].map((repeatExtended) => {
    return { name: `extended-${repeatExtended}`, firstMs: 0x100_0000, repeatExtended, chunkBytes: 128 }
  }),
  { name: 'becomes-extended', firstMs: 0xff_ffff - 1_000, chunkBytes: 128 },
  { name: 'wraps', firstMs: 2 ** 32 - 1_000 },
  { name: 'aggregates', aggregated: 7, firstMs: 5_000 },
]

test('Handshake with zero, non-zero and digest C1; chunk sizes 1, 128, 4096, 65536, 16777215; csid forms 1, 2, 3 bytes; extended timestamps with and without repetition on fmt 3; timestamp wrap; aggregate messages.', async () => {
  for (const { name, c1: make, kind } of HANDSHAKES) {
    const c1 = make()
    if (kind !== undefined) signClientBlock(c1, kind)
    const socket = connect(server.rtmpPort, '127.0.0.1')
    socket.write(Buffer.concat([Uint8Array.of(3), c1]))
    let answer = Buffer.alloc(0)
    while (answer.length < 1 + 2 * HANDSHAKE_BLOCK_BYTES) {
      const [bytes] = await once(socket, 'data', { signal: AbortSignal.timeout(60_000) })
      answer = Buffer.concat([answer, bytes])
    }
    socket.destroy()
    assert.equal(answer[0], 3)
    const s1 = answer.subarray(1, 1 + HANDSHAKE_BLOCK_BYTES)
    if (kind === undefined) assert.deepEqual(answer.subarray(1 + HANDSHAKE_BLOCK_BYTES), c1, name)
    else assert.ok(isSignedByServer(s1, kind), name)
  }
  for (const { name, ...special } of CHUNKINGS) {
    using client = await RtmpClient.open(server.rtmpPort, 'chunks')
    assert.equal(await client.status('publish', `mp4:${name}`, 'live'), 'NetStream.Publish.Start')
    sendRaw(client, short.units, { ...USUAL, ...special })
    await nextStatus(client, 'NetStream.Record.Start')
    // The library's writer must know the chunk size that was set by hand.
    client.writer.setChunkSize(special.chunkBytes ?? USUAL.chunkBytes)
    client.deleteStream()
    await nextStatus(client, 'NetStream.Unpublish.Success')
    await assertPlays(server.place(`${name}.mp4`, 'chunks'), 2)
  }
})

async function nextStatus(client: RtmpClient, code: string): Promise<void> {
  while ((await client.nextStatus()) !== code);
}

test('20 000 nested AMF objects, huge ECMA counts, 2^31 chunk size, truncated AMF: connection closed cleanly, server stays up.', async () => {
  const command = (...values: readonly AmfEncodable[]) => Buffer.from(encodeAmf0('startRecording', 1, ...values))
  const key = hex('000161')
  const attacks: readonly {
    readonly name: string
    readonly typeId: number
    readonly body: Uint8Array
    readonly isFatal: boolean
  }[] = [
    {
      name: 'nested objects',
      typeId: MessageType.command,
      body: Buffer.concat([command(), ...Array(20_000).fill(Buffer.concat([hex('03'), key]))]),
      isFatal: true,
    },
    {
      name: 'nested arrays',
      typeId: MessageType.command,
      body: Buffer.concat([command(), ...Array(20_000).fill(hex('0a00000001'))]),
      isFatal: true,
    },
    {
      name: 'ECMA count',
      typeId: MessageType.command,
      body: Buffer.concat([command(), hex('08ffffffff'), hex('000009')]),
      isFatal: false,
    },
    {
      name: 'strict array count',
      typeId: MessageType.command,
      body: Buffer.concat([command(), hex('0affffffff')]),
      isFatal: true,
    },
    {
      name: 'AMF3 count',
      typeId: MessageType.commandAmf3,
      body: Buffer.concat([Uint8Array.of(0), command(), hex('11 09 ffffffff 01')]),
      isFatal: true,
    },
    {
      name: 'truncated',
      typeId: MessageType.command,
      body: command('text that is cut').subarray(0, -6),
      isFatal: true,
    },
    { name: 'chunk size', typeId: MessageType.setChunkSize, body: encodeU32(2 ** 31), isFatal: true },
    { name: 'chunk size 0', typeId: MessageType.setChunkSize, body: encodeU32(0), isFatal: true },
  ]
  using witness = await RtmpClient.open(server.rtmpPort, 'witness')
  assert.equal(await witness.status('publish', 'mp4:witness', 'record'), 'NetStream.Publish.Start')
  for (const { name, typeId, body, isFatal } of attacks) {
    using client = await RtmpClient.open(server.rtmpPort, 'attack')
    client.send(typeId, body)
    if (isFatal) await Promise.race([client.closed, sleep(5_000).then(() => assert.fail(`${name}: still connected`))])
    else assert.equal((await client.call('nonsense', null)).name, '_error', name)
  }
  sendUnits(witness, short.units)
  await nextStatus(witness, 'NetStream.Record.Start')
  witness.deleteStream()
  await nextStatus(witness, 'NetStream.Unpublish.Success')
  await assertPlays(server.place('witness.mp4', 'witness'), 2)
})

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

const CODECS: readonly { readonly video: VideoCodec; readonly audio: AudioCodec }[] = [
  { video: 'h264', audio: 'aac' },
  { video: 'h265', audio: 'aac' },
  { video: 'av1', audio: 'aac' },
  { video: 'vp9', audio: 'aac' },
  { video: 'h264', audio: 'opus' },
  { video: 'h264', audio: 'flac' },
  { video: 'h264', audio: 'ac3' },
]
/** What few players of MP4 know becomes AAC: see "Sound" of the recording options. */
const PROBED_NAMES: Readonly<Record<string, string>> = { h265: 'hevc', opus: 'aac' }
const SYNC_MS = 40

test('H.264+AAC, HEVC, AV1, VP9 (E-RTMP v1), Opus/FLAC/AC-3 audio and two audio tracks (v2) record to files that an independent demuxer opens with right codec names, durations and A/V sync under 40 ms.', async () => {
  const recorded = CODECS.map(async ({ video, audio }) => {
    const source = await makeSource(server.folder, { video, audio, seconds: 3, size: '160x90' })
    const name = `${video}-${audio}`
    await publishWithFfmpeg8(source.path, `${server.server.rtmp}/codecs/mp4:${name}.mp4`, 2)
    const path = server.place(`${name}.mp4`, 'codecs')
    const seconds = await server.untilFinal(path)
    const [sent, got] = [await ffprobe(source.path), await ffprobe(path)]
    assert.deepEqual(
      got.streams.map(({ codec_name }) => codec_name).sort(),
      [PROBED_NAMES[video] ?? video, PROBED_NAMES[audio] ?? audio].sort(),
    )
    assert.ok(Math.abs(seconds - Number(sent.format.duration)) < 0.2, `${name} lasts ${seconds} s`)
    const driftMs = Math.abs(audioBehindVideoMs(got) - audioBehindVideoMs(sent))
    assert.ok(driftMs < SYNC_MS, `${name}: audio moved ${driftMs} ms against video`)
  })
  await Promise.all(recorded)

  using client = await RtmpClient.open(server.rtmpPort, 'codecs')
  assert.equal(await client.status('publish', 'mp4:two', 'live'), 'NetStream.Publish.Start')
  sendUnits(client, short.units)
  const second = { codec: 'aac', sampleRateHz: 48_000, channels: 2, multitrackId: 1 } as const
  client.send(
    MessageType.audio,
    Buffer.concat([audioTagHeader({ ...second, kind: 'configuration' }), AAC_CONFIGURATION]),
  )
  const silence = short.units.find(({ format }) => format.kind === 'audio')?.payload ?? new Uint8Array()
  for (let timestampMs = 0; timestampMs < 2_000; timestampMs += 23) {
    client.send(MessageType.audio, Buffer.concat([audioTagHeader({ ...second, kind: 'codedAudio' }), silence]), {
      timestampMs,
    })
  }
  client.deleteStream()
  await nextStatus(client, 'NetStream.Unpublish.Success')
  const { streams } = await ffprobe(server.place('two.mp4', 'codecs'))
  assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'aac', 'h264'])
})

/** By the first picture and the first sound that are to be presented. */
function audioBehindVideoMs({ streams, packets }: Probed): number {
  const firstMs = (kind: string) => {
    const index = streams.findIndex(({ codec_type }) => codec_type === kind)
    const times = packets.filter(({ stream_index }) => stream_index === index).map(({ pts_time }) => Number(pts_time))
    return Math.min(...times) * 1000
  }
  return firstMs('audio') - firstMs('video')
}

test('kill -9 during record: FLV readable up to the last complete tag; MP4 recovered at restart.', async () => {
  await using own = await WowzaServer.start('')
  const source = await baselineSource(own.folder, 20)
  using flv = await own.publisher({ name: 'killed', type: 'record', units: source.units, speed: 2 })
  using mp4 = await own.publisher({ name: 'mp4:killed', app: 'other', type: 'record', units: source.units, speed: 2 })
  for (const publisher of [flv, mp4]) await publisher.until('NetStream.Record.Start')
  await sleep(3_000)
  await own.killAndRestart(async () => {
    // As it lies there, unrepaired: what ffmpeg reads ends where the last whole tag ends.
    const path = own.place('killed.flv')
    const { stderr } = await program('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'null', '-'])
    assert.equal(stderr, '')
    const shown = ['-show_entries', 'packet=pts_time', '-select_streams', 'v', '-of', 'csv=p=0', path]
    const { stdout } = await program('ffprobe', ['-v', 'quiet', ...shown])
    assert.ok(stdout.trim().split('\n').length > 75, 'more than three of six seconds are there')
  })
  for (const [name, app] of [
    ['killed.flv', 'liverec'],
    ['killed.mp4', 'other'],
  ] as const) {
    assert.ok((await own.untilFinal(own.place(name, app))) > 3)
  }
  const again = await own.publish({ name: 'killed', type: 'append', units: short.units })
  assert.deepEqual(codesOf(again), ['Publish.Start', 'Record.Start', 'Record.Stop', 'Unpublish.Success'])
  assert.ok((await lasts(own.place('killed.flv'))) > 5)
})
