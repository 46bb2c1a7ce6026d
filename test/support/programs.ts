import { type ExecFileOptionsWithStringEncoding, execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Debian packages of the programs tests call, for whoever misses one. */
const PACKAGES: Readonly<Record<string, string>> = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffmpeg',
  rtmpdump: 'rtmpdump',
  'gst-launch-1.0': 'gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad',
}

/** Runs an outside program to its end. @throws with its output when it fails, and with the line to install it when it is missing */
export async function program(
  name: string,
  args: readonly string[],
  options: Partial<ExecFileOptionsWithStringEncoding> = {},
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await run(name, args, { maxBuffer: 2 ** 26, timeout: 60_000, ...options, encoding: 'utf8' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(`${name} is missing: apt-get install -y ${PACKAGES[name] ?? name}`, { cause: error })
    }
    throw error
  }
}

/** Sends a file as it is, with FFmpeg 8, from a process of its own: at once, or at a multiple of real time. */
export async function publishWithFfmpeg8(path: string, url: string, speed?: number): Promise<void> {
  const pace = speed === undefined ? [] : [String(speed)]
  await program(process.execPath, [join(import.meta.dirname, 'publish-with-ffmpeg8.ts'), path, url, ...pace])
}
