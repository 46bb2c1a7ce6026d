import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import { describeInBand, isSelfDescribing } from '#media/in-band.ts'
import { program } from '#test/support/programs.ts'
import { depacketize, described, type Received, RtpPort } from '#test/support/rtp-exchange.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x192:rate=25:duration=1.2']
const TONE = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1.2']
/** Two outputs of one run are encoded alike only without threads and dates. */
const ALIKE = ['-threads', '1', '-fflags', '+bitexact', '-flags', '+bitexact']

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

/** Hashes of the packets that ffmpeg put into a framehash file. */
async function frameHashes(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => line.split(',')[5]?.trim() ?? '')
}

/** The times of access units grow by what the source's do, in ticks. */
function assertTimes({ units }: Received, stepTicks: number, toleranceTicks = 1): void {
  for (const [index, { facts }] of units.entries()) {
    assert.deepEqual([facts.isDamaged, facts.followsLoss], [false, false])
    const before = units[index - 1]
    if (before === undefined) continue
    const step = (facts.rtpTimestamp - before.facts.rtpTimestamp) | 0
    assert.ok(
      Math.abs(step - stepTicks) <= toleranceTicks,
      `access unit ${index} comes ${step} ticks after the one before`,
    )
  }
}

/** What came describes a track that the hub can make a format of. */
function assertDescribed({ format, units, configurations }: Received, clockRateHz: number): void {
  const [first] = units
  assert.ok(first !== undefined)
  const { codec } = format
  const told = isSelfDescribing(codec) ? describeInBand(codec, first.bytes) : configurations[0]
  assert.ok(told !== undefined, 'a configuration')
  const hints = 'hints' in told ? told.hints : told
  const init = { ...hints, trackId: 1, timescale: clockRateHz, configuration: told.configuration }
  if (format.kind === 'video') {
    const made = makeVideoFormat({ ...init, codec: codec as VideoCodec })
    assert.deepEqual([made.widthPixels, made.heightPixels], [320, 192])
  } else makeAudioFormat({ ...init, codec: codec as AudioCodec })
}

interface FfmpegCase {
  readonly name: string
  readonly input: readonly string[]
  readonly encoding: readonly string[]
  readonly rtp?: readonly string[]
  /** RTP ticks of an access unit; undefined: samples, which packets part as they please. */
  readonly stepTicks: number | undefined
  /** Access units that ffmpeg gathers for a packet and, ending, does not send. */
  readonly kept?: number
}

const samples = (name: string, ...encoding: readonly string[]): FfmpegCase => ({
  ...{ name, input: TONE, stepTicks: undefined },
  encoding,
})
const FFMPEG: readonly FfmpegCase[] = [
  samples('G.711 A-law', '-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'),
  samples('G.711 µ-law', '-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'),
  samples('L16 of 44.1 kHz mono', '-c:a', 'pcm_s16be', '-ar', '44100', '-ac', '1'),
  samples('L16 of 48 kHz stereo', '-c:a', 'pcm_s16be', '-ar', '48000', '-ac', '2'),
  samples('G.722', '-c:a', 'g722', '-ar', '16000', '-ac', '1'),
  ...['16k', '24k', '32k', '40k'].map((rate) =>
    samples(`G.726 at ${rate}`, '-c:a', 'g726le', '-b:a', rate, '-ar', '8000', '-ac', '1'),
  ),
  { name: 'AAC', input: TONE, encoding: ['-c:a', 'aac', '-ar', '48000'], stepTicks: 1024, kept: 5 },
  {
    name: 'AAC in LATM',
    input: TONE,
    encoding: ['-c:a', 'aac', '-ar', '48000'],
    rtp: ['-rtpflags', 'latm'],
    stepTicks: 1024,
  },
  { name: 'MP3', input: TONE, encoding: ['-c:a', 'libmp3lame', '-ar', '48000'], stepTicks: 2160, kept: 5 },
  { name: 'Opus', input: TONE, encoding: ['-c:a', 'libopus', '-ar', '48000'], stepTicks: 960 },
  { name: 'VP8', input: PICTURE, encoding: ['-c:v', 'libvpx', '-deadline', 'realtime', '-g', '10'], stepTicks: 3600 },
  {
    name: 'VP9',
    input: PICTURE,
    encoding: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '10', '-strict', '-2'],
    stepTicks: 3600,
  },
  { name: 'MPEG-4', input: PICTURE, encoding: ['-c:v', 'mpeg4', '-g', '10'], stepTicks: 3600 },
]

