import { API_PREFIX, type App, type Resources } from './app.ts'
import { HealthSchema, ReadinessSchema } from './schemas/server.ts'

/** For load balancers and service managers: healthz says that the process answers, readyz that recording works. */
export function registerHealth(app: App, { control }: Resources): void {
  for (const prefix of ['', API_PREFIX]) {
    const isAlias = prefix !== ''
    app.get(
      `${prefix}/healthz`,
      {
        config: { access: 'public' },
        schema: { summary: 'The process answers', tags: ['server'], hide: isAlias, response: { 200: HealthSchema } },
      },
      async () => ({ status: 'ok' as const }),
    )
    app.get(
      `${prefix}/readyz`,
      {
        config: { access: 'public' },
        schema: {
          summary: 'New recordings would work',
          tags: ['server'],
          hide: isAlias,
          response: { 200: ReadinessSchema, 503: ReadinessSchema },
        },
      },
      async (request, reply) => {
        const { isReady, recorder, disks } = await control.readiness()
        // Paths of the machine are not for strangers.
        const details = request.principal?.may('manage') === true ? { disks: [...disks] } : {}
        return reply
          .code(isReady ? 200 : 503)
          .header('cache-control', 'no-store')
          .send({ status: isReady ? 'ready' : 'not-ready', recorder, ...details })
      },
    )
  }
}
