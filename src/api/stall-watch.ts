import type { Socket } from 'node:net'

/**
 * Destroys a connection that has bytes to send and gets rid of none for this long. TCP itself would wait many minutes
 * for a peer that stopped reading. Dispose when the response is over.
 */
export function watchForStall(
  socket: Pick<Socket, 'bytesWritten' | 'writableLength' | 'destroy'>,
  timeoutMs: number,
): Disposable {
  let lastSentBytes = sentBytes(socket)
  let stalledTicks = 0
  const timer = setInterval(() => {
    const nowSentBytes = sentBytes(socket)
    const isStalled = nowSentBytes === lastSentBytes && socket.writableLength > 0
    stalledTicks = isStalled ? stalledTicks + 1 : 0
    lastSentBytes = nowSentBytes
    if (stalledTicks >= TICKS) socket.destroy()
  }, timeoutMs / TICKS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const TICKS = 5

/** Node counts what waits in its own buffers as written; only the rest has reached the kernel. */
function sentBytes(socket: Pick<Socket, 'bytesWritten' | 'writableLength'>): number {
  return socket.bytesWritten - socket.writableLength
}
