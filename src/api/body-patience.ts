import { Socket } from 'node:net'
import type { App } from './app.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bodies of this route take as long as they take; the handler minds that something comes. */
    takesLargeBodies?: boolean
  }
}

const REFUSAL = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** Ends connections whose request body is not there in time. Node's own limit knows no exceptions. */
export function registerBodyPatience(app: App, patienceMs: number): void {
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    if (routeOptions.config.takesLargeBodies === true || raw.complete) return
    const { headers, socket } = raw
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return
    const timer = setTimeout(() => {
      // One that was answered unread may have come since, and the connection be used again.
      if (raw.complete || !(socket instanceof Socket) || socket.destroyed) return
      socket.end(REFUSAL, () => socket.destroy())
    }, patienceMs)
    // Nothing waits for it: a connection that is there keeps the process by itself.
    timer.unref()
    const done = () => clearTimeout(timer)
    raw.once('end', done)
    raw.once('close', done)
  })
}
