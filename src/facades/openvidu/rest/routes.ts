import type { FastifyInstance } from 'fastify'
import type { Desk } from '../desk.ts'

/** Everything over HTTP: REST, recorded files, configuration. spec sections 2 to 4. */
export async function registerRoutes(app: FastifyInstance, _desk: Desk): Promise<void> {
  // Applications send their users here to accept the certificate. spec section 2.1.
  for (const path of ['/accept-certificate', '/openvidu/accept-certificate']) {
    app.get(path, (_request, reply) => reply.type('text/html').send('<script>history.back()</script>'))
  }
}
