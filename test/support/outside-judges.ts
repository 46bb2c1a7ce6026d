import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Demuxer } from 'node-av/api'

const run = promisify(execFile)

export interface ProbedPacket {
  readonly stream_index: number
  readonly pts_time: string
  readonly dts_time: string
  readonly flags: string
  readonly size: string
}
export interface Probed {
  readonly streams: readonly {
    readonly codec_name: string
    readonly codec_type: string
    readonly width?: number
    readonly height?: number
    readonly sample_rate?: string
    readonly channels?: number
  }[]
  readonly packets: readonly ProbedPacket[]
  readonly format: { readonly duration: string; readonly format_name: string; readonly tags?: Record<string, string> }
}

/** What ffprobe 5.1 sees; any complaint of its fails the test. */
export async function ffprobe(path: string): Promise<Probed> {
  const { stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'warning', '-show_streams', '-show_packets', '-show_format', '-of', 'json', path],
    { maxBuffer: 2 ** 28 },
  )
  if (stderr !== '') throw new Error(`ffprobe: ${stderr}`)
  return JSON.parse(stdout)
}

/** Sizes of the decoded pictures of a file's first video track, each once for as long as it lasts. */
export async function decodedSizes(path: string): Promise<string[]> {
  const { stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'warning', '-select_streams', 'v:0', '-show_entries', 'frame=width,height', '-of', 'csv=p=0:s=x', path],
    { maxBuffer: 2 ** 28 },
  )
  if (stderr !== '') throw new Error(`ffprobe: ${stderr}`)
  const sizes = (stdout.match(/^\d+x\d+/gm) ?? []) as string[]
  return sizes.filter((size, index) => size !== sizes[index - 1])
}

/** The hash of each stream's packets as ffmpeg reads them, after a bitstream filter per stream where given. */
export async function streamHashes(path: string, filters: readonly string[] = []): Promise<string[]> {
  return hashes(['-i', path], false, filters)
}

/** The hash of what `times` copies of a file hold in a row: packets as they are, or decoded pictures. */
export async function repeatedHashes(path: string, times: number, decode: boolean): Promise<string[]> {
  const list = `${path}.txt`
  await writeFile(list, `file '${path}'\n`.repeat(times))
  return hashes(['-f', 'concat', '-safe', '0', '-auto_convert', '0', '-i', list], decode)
}

/**
 * The hash of what files hold one after the other, per stream, sorted; any complaint of ffmpeg's about a file alone
 * fails the test (joined ones overlap in time where sound outlasts the picture). The filters are bitstream filters per stream, where framing has to be taken off.
 */
export async function joinedHashes(paths: readonly string[], filters: readonly string[] = []): Promise<string[]> {
  const list = paths.map((path) => `file 'file:${path}'\n`).join('')
  const fromList = ['-f', 'concat', '-safe', '0', '-auto_convert', '0', '-protocol_whitelist', 'file,pipe', '-i', '-']
  const input = paths.length === 1 ? ['-i', paths[0] ?? ''] : fromList
  // What FLV says between its tracks shows as subtitles or data.
  const tracks = ['-map', '0', '-map', '-0:s?', '-map', '-0:d?']
  const copied = [...tracks, '-c', 'copy', ...filters, '-f', 'streamhash', '-hash', 'md5', '-']
  const judging = run('ffmpeg', ['-v', paths.length === 1 ? 'warning' : 'error', ...input, ...copied])
  // A single file is read without the list: ffmpeg may have ended by now.
  judging.child.stdin?.on('error', () => {}).end(list)
  const { stdout, stderr } = await judging
  if (stderr !== '') throw new Error(`ffmpeg about ${paths.join(', ')}: ${stderr}`)
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.slice(line.indexOf(',') + 1))
    .sort()
}

/** The hash of a file's decoded pictures. */
export async function pictureHash(path: string): Promise<string[]> {
  return hashes(['-i', path], true)
}

async function hashes(input: readonly string[], decode: boolean, filters: readonly string[] = []): Promise<string[]> {
  const how = decode ? ['-map', '0:v', '-fps_mode', 'passthrough'] : ['-map', '0', '-c', 'copy', ...filters]
  const { stdout } = await run('ffmpeg', ['-v', 'error', ...input, ...how, '-f', 'streamhash', '-hash', 'md5', '-'])
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split('=')[1] ?? '')
}

export interface ReadPacket {
  readonly streamIndex: number
  readonly ptsMs: number
  readonly dtsMs: number
  readonly isKey: boolean
  readonly payload: Uint8Array
}

/** Streams and packets as FFmpeg 8 (node-av) reads them. */
export async function readWithFfmpeg8(path: string) {
  await using input = await Demuxer.open(await readFile(path))
  const streams = input.streams.map((stream) => ({
    codecId: stream.codecpar.codecId,
    extradata: Uint8Array.from(stream.codecpar.extradata ?? []),
    width: stream.codecpar.width,
    sampleRate: stream.codecpar.sampleRate,
    channels: stream.codecpar.channels,
  }))
  const packets: ReadPacket[] = []
  for await (const packet of input.packets()) {
    if (packet === null) continue
    const stream = input.streams[packet.streamIndex]
    if (stream !== undefined && packet.data !== null) {
      const toMs = (ticks: bigint) => (Number(ticks) * 1000 * stream.timeBase.num) / stream.timeBase.den
      packets.push({
        streamIndex: packet.streamIndex,
        ptsMs: toMs(packet.pts),
        dtsMs: toMs(packet.dts),
        isKey: packet.isKeyframe,
        payload: Uint8Array.from(packet.data),
      })
    }
    packet.free()
  }
  return { streams, packets, durationSeconds: input.duration }
}

/** Copies a file's packets into another container with ffmpeg. */
export async function remuxWithFfmpeg(from: string, to: string): Promise<void> {
  await run('ffmpeg', ['-v', 'error', '-y', '-i', from, '-c', 'copy', to])
}

/** What mediainfo makes of the file: one object per track, the general one first. */
export async function mediainfo(path: string): Promise<Record<string, string>[]> {
  const { stdout } = await run('mediainfo', ['--Output=JSON', path])
  return JSON.parse(stdout).media.track
}
