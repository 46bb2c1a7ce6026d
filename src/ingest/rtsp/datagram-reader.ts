import type { Socket } from 'node:dgram'
import { readSync } from 'node:fs'
import type { ReadPacer } from '#ingest/tcp/read-pacer.ts'

/** How long datagrams are left to gather. Jitter buffers wait ten times as long. */
export const DATAGRAM_GATHER_MS = 20

/**
 * What gathers must fit the kernel's buffer whatever comes: 20 ms of a gigabit line are 2.5 MB. Linux counts its own
 * overhead too, and tells twice what was asked for; with its default limit (net.core.rmem_max, 208 KiB) nothing gathers.
 */
const MIN_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** So many from one port, one after the other: that is where the sender is, whatever it had announced. */
const SETTLED_DATAGRAMS = 100

/** A sender silent for so many ticks may come back from elsewhere: half a second. */
const MAX_EMPTY_TICKS = 25

/** A fast sender gets no more reads than this before others have their turn. */
const MAX_READS_AT_ONCE = 512

/** UDP's own limit. */
const MAX_DATAGRAM_BYTES = 65_535

/** Takes what comes to a socket. */
export interface DatagramUser {
  /** A datagram, borrowed for the call. Must not throw. False: it is nobody's that may send here. */
  received(bytes: Uint8Array, address: string): boolean
  /** Nobody watches, and times are settled: what comes may be read a little later, many at once. */
  mayGather(): boolean
}

/** Where gathered datagrams of all sockets are read to, one after the other. */
export function makeDatagramBuffer(): Uint8Array {
  return new Uint8Array(MAX_DATAGRAM_BYTES)
}

/**
 * Reads a socket. An event for each datagram costs twice what reading many of them at once does (decision 0026): when
 * the sender has settled, the socket is bound to it and read from its descriptor at a steady pace.
 */
export class DatagramReader {
  readonly #socket: Socket
  readonly #user: DatagramUser
  readonly #pacer: ReadPacer
  readonly #buffer: Uint8Array
  readonly #handle: DatagramHandle | undefined
  readonly #readGathered = () => this.#takeGathered()
  #address = ''
  #port = -1
  #inARow = 0
  #emptyTicks = 0
  #isClosed = false

  /** @param socket bound; the reader listens to it until it is closed */
  constructor(socket: Socket, user: DatagramUser, pacer: ReadPacer, buffer: Uint8Array) {
    this.#socket = socket
    this.#user = user
    this.#pacer = pacer
    this.#buffer = buffer
    this.#handle = socket.getRecvBufferSize() < MIN_RECEIVE_BUFFER_BYTES ? undefined : handleOf(socket)
    socket.on('message', (bytes, { address, port }) => this.#received(bytes, address, port))
    socket.on('close', () => {
      this.#isClosed = true
    })
  }

  #received(bytes: Uint8Array, address: string, port: number): void {
    if (!this.#user.received(bytes, address) || this.#handle === undefined) return
    if (port === this.#port && address === this.#address) this.#inARow++
    else this.#inARow = 0
    this.#address = address
    this.#port = port
    if (this.#inARow >= SETTLED_DATAGRAMS && this.#user.mayGather()) this.#settle(this.#handle)
  }

  /** Bound to its sender, the socket takes nobody else's datagrams: their addresses need not be looked at any more. */
  #settle(handle: DatagramHandle): void {
    this.#inARow = Number.NEGATIVE_INFINITY
    this.#socket.connect(this.#port, this.#address, (error?: Error | null) => {
      if (this.#isClosed) return
      // It goes on as it is.
      if (error instanceof Error) return
      handle.recvStop()
      this.#emptyTicks = 0
      this.#pacer.park(this.#readGathered)
    })
  }

  #takeGathered(): void {
    const { fd } = this.#handle ?? { fd: -1 }
    if (this.#isClosed || fd < 0) return
    const buffer = this.#buffer
    let reads = 0
    for (; reads < MAX_READS_AT_ONCE; reads++) {
      const bytes = readNow(fd, buffer)
      if (bytes < 0) break
      this.#user.received(buffer.subarray(0, bytes), this.#address)
      if (this.#isClosed) return
    }
    this.#emptyTicks = reads === 0 ? this.#emptyTicks + 1 : 0
    if (this.#emptyTicks <= MAX_EMPTY_TICKS && this.#user.mayGather()) this.#pacer.park(this.#readGathered)
    else this.#unsettle()
  }

  /** Every datagram is an event again, whoever it is from. */
  #unsettle(): void {
    this.#socket.disconnect()
    this.#inARow = 0
    this.#handle?.recvStart()
  }
}

/** Bytes of a datagram, or -1 when there is none. */
function readNow(fd: number, buffer: Uint8Array): number {
  // That nothing is left to read comes as an exception; writing down its stack would cost as much as three datagrams.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return readSync(fd, buffer)
  } catch {
    // Or somebody's closed port was reported: the next tick sees.
    return -1
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** What of Node's own handle of a datagram socket is used here. */
interface DatagramHandle {
  /** -1 when closed, or where the system has none. */
  readonly fd: number
  recvStart(): number
  recvStop(): number
}

/** Node keeps it behind a symbol and does not document it; undefined when this Node keeps it elsewhere. */
function handleOf(socket: Socket): DatagramHandle | undefined {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state: unknown = (socket as unknown as Record<symbol, unknown>)[symbol]
    if (typeof state !== 'object' || state === null || !('handle' in state)) continue
    const { handle } = state
    if (typeof handle !== 'object' || handle === null) continue
    if ('fd' in handle && 'recvStart' in handle && 'recvStop' in handle) {
      return typeof handle.fd === 'number' && handle.fd >= 0 ? (handle as unknown as DatagramHandle) : undefined
    }
  }
  return undefined
}
