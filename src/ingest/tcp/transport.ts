import { readSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'
import type { ReadPacer } from './read-pacer.ts'

/**
 * What to do after a read. now: read on as soon as there is something. later: let bytes gather until the pacer's next
 * tick. stop: wait for resume().
 */
export type ReadWish = 'now' | 'later' | 'stop'

/** A fast sender gets no more than this many reads of the shared buffer before others have their turn. */
const MAX_READS_AT_ONCE = 16

/** A publisher silent for longer than this many ticks is left to the event loop. */
const MAX_EMPTY_TICKS = 3

/** Silence after which the kernel asks whether the peer is still there. */
const KEEP_ALIVE_MS = 60_000

/** The owner of a transport: takes what arrives. */
export interface TransportUser {
  /** The bytes are borrowed for the call. Must not throw. */
  received(bytes: Uint8Array): ReadWish
  /** Room to write again after write() said false. */
  drained(): void
  /** The peer or the network ended it; called once, also after destroy(). */
  closed(error: Error | undefined): void
}

/** A socket, plain or TLS, as a connection sees it. */
export interface Transport {
  /** Bytes written and not yet taken by the network. */
  readonly unsentBytes: number
  write(bytes: Uint8Array): void
  /** Reads again after 'stop'. */
  resume(): void
  destroy(): void
}

/**
 * All plain sockets read into this one piece: everything is parsed before the next read, so nothing is allocated per
 * read, and one read takes all that gathered in the kernel.
 */
export const READ_BUFFER_BYTES = 256 * 1024

/**
 * Starts reading. A plain socket is moved to the shared buffer; a TLS socket (or a plain one whose handle Node hides)
 * delivers buffers of its own.
 * @param socket paused, as `pauseOnConnect` gives it
 */
export function openTransport(
  socket: Socket,
  user: TransportUser,
  pacer: ReadPacer,
  readBuffer: Uint8Array | undefined,
): Transport {
  return new SocketTransport(socket, user, pacer, readBuffer)
}

class SocketTransport implements Transport {
  readonly #socket: Socket
  readonly #user: TransportUser
  readonly #pacer: ReadPacer
  readonly #handle: ReadHandle | undefined
  readonly #readBuffer: Uint8Array | undefined
  readonly #readGathered = () => this.#takeGathered()
  #isClosed = false
  #emptyTicks = 0

  constructor(accepted: Socket, user: TransportUser, pacer: ReadPacer, readBuffer: Uint8Array | undefined) {
    this.#user = user
    this.#pacer = pacer
    const shared =
      readBuffer === undefined ? undefined : withReadBuffer(accepted, readBuffer, (bytes) => this.#take(bytes))
    this.#socket = shared?.socket ?? accepted
    this.#handle = shared?.handle
    this.#readBuffer = readBuffer
    this.#socket.setNoDelay(true)
    // Who only waits to call us sends nothing for hours: the kernel finds out when it is gone.
    this.#socket.setKeepAlive(true, KEEP_ALIVE_MS)
    let error: Error | undefined
    this.#socket.on('error', (cause) => {
      error = cause
    })
    this.#socket.on('drain', () => user.drained())
    // Half-open connections are no use here: a peer that said goodbye gets ours.
    this.#socket.on('end', () => this.#socket.end())
    this.#socket.on('close', () => {
      if (this.#isClosed) return
      this.#isClosed = true
      user.closed(error)
    })
    if (shared === undefined) {
      this.#socket.on('data', (bytes: Buffer) => {
        // Never 'later': a paused TLS socket would hand over one record a tick, not what gathered.
        if (user.received(bytes) === 'stop') this.#socket.pause()
      })
    }
    this.#socket.resume()
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed && this.#socket.writable) this.#socket.write(bytes)
  }

  resume(): void {
    if (!this.#isClosed && !this.#socket.destroyed) this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Reads what gathered straight from the descriptor. The event loop does not watch it meanwhile: a stopped handle that
   * is started for every read wakes the loop twice, once for bytes that nobody wants yet (decision 0010).
   */
  #takeGathered(): void {
    const { fd } = this.#handle ?? { fd: -1 }
    const buffer = this.#readBuffer
    if (this.#isClosed || this.#socket.destroyed) return
    for (let reads = 0; buffer !== undefined && fd >= 0 && reads < MAX_READS_AT_ONCE; reads++) {
      const bytes = readNow(fd, buffer)
      // Parked shortly before the tick, most likely: with the next one it is in step with the others.
      if (bytes === NOTHING_YET && reads === 0 && this.#emptyTicks++ < MAX_EMPTY_TICKS) {
        this.#pacer.park(this.#readGathered)
        return
      }
      // The end, an error, or a publisher that pauses: the event loop waits, and tells of them as ever.
      if (bytes <= 0) break
      this.#emptyTicks = 0
      const wish = this.#user.received(buffer.subarray(0, bytes))
      if (wish === 'stop') return
      if (wish === 'later') {
        this.#pacer.park(this.#readGathered)
        return
      }
    }
    this.#startReading()
  }

  /** After onread's callback has stopped the handle. Socket.resume() does the same by way of ticks and events. */
  #startReading(): void {
    if (this.#isClosed || this.#socket.destroyed) return
    if (this.#handle === undefined) {
      this.#socket.resume()
      return
    }
    this.#handle.reading = true
    this.#handle.readStart()
  }

  /** Whether to read on. */
  #take(bytes: Uint8Array): boolean {
    const wish = this.#user.received(bytes)
    if (wish === 'later') this.#pacer.park(this.#readGathered)
    return wish === 'now'
  }
}

/**
 * Node lets a socket read into a given buffer (`onread`) only when the socket is made, and a server makes its own. So a
 * second Socket is made around the first one's handle; `handle` is what Node's own server passes, though not documented.
 * Undefined when this Node keeps its handles elsewhere.
 */
function withReadBuffer(
  accepted: Socket,
  buffer: Uint8Array,
  take: (bytes: Uint8Array) => boolean,
): { socket: Socket; handle: ReadHandle } | undefined {
  const owner: { _handle?: unknown } = accepted as unknown as { _handle?: unknown }
  const handle = owner._handle
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return undefined
  if (!('readStart' in handle)) return undefined
  owner._handle = null
  const options = {
    handle,
    pauseOnCreate: true,
    onread: { buffer, callback: (bytes: number) => take(buffer.subarray(0, bytes)) },
  }
  return { socket: new Socket(options as unknown as SocketConstructorOpts), handle: handle as unknown as ReadHandle }
}

/** What readNow gives when nothing has arrived. */
const NOTHING_YET = -1

/** Bytes read without waiting; NOTHING_YET, or 0 when none will come any more. */
function readNow(fd: number, buffer: Uint8Array): number {
  try {
    return readSync(fd, buffer)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? NOTHING_YET : 0
  }
}

/** What of Node's stream handle is used here: `reading` is Node's own note of whether it has been started. */
interface ReadHandle {
  /** -1 when closed, or where the system has none. */
  readonly fd: number
  reading: boolean
  readStart(): number
}
