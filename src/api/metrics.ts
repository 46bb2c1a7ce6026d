import { Type } from 'typebox'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'

/** What a Prometheus server scrapes; any token that may view all streams will do. */
export function registerMetrics(app: App, { control }: Resources): void {
  for (const prefix of ['', API_PREFIX]) {
    app.get(
      `${prefix}/metrics`,
      {
        config: { access: 'view' },
        schema: {
          summary: 'Metrics in the Prometheus text format',
          tags: ['server'],
          hide: prefix !== '',
          response: {
            200: { description: 'metrics', content: { 'text/plain': { schema: Type.String() } } },
          },
        },
      },
      async (request, reply) => {
        principalOf(request).requireEverywhere('view')
        return reply.type(control.metrics.contentType).send(await control.metrics.text())
      },
    )
  }
}
