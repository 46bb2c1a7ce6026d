import type { Socket } from 'node:dgram'
import { readSync } from 'node:fs'
import { ReadPacer } from '#ingest/tcp/read-pacer.ts'

/** How long datagrams of a calm sender are left to gather. Jitter buffers wait twice as long, those of TCP too. */
export const CALM_GATHER_MS = 100

/** And those of any other. */
const BRISK_GATHER_MS = 20

/**
 * What gathers must fit the kernel's buffer whatever comes: 20 ms of a gigabit line are 2.5 MB. Linux counts its own
 * overhead too, and tells twice what was asked for; with its default limit (net.core.rmem_max, 208 KiB) nothing gathers.
 */
const MIN_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/** A quarter of that buffer: Linux counts 2304 bytes for a datagram of 1200. Who once sends more while we wait is not calm. */
const MAX_CALM_DATAGRAMS = 450

/** Who sends no more than this within 20 ms, for half a second, is calm: 30 Mbit/s. */
const MAX_CALM_BRISK_DATAGRAMS = 64
const CALM_AFTER_MS = 500

/** So many from one port, one after the other: that is where the sender is, whatever it had announced. */
const SETTLED_DATAGRAMS = 100

/** A sender silent for so long may come back from elsewhere. */
const MAX_SILENCE_MS = 500

/** A fast sender gets no more reads than this before others have their turn. */
const MAX_READS_AT_ONCE = 512

/** … and when there are no further turns: as many as the kernel keeps. */
const MAX_READS_AT_THE_END = 4096

/** UDP's own limit. */
const MAX_DATAGRAM_BYTES = 65_535

/** Takes what comes to a socket. */
export interface DatagramUser {
  /** A datagram, borrowed for the call. Must not throw. False: it is nobody's that may send here. */
  received(bytes: Uint8Array, address: string): boolean
  /** Nobody watches, and times are settled: what comes may be read a little later, many at once. */
  mayGather(): boolean
}

/** What the readers of many sockets share. */
export class DatagramReading implements Disposable {
  readonly calm = new ReadPacer(CALM_GATHER_MS)
  readonly brisk = new ReadPacer(BRISK_GATHER_MS)
  /** Datagrams of all sockets are read to it, one after the other. */
  readonly buffer = new Uint8Array(MAX_DATAGRAM_BYTES);

  [Symbol.dispose](): void {
    this.calm[Symbol.dispose]()
    this.brisk[Symbol.dispose]()
  }
}

/**
 * Reads a socket. An event for each datagram costs twice what reading many of them at once does (decision 0026): when
 * the sender has settled, the socket is bound to it and read from its descriptor at a steady pace.
 */
export class DatagramReader {
  readonly #socket: Socket
  readonly #user: DatagramUser
  readonly #reading: DatagramReading
  readonly #handle: DatagramHandle | undefined
  readonly #readGathered = () => this.#takeGathered()
  #address = ''
  #port = -1
  #inARow = 0
  #isCalm = false
  /** How long it has sent as little as a calm sender does. */
  #calmMs = 0
  #silentMs = 0
  /** Datagrams wait in the kernel until we look. */
  #isGathering = false
  #isTaking = false
  #isClosed = false

  /** @param socket bound; the reader listens to it until it is closed */
  constructor(socket: Socket, user: DatagramUser, reading: DatagramReading) {
    this.#socket = socket
    this.#user = user
    this.#reading = reading
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
      this.#isGathering = true
      this.#silentMs = 0
      this.#calmMs = 0
      this.#isCalm = false
      this.#reading.brisk.park(this.#readGathered)
    })
  }

  /** Hands over what has gathered: the sender has said that it is done, or nobody will look again. */
  takeNow(): void {
    if (this.#isGathering) this.#take(MAX_READS_AT_THE_END)
  }

  #takeGathered(): void {
    if (this.#isClosed) return
    const { calm, brisk } = this.#reading
    const datagrams = this.#take(MAX_READS_AT_ONCE)
    if (this.#isClosed) return
    this.#judge(datagrams, this.#isCalm ? CALM_GATHER_MS : BRISK_GATHER_MS)
    if (this.#silentMs > MAX_SILENCE_MS || !this.#user.mayGather()) this.#unsettle()
    else if (this.#isCalm) calm.park(this.#readGathered)
    else brisk.park(this.#readGathered)
  }

  /** @returns how many there were */
  #take(mostDatagrams: number): number {
    const { fd } = this.#handle ?? { fd: -1 }
    // What a datagram brings may end the session, which takes the rest.
    if (this.#isTaking || this.#isClosed || fd < 0) return 0
    this.#isTaking = true
    const { buffer } = this.#reading
    let datagrams = 0
    for (; datagrams < mostDatagrams && !this.#isClosed; datagrams++) {
      const bytes = readNow(fd, buffer)
      if (bytes < 0) break
      this.#user.received(buffer.subarray(0, bytes), this.#address)
    }
    this.#isTaking = false
    return datagrams
  }

  /** How fast the sender is decides how long we may look away. */
  #judge(datagrams: number, gatheredMs: number): void {
    this.#silentMs = datagrams === 0 ? this.#silentMs + gatheredMs : 0
    const isLittle = datagrams <= (this.#isCalm ? MAX_CALM_DATAGRAMS : MAX_CALM_BRISK_DATAGRAMS)
    this.#calmMs = isLittle ? this.#calmMs + gatheredMs : 0
    this.#isCalm = this.#calmMs > CALM_AFTER_MS
  }

  /** Every datagram is an event again, whoever it is from. */
  #unsettle(): void {
    this.#isGathering = false
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