for (const { name, input, encoding, rtp = [], stepTicks, kept = 0 } of FFMPEG) {
  test(`${name} from ffmpeg: every access unit as it was encoded`, async () => {
    await using folder = await TempFolder.make()
    using port = await RtpPort.open()
    const sdp = folder.at('stream.sdp')
    const [hashes, sum] = [folder.at('hashes'), folder.at('sum')]
    const address = `rtp://127.0.0.1:${port.port}`
    await program('ffmpeg', [
      ...['-v', 'error', '-re', ...input, '-sdp_file', sdp],
      ...[...encoding, ...ALIKE, ...rtp, '-f', 'rtp', address],
      ...[...encoding, ...ALIKE, '-f', 'framehash', '-hash', 'md5', hashes],
      ...[...encoding, ...ALIKE, '-f', 'streamhash', '-hash', 'md5', sum],
    ])
    await port.quiet()
    const stream = described(await readFile(sdp, 'utf8'))
    const received = depacketize(port.datagrams, stream)
    assertDescribed(received, stream.clockRateHz)
    if (stepTicks === undefined) {
      const whole = md5(Buffer.concat(received.units.map(({ bytes }) => bytes)))
      assert.ok((await readFile(sum, 'utf8')).trim().endsWith(`MD5=${whole}`))
      return
    }
    const expected = await frameHashes(hashes)
    assert.ok(received.units.length >= expected.length - kept)
    assert.deepEqual(
      received.units.map(({ bytes }) => md5(bytes)),
      expected.slice(0, received.units.length),
    )
    assertTimes(received, stepTicks)
  })
}

interface GstreamerCase {
  readonly name: string
  readonly input: readonly string[]
  readonly encoding: readonly string[]
  readonly file: string
  /** Elements from the file to the packets. */
  readonly pipeline: string
  readonly encodingName: string
  readonly stepTicks: number
}

const GSTREAMER: readonly GstreamerCase[] = [
  {
    name: 'AC-3',
    input: TONE,
    encoding: ['-c:a', 'ac3', '-ar', '48000', '-b:a', '192k'],
    file: 'in.ac3',
    pipeline: 'ac3parse ! rtpac3pay mtu=400',
    encodingName: 'AC3',
    stepTicks: 1536,
  },
  {
    name: 'MP3',
    input: TONE,
    encoding: ['-c:a', 'libmp3lame', '-ar', '48000', '-b:a', '320k', '-write_xing', '0', '-id3v2_version', '0'],
    file: 'in.mp3',
    pipeline: 'mpegaudioparse ! rtpmpapay mtu=400',
    encodingName: 'MPA',
    stepTicks: 2160,
  },
  {
    name: 'AAC in LATM',
    input: TONE,
    encoding: ['-c:a', 'aac', '-ar', '48000'],
    file: 'in.mkv',
    pipeline: 'matroskademux ! aacparse ! rtpmp4apay mtu=200',
    encodingName: 'MP4A-LATM',
    stepTicks: 1024,
  },
  {
    name: 'VP8',
    input: PICTURE,
    encoding: ['-c:v', 'libvpx', '-deadline', 'realtime', '-g', '10'],
    file: 'in.webm',
    pipeline: 'matroskademux ! rtpvp8pay picture-id-mode=2',
    encodingName: 'VP8',
    stepTicks: 3600,
  },
  {
    name: 'VP9',
    input: PICTURE,
    encoding: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '10'],
    file: 'in.webm',
    pipeline: 'matroskademux ! rtpvp9pay picture-id-mode=1',
    encodingName: 'VP9',
    stepTicks: 3600,
  },
  {
    name: 'MPEG-4',
    input: PICTURE,
    encoding: ['-c:v', 'mpeg4', '-g', '10'],
    file: 'in.mp4',
    pipeline: 'qtdemux ! mpeg4videoparse ! rtpmp4vpay',
    encodingName: 'MP4V-ES',
    stepTicks: 3600,
  },
]

