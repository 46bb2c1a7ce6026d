import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { makeAudioFormat } from '#media/format.ts'
import type { TrackFormat } from '#media/track.ts'
import { payloadFormat, payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import type { PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { program } from '#test/support/programs.ts'
import { depacketize, describeTrack, listens, RtpPort, sendUnits, type TimedUnit } from '#test/support/rtp-exchange.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const FFMPEG8 = join(import.meta.dirname, '../support/rtp-with-ffmpeg8.ts')

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

/** A port that was free a moment ago, and its neighbour too. */
async function freePorts(): Promise<number> {
  using port = await RtpPort.open()
  return port.port
}

/** Sends access units to a program that reads a session description, and gives what it prints. */
async function hearing(
  folder: TempFolder,
  format: PayloadFormat,
  track: TrackFormat,
  units: readonly TimedUnit[],
  command: (sdp: string) => readonly [name: string, args: readonly string[]],
): Promise<string> {
  const port = await freePorts()
  const sdp = folder.at(`${port}.sdp`)
  await writeFile(sdp, describeTrack(format, track, port))
  const [name, args] = command(sdp)
  const heard = program(name, args)
  await Promise.race([heard, listens(port).then(() => sendUnits(format, track, units, port))])
  const { stdout, stderr } = await heard
  assert.equal(stderr, '')
  return stdout
}

const ffmpeg =
  (...output: readonly string[]) =>
  (sdp: string) =>
    ['ffmpeg', ['-v', 'error', '-protocol_whitelist', 'file,udp,rtp', '-i', sdp, ...output, '-']] as const

const hashLines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

const FRAMED: readonly { readonly codec: VideoCodec | AudioCodec; readonly encoding?: string }[] = [
  { codec: 'aac' },
  { codec: 'aac', encoding: 'MP4A-LATM' },
  { codec: 'mp3' },
  { codec: 'opus' },
  { codec: 'ac3' },
  { codec: 'vp8' },
  { codec: 'vp9' },
  { codec: 'mpeg4' },
]

for (const { codec, encoding } of FRAMED) {
  test(`${encoding ?? codec} to ffmpeg: every access unit as it was`, async () => {
    await using folder = await TempFolder.make()
    const kind = ['vp8', 'vp9', 'mpeg4'].includes(codec) ? 'video' : 'audio'
    const source = describedSource(await makeSource(folder, { [kind]: codec, seconds: 1 }))
    const [track] = source.formats
    assert.ok(track !== undefined)
    const format = encoding === undefined ? payloadFormatOf(track) : payloadFormat(encoding)
    assert.ok(format !== undefined)
    const units = source.units.map(({ payload, pts }) => ({ bytes: payload, pts }))
    const text = await hearing(
      folder,
      format,
      track,
      units,
      ffmpeg('-c', 'copy', '-copyinkf', '-f', 'framehash', '-hash', 'md5'),
    )
    assert.deepEqual(
      hashLines(text).map((line) => line.split(',')[5]?.trim()),
      units.map(({ bytes }) => md5(bytes)),
    )
  })
}

interface SampledCase {
  readonly codec: AudioCodec
  readonly encoding: string
  /** Encoder and raw format of ffmpeg's. */
  readonly encoder: string
  readonly raw: string
  readonly bitrate?: string
  readonly rateHz: number
  readonly channels: number
  /** Of 20 ms. */
  readonly unitBytes: number
  readonly configuration?: readonly number[]
}

const SAMPLED: readonly SampledCase[] = [
  { codec: 'pcma', encoding: 'PCMA', encoder: 'pcm_alaw', raw: 'alaw', rateHz: 8000, channels: 1, unitBytes: 160 },
  { codec: 'pcmu', encoding: 'PCMU', encoder: 'pcm_mulaw', raw: 'mulaw', rateHz: 8000, channels: 1, unitBytes: 160 },
  { codec: 'l16', encoding: 'L16', encoder: 'pcm_s16be', raw: 's16be', rateHz: 48_000, channels: 2, unitBytes: 3840 },
  { codec: 'g722', encoding: 'G722', encoder: 'g722', raw: 'g722', rateHz: 16_000, channels: 1, unitBytes: 160 },
  ...[2, 3, 4, 5].flatMap((bits) => {
    const common = { codec: 'g726' as const, encoder: 'g726le', raw: 'g726le', rateHz: 8000, channels: 1 }
    const g726 = { ...common, bitrate: `${8 * bits}k`, unitBytes: 20 * bits, configuration: [bits] }
    return [
      { ...g726, encoding: `G726-${8 * bits}` },
      { ...g726, encoding: `AAL2-G726-${8 * bits}` },
    ]
  }),
]

for (const { codec, encoding, encoder, raw, bitrate, rateHz, channels, unitBytes, configuration = [] } of SAMPLED) {
  test(`${encoding} to ffmpeg: decodes to the same samples`, async () => {
    await using folder = await TempFolder.make()
    const path = folder.at('source.raw')
    await program('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', `sine=frequency=440:duration=1:sample_rate=${rateHz}`],
      ...[
        '-ac',
        String(channels),
        '-c:a',
        encoder,
        ...(bitrate === undefined ? [] : ['-b:a', bitrate]),
        '-f',
        raw,
        path,
      ],
    ])
    const bytes = new Uint8Array(await readFile(path))
    const format = payloadFormat(encoding)
    assert.ok(format !== undefined)
    const track = makeAudioFormat({
      ...{ trackId: 1, timescale: 1000, codec, sampleRateHz: rateHz, channels },
      configuration: Uint8Array.from(configuration),
    })
    const units = Array.from({ length: Math.floor(bytes.length / unitBytes) }, (_, index) => ({
      bytes: bytes.subarray(index * unitBytes, (index + 1) * unitBytes),
      pts: index * 20,
    }))
    await writeFile(path, bytes.subarray(0, units.length * unitBytes))
    const output = ['-c:a', 'pcm_s16le', '-f', 'streamhash', '-hash', 'md5']
    const heard = await hearing(folder, format, track, units, ffmpeg(...output))
    const sizes =
      raw === 's16be'
        ? ['-ar', String(rateHz), '-ac', String(channels)]
        : raw === 'g726le'
          ? ['-code_size', String(configuration[0])]
          : []
    const { stdout } = await program('ffmpeg', ['-v', 'error', '-f', raw, ...sizes, '-i', path, ...output, '-'])
    assert.deepEqual(hashLines(heard), hashLines(stdout))
  })
}

