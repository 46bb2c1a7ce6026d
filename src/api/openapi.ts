import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from 'typebox'
import { API_PREFIX, type App } from './app.ts'
import { LIVE_ROUTE } from './live.ts'
import { ProblemSchema } from './schemas/problem.ts'

/** Routes whose address in the document differs from the router's pattern, which must end with its wildcard. */
const DOCUMENTED_URLS: Readonly<Record<string, string>> = {
  [`${API_PREFIX}/streams/*`]: `${API_PREFIX}/streams/:path`,
  [LIVE_ROUTE]: `${API_PREFIX}/streams/:path/live.mp4`,
  '/whip/*': '/whip/:path',
  '/whep/*': '/whep/:path',
}

/** The viewer's default lets it fetch styles and fonts from any site; it also sets styles on its elements. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const PathParamsSchema = Type.Object({
  path: Type.String({ description: 'path of the stream, e.g. live/cam1; slashes may stay as they are' }),
})

/** The address a route has in the document and in docs/reference/rest.md. */
export function documentedUrl(routeUrl: string): string {
  return (DOCUMENTED_URLS[routeUrl] ?? routeUrl).replace(/:(\w+)/g, '{$1}')
}

/** The description of the API, made from the routes' own schemas. Call before any route is registered. */
export async function registerOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tapedeck',
        version,
        description: 'Records live video. Errors are problem documents (RFC 9457); branch on their `code`.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          token: { type: 'apiKey', in: 'query', name: 'token', description: 'media and events only' },
        },
      },
      security: [{ bearer: [] }, { token: [] }],
    },
    transform: ({ schema, url }) => {
      const documented = DOCUMENTED_URLS[url]
      const problem = { description: 'a problem', content: { 'application/problem+json': { schema: ProblemSchema } } }
      const responses = schema?.response as Readonly<Record<string, unknown>> | undefined
      return {
        url: documented ?? url,
        schema: {
          ...schema,
          ...(documented === undefined ? {} : { params: PathParamsSchema }),
          response: { ...responses, default: problem },
        },
      }
    },
  })
  for (const prefix of ['', API_PREFIX]) {
    app.get(
      `${prefix}/openapi.json`,
      {
        config: { access: 'public' },
        schema: {
          summary: 'This description',
          tags: ['server'],
          hide: prefix !== '',
          response: { 200: Type.Unknown() },
        },
      },
      async () => app.swagger(),
    )
  }
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => CONTENT_SECURITY_POLICY,
    uiConfig: { url: '/openapi.json', docExpansion: 'list', validatorUrl: null },
  })
}