for (const { name, input, encoding, file, pipeline, encodingName, stepTicks } of GSTREAMER) {
  test(`${name} from GStreamer: every access unit as it is in the file`, async () => {
    await using folder = await TempFolder.make()
    using port = await RtpPort.open()
    const path = folder.at(file)
    await program('ffmpeg', ['-v', 'error', ...input, ...encoding, path])
    const { stdout } = await program('gst-launch-1.0', [
      ...['-v', 'filesrc', `location=${path}`, '!'],
      ...pipeline.split(' '),
      ...['!', 'udpsink', 'host=127.0.0.1', `port=${port.port}`],
    ])
    await port.quiet()
    const received = depacketize(port.datagrams, fromCaps(stdout, encodingName))
    const hashes = folder.at('hashes')
    await program('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'framehash', '-hash', 'md5', hashes])
    assert.deepEqual(
      received.units.map(({ bytes }) => md5(bytes)),
      await frameHashes(hashes),
    )
    // Matroska's times are milliseconds.
    assertTimes(received, stepTicks, file === 'in.mkv' ? 48 : 1)
  })
}

/** The stream that a payloader's capabilities describe. */
function fromCaps(output: string, encoding: string) {
  const caps =
    output
      .split('\n')
      .filter((line) => line.includes(`encoding-name=(string)${encoding}`))
      .at(-1) ?? ''
  const field = (name: string) => new RegExp(`[ ,]${name}=\\(\\w+\\)"?([^,";]*)`).exec(caps)?.[1]
  const parameters = new Map<string, string>()
  for (const name of ['config', 'cpresent']) {
    const value = field(name)
    if (value !== undefined) parameters.set(name, value)
  }
  return { encoding, clockRateHz: Number(field('clock-rate')), channels: 1, parameters }
}

test('JPEG from GStreamer: images that decode to the same pictures', async () => {
  await using folder = await TempFolder.make()
  for (const format of ['I420', 'Y42B']) {
    using port = await RtpPort.open()
    const sent = folder.at('sent.mjpeg')
    await program('gst-launch-1.0', [
      ...['videotestsrc', 'num-buffers=10', 'pattern=smpte', '!'],
      ...[`video/x-raw,format=${format},width=320,height=192,framerate=25/1`, '!', 'jpegenc', 'quality=70', '!'],
      ...['tee', 'name=split', 'split.', '!', 'queue', '!', 'rtpjpegpay', '!'],
      ...['udpsink', 'host=127.0.0.1', `port=${port.port}`],
      ...['split.', '!', 'queue', '!', 'filesink', `location=${sent}`],
    ])
    await port.quiet()
    const received = depacketize(port.datagrams, described('m=video 0 RTP/AVP 26'))
    assertDescribed(received, 90_000)
    assertTimes(received, 3600)
    const rebuilt = folder.at('rebuilt.mjpeg')
    await writeFile(rebuilt, Buffer.concat(received.units.map(({ bytes }) => bytes)))
    const pictures = async (path: string) => {
      const { stdout, stderr } = await program('ffmpeg', [
        '-v',
        'warning',
        '-f',
        'mjpeg',
        '-i',
        path,
        '-f',
        'framemd5',
        '-',
      ])
      assert.equal(stderr, '')
      return stdout.split('\n').filter((line) => !line.startsWith('#'))
    }
    assert.equal(received.units.length, 10)
    assert.deepEqual(await pictures(rebuilt), await pictures(sent))
  }
})
