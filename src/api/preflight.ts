import type { App } from './app.ts'

/** Answers the browser's question whether a page of an allowed origin may ask (CORS). The guard has judged the origin. */
export function registerPreflight(app: App): void {
  app.options('/*', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    return reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
        'access-control-allow-headers': 'authorization, content-type, range, last-event-id',
        'access-control-max-age': '600',
      })
      .send()
  })
}
