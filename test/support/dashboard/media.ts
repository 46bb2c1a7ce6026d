import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Small real media for a browser to play: H.264 and AAC, 320×180. */
export interface DashboardMedia {
  /** Four seconds, index at the front. */
  readonly mp4: Uint8Array
  /** A minute in fragments of a second, as a live response sends them. */
  readonly fragmentedMp4: Uint8Array
  readonly poster: Uint8Array
}

const SOURCE = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25', '-f', 'lavfi', '-i', 'sine=440']
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-c:a', 'aac']

/** Makes the media with ffmpeg, in about a second. */
export async function makeDashboardMedia(): Promise<DashboardMedia> {
  const folder = await mkdtemp(join(tmpdir(), 'tapedeck-dashboard-'))
  const make = async (name: string, ...args: string[]) => {
    const path = join(folder, name)
    await run('ffmpeg', [...SOURCE, ...args, path])
    return readFile(path)
  }
  try {
    const [mp4, fragmentedMp4, poster] = await Promise.all([
      make('whole.mp4', '-t', '4', ...ENCODE, '-movflags', '+faststart'),
      make('live.mp4', '-t', '60', ...ENCODE, '-movflags', 'empty_moov+default_base_moof+frag_keyframe'),
      make('poster.jpg', '-frames:v', '1', '-an'),
    ])
    return { mp4, fragmentedMp4, poster }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
