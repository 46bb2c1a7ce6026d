import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Outside programs that publish to the server or judge its files, and the Debian packages they come in. */
const TOOLS = {
  ffmpeg: ['ffmpeg'],
  ffprobe: ['ffmpeg'],
  chromium: ['chromium'],
  mediainfo: ['mediainfo'],
  mkvmerge: ['mkvtoolnix'],
  rtmpdump: ['rtmpdump'],
  nginx: ['nginx-light', 'libnginx-mod-rtmp'],
  'gst-launch-1.0': [
    'gstreamer1.0-tools',
    'gstreamer1.0-plugins-base',
    'gstreamer1.0-plugins-good',
    'gstreamer1.0-plugins-bad',
    'gstreamer1.0-plugins-ugly',
  ],
}

/**
 * GStreamer's RTSP server is no program but a library that a script of the tests calls from Debian's own Python; its
 * publisher is an element.
 */
const RTSP_SERVER = {
  python: '/usr/bin/python3',
  probe: `import gi, sys
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst
Gst.init(None)
sys.exit(Gst.ElementFactory.find("rtspclientsink") is None)`,
  packages: ['python3', 'python3-gi', 'gir1.2-gst-rtsp-server-1.0', 'gstreamer1.0-rtsp'],
}

/** Tests use it in place of Chromium where it is there, and need a quarter of the processor for most of their pages. */
const LIGHTER = 'chromium-headless-shell'
const BRIEFLY = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10', '-o', 'Acquire::https::Timeout=10']

/** Installs missing test tools on Debian as root; elsewhere says what to install, and ends. */
export function ensureTestTools() {
  ensureNeeded()
  if (isOnPath(LIGHTER) || !canInstall()) return
  // Not every Debian has it, and nothing fails without it.
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...BRIEFLY, LIGHTER]
  run(install, { timeout: 120_000 })
}

function canInstall() {
  return existsSync('/etc/debian_version') && process.getuid?.() === 0
}

function ensureNeeded() {
  const missing = Object.keys(TOOLS).filter((program) => !isOnPath(program))
  const needed = missing.flatMap((program) => TOOLS[program])
  if (spawnSync(RTSP_SERVER.python, ['-c', RTSP_SERVER.probe]).status !== 0) {
    missing.push("GStreamer's RTSP server and publisher")
    needed.push(...RTSP_SERVER.packages)
  }
  if (missing.length === 0) return
  const packages = [...new Set(needed)]
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages]
  if (!canInstall()) {
    console.error(`The tests need ${missing.join(', ')}. On Debian or Ubuntu:\n  sudo ${install.join(' ')}`)
    process.exit(1)
  }
  console.error(`Installing ${packages.join(', ')} for the tests …`)
  runQuietly(['apt-get', 'update'])
  runQuietly(install)
}

function run([program, ...args], options = {}) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(program, ['-q', ...args], { encoding: 'utf8', env, ...options })
}

function runQuietly(command) {
  const { status, stdout, stderr } = run(command)
  if (status === 0) return
  console.error(`${stdout}${stderr}\n${command.join(' ')} failed: install the packages by hand`)
  process.exit(1)
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
