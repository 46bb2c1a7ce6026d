// npm run demo: the server of `npm start`, and a publisher with a test picture in a process of its own, so that a
// newcomer without a camera sees a recording appear and play. Arguments are those of `tapedeck serve`.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ensureDashboard } from './setup/dashboard.mjs'
import { ensureInstalled } from './setup/install.mjs'
import { NODE_24, ROOT } from './setup/paths.mjs'
import { serverArguments, serverEnvironment } from './setup/run-node24.mjs'

const STREAM = 'demo/clock'
const RESTART_MS = 1000

ensureInstalled()
ensureDashboard()
const server = spawn(NODE_24, serverArguments([`${ROOT}src/main.ts`, 'serve', '--json', ...process.argv.slice(2)]), {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: serverEnvironment(),
  // Ctrl-C reaches the whole terminal; the server is told once, below, when the publisher has been.
  detached: true,
})
let publisher
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isEnding = true
    publisher?.stdin.end()
    server.kill('SIGTERM')
  })
}
server.on('exit', (code) => {
  isEnding = true
  publisher?.stdin.end()
  process.exitCode = code ?? 1
})
for await (const line of createInterface({ input: server.stdout })) {
  const ready = parseReady(line)
  if (ready === undefined) {
    console.log(line)
    continue
  }
  const target = `${ready.rtmp}/${STREAM}`
  console.log(`Demo     ${target}: a test picture with a clock and a beep each second, recorded right now`)
  console.log(`Files    ${ready.recordings}/${STREAM}`)
  console.log(`Watch    ${ready.page}   (Ctrl-C ends the demo)`)
  publish(target)
}

/** The line by which the server says where it is reached; undefined for any other. */
function parseReady(line) {
  try {
    const ready = JSON.parse(line)
    return typeof ready.page === 'string' && typeof ready.rtmp === 'string' ? ready : undefined
  } catch {
    return undefined
  }
}

function publish(target) {
  publisher = spawn(NODE_24, [`${ROOT}scripts/demo-publisher.ts`, target], {
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: true,
  })
  publisher.stdin.on('error', () => {})
  // Disconnected from the page, or the server restarted: go on, as an encoder would.
  publisher.on('exit', () => {
    if (!isEnding) setTimeout(() => isEnding || publish(target), RESTART_MS)
  })
}
