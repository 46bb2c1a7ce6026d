import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { NODE_24 } from './paths.mjs'

/**
 * Every file write, file read and libav call holds a thread of libuv's pool; four, its default, are soon all waiting
 * for one slow disk. With sixteen, waking and contending costs a hundred streams a tenth of all CPU. The size must be
 * set before Node starts.
 */
const THREAD_POOL_SIZE = '8'

/**
 * A small young generation: what outlives a moment here lives for a GOP, longer than any young generation, and a large
 * one would only keep three times its size resident. A generous first limit for the old one: pools that grow while
 * streams begin would otherwise be taken for a heap in need of collection, a dozen times over. And it grows by a seventh
 * between collections, no more: left to itself it was seen at twice its size, a third of what a hundred streams may cost.
 */
const NODE_FLAGS = ['--max-semi-space-size=4', '--initial-old-space-size=64', '--heap-growing-percent=15']

/** Arguments that start a script of ours as the server is started. */
export function serverArguments(args) {
  return [...NODE_FLAGS, ...args]
}

/** The environment for a server process. */
export function serverEnvironment() {
  // Threads that only read and write files need no memory arenas of their own.
  return { UV_THREADPOOL_SIZE: THREAD_POOL_SIZE, MALLOC_ARENA_MAX: '2', ...process.env }
}

/** Goes on as Node 24 with these arguments; never returns. Signals and the exit code pass through. */
export function continueAsNode24(args) {
  const env = serverEnvironment()
  const argv = serverArguments(args)
  if (typeof process.execve === 'function') {
    process.removeAllListeners('warning') // says that execve is experimental
    process.execve(NODE_24, [NODE_24, ...argv], env)
  }
  const child = spawn(NODE_24, argv, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`tapedeck: can't start ${NODE_24} (${error.message}): run npm install`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
