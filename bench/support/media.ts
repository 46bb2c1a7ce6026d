import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Prepares (once) an FLV of H.264 and AAC with 2 s GOPs at about this bitrate. */
export function benchMedia(kilobitsPerSecond: number, seconds: number): string {
  const folder = join(tmpdir(), 'tapedeck-bench')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `h264-aac-${kilobitsPerSecond}k-${seconds}s.flv`)
  if (existsSync(path)) return path
  const video = Math.max(100, kilobitsPerSecond - 128)
  const source = `testsrc2=size=640x360:rate=30:duration=${seconds},noise=alls=20:allf=t`
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '60', '-pix_fmt', 'yuv420p']
  const rate = ['-b:v', `${video}k`, '-maxrate', `${video}k`, '-bufsize', `${video}k`]
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', `sine=440:duration=${seconds}`],
    ...encoder,
    ...rate,
    ...['-c:a', 'aac', '-b:a', '128k', '-ar', '44100', '-ac', '2', '-f', 'flv', path],
  ])
  return path
}
