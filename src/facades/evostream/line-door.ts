import { createServer, type Socket } from 'node:net'
import type { Runtime } from '#base/runtime.ts'
import type { ListenAddress } from '#config/config.ts'
import type { Answer } from './answer.ts'
import { type CommandLine, MAX_COMMAND_BYTES, parseCommandLine } from './command-line.ts'
import type { Commands } from './command-table.ts'
import { type Door, type DoorCredential, isKnown, listen } from './doors.ts'
import { LineSplitter } from './line-splitter.ts'

/** Commands of one connection that wait for their turn; then no more is read from it. */
const MAX_WAITING_COMMANDS = 32

/** Answers that a caller has not read yet; one who never reads is let go. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

export interface LineDoorOptions {
  readonly runtime: Runtime
  readonly commands: Commands
  readonly listen: ListenAddress
  /** Configuration key of the listener, below the facade's section. */
  readonly key: string
  readonly credential: DoorCredential
  readonly maxConnections: number
  readonly idleMs: number
  format(answer: Answer): Uint8Array | string
}

/**
 * Commands by telnet: a line each, ended by CR, LF or both; answers in their order.
 * @throws {ApiListenError}
 */
export async function openLineDoor(options: LineDoorOptions): Promise<Door> {
  const { runtime, maxConnections } = options
  const connections = new Set<Socket>()
  // A script that pipes its commands in closes its side at once, and still wants the answers.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    serve(socket, options)
  })
  server.maxConnections = maxConnections
  const address = await listen(server, options.listen, options.key)
  server.on('error', (error) => runtime.log.error({ event: 'evostream.listener-failed', key: options.key, err: error }))
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

function serve(socket: Socket, options: LineDoorOptions): void {
  const { runtime, commands, credential, idleMs, format, key } = options
  const lines = new LineSplitter(MAX_COMMAND_BYTES)
  const waiting: CommandLine[] = []
  let isKnownCaller = credential.password === ''
  let isBusy = false
  let isEnding = false
  let hasSaidAll = false

  const end = (reason: string) => {
    runtime.log.info({ event: 'evostream.connection-closed', key, remoteAddress: socket.remoteAddress }, reason)
    isEnding = true
    socket.destroy()
  }
  const work = async () => {
    isBusy = true
    for (let next = waiting.shift(); next !== undefined && !isEnding; next = waiting.shift()) {
      const answer = isKnownCaller ? await commands.execute(next, key) : login(next)
      if (socket.destroyed) return
      socket.write(format(answer))
      if (socket.writableLength > MAX_UNREAD_BYTES) return end('answers are not read')
      if (answer.closes === true) {
        isEnding = true
        // Whoever keeps his side open must not keep ours.
        socket.destroySoon()
      }
      if (socket.isPaused() && waiting.length < MAX_WAITING_COMMANDS) socket.resume()
    }
    isBusy = false
    if (hasSaidAll) socket.destroySoon()
  }
  const login = (line: CommandLine): Answer => {
    const [userName, password] = [textOf(line, 'username'), textOf(line, 'password')]
    isKnownCaller = line.name.toLowerCase() === 'login' && isKnown(credential, userName, password)
    if (isKnownCaller) return { status: 'SUCCESS', description: 'Logged in', data: null }
    const description = 'Login needed: login userName=<name> password=<password>'
    return { status: 'FAIL', description, data: null, closes: true }
  }

  socket.setNoDelay(true)
  socket.setTimeout(idleMs, () => end('nothing came for too long'))
  // A caller that hangs up in the middle is no event; the close handler of the door forgets it.
  socket.on('error', () => {})
  socket.on('end', () => {
    hasSaidAll = true
    if (!isBusy) socket.destroySoon()
  })
  socket.on('data', (bytes: Buffer) => {
    if (isEnding) return
    for (const text of lines.push(bytes)) {
      // A page in a browser can send HTTP anywhere; what follows such a line must not be taken for commands.
      if (/^[A-Z]+ \S+ HTTP\/\d/.test(text)) return end('HTTP on a command line')
      const line = parseCommandLine(text)
      if (line !== undefined) waiting.push(line)
    }
    if (lines.isTooLong) return end(`a command is longer than ${MAX_COMMAND_BYTES} bytes`)
    if (waiting.length >= MAX_WAITING_COMMANDS) socket.pause()
    if (!isBusy) {
      work().catch((error: unknown) => {
        runtime.log.error({ event: 'evostream.connection-failed', key, err: error })
        socket.destroy()
      })
    }
  })
}

function textOf({ parameters }: CommandLine, lowerCaseName: string): string {
  for (const [name, value] of parameters) if (name.toLowerCase() === lowerCaseName) return String(value)
  return ''
}
