import { program } from './programs.ts'

/** When pictures turn from dark to bright, in milliseconds of a file's first video track, as ffmpeg decodes it. */
export async function flashesOf(path: string): Promise<number[]> {
  const filter = 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-'
  const { stdout } = await program('ffmpeg', [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    '0:v:0',
    '-vf',
    filter,
    '-f',
    'null',
    '-',
  ])
  const flashes: number[] = []
  let isBright = true
  for (const [, seconds = '', brightness = ''] of stdout.matchAll(/pts_time:(\S+)\s+lavfi\.signalstats\.YAVG=(\S+)/g)) {
    const wasBright = isBright
    isBright = Number(brightness) > 128
    if (isBright && !wasBright) flashes.push(Number(seconds) * 1_000)
  }
  return flashes
}