test('JPEG to ffmpeg: images that decode to the same pictures', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, {
    video: 'jpeg',
    seconds: 1,
    size: '320x192',
    encoding: ['-huffman', 'default'],
  })
  const [track] = source.formats
  const format = track === undefined ? undefined : payloadFormatOf(track)
  assert.ok(format !== undefined && track !== undefined)
  const units = source.units.map(({ payload, pts }) => ({ bytes: payload, pts }))
  const pictures = (text: string) => hashLines(text).map((line) => line.split(',')[5]?.trim())
  const output = ['-fps_mode', 'passthrough', '-f', 'framehash', '-hash', 'md5']
  const heard = await hearing(folder, format, track, units, ffmpeg(...output))
  const { stdout } = await program('ffmpeg', ['-v', 'error', '-i', source.path, ...output, '-'])
  assert.equal(pictures(stdout).length, units.length)
  assert.deepEqual(pictures(heard), pictures(stdout))
})

test('AV1 to FFmpeg 8 and from it: every access unit as it was', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'av1', seconds: 1 })
  const [track] = source.formats
  const format = track === undefined ? undefined : payloadFormatOf(track)
  assert.ok(format !== undefined && track !== undefined)
  const units = source.units.map(({ payload, pts }) => ({ bytes: payload, pts }))
  const expected = units.map(({ bytes }) => md5(bytes))
  const heard = await hearing(folder, format, track, units, (sdp) => [process.execPath, [FFMPEG8, 'receive', sdp]])
  // It puts a temporal delimiter before each.
  const delimited = units.map(({ bytes }) => md5(Buffer.concat([Uint8Array.of(0x12, 0), bytes])))
  assert.deepEqual(hashLines(heard), delimited)

  using port = await RtpPort.open()
  await program(process.execPath, [FFMPEG8, 'send', source.path, `rtp://127.0.0.1:${port.port}`])
  await port.quiet()
  const stream = { encoding: 'AV1', clockRateHz: 90_000, channels: 1, parameters: new Map() }
  const received = depacketize(port.datagrams, stream)
  assert.deepEqual(
    received.units.map(({ bytes }) => md5(bytes)),
    expected,
  )
  assert.ok(received.units.every(({ facts }) => !facts.isDamaged && !facts.followsLoss))
  assert.equal(received.configurations.length, 1)
})
