import type { Runtime } from '#base/runtime.ts'
import type { App } from './app.ts'
import { pathOf } from './problems.ts'

/** Logs each answer: who changed what at level info, who only looked at level debug. Queries may hold tokens: left out. */
export function registerAccessLog(app: App, runtime: Runtime): void {
  app.addHook('onResponse', async (request, reply) => {
    const isReading = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS'
    runtime.log[isReading ? 'debug' : 'info']({
      event: 'api.answered',
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      by: request.principal?.name ?? null,
      remoteAddress: request.socket.remoteAddress ?? '',
      requestId: request.id,
      durationMs: Math.round(reply.elapsedTime),
    })
  })
}
