import { isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { CONTAINER_NAMES } from '#containers/container.ts'
import type { PublishPoint } from '#control/control.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { BROWSER_FORMATS, MEDIA_TYPES } from './media-types.ts'
import { ServerSchema } from './schemas/server.ts'

const WILDCARD_HOSTS: readonly string[] = ['0.0.0.0', '::', '']
const DEFAULT_PORTS = { rtmp: 1935, rtmps: 443, rtsp: 554, rtsps: 322 } as const

/** What this server is and where to publish; the page shows it. */
export function registerServerFacts(app: App, { control, config, runtime }: Resources): void {
  app.get(
    `${API_PREFIX}/server`,
    {
      config: { access: 'any' },
      schema: {
        summary: 'What this server is and where to publish',
        tags: ['server'],
        response: { 200: ServerSchema },
      },
    },
    async (request) => {
      const { name, role, permissions } = principalOf(request)
      return {
        name: 'tapedeck' as const,
        version: control.version,
        node: config.node,
        startedAt: new Date(control.startedAtMs).toISOString(),
        uptimeMs: runtime.nowMs() - control.startedAtMs,
        publish: [
          ...control.publishPoints().map((point) => publishAddress(point, request.hostname)),
          ...(control.webrtc === undefined ? [] : [whipAddress(request)]),
        ],
        formats: CONTAINER_NAMES.map((format) => ({
          name: format,
          mimeType: MEDIA_TYPES[format],
          isPlayableInBrowsers: BROWSER_FORMATS.includes(format),
        })),
        access: { name, role, permissions: [...permissions] },
      }
    },
  )
}

/** WHIP has no door of its own: whoever reached us here reaches it too. */
function whipAddress({ protocol, host }: FastifyRequest) {
  const folder = `${protocol}://${host}/whip`
  return { protocol: 'whip', url: `${folder}/{app}/{stream}`, server: `${folder}/live` }
}

/** A door that listens on all addresses is reached by the one the caller reached us by. */
function publishAddress({ protocol, listen }: PublishPoint, askedHost: string) {
  const host = WILDCARD_HOSTS.includes(listen.host) ? askedHost : isIPv6(listen.host) ? `[${listen.host}]` : listen.host
  const authority = listen.port === DEFAULT_PORTS[protocol] ? host : `${host}:${listen.port}`
  return { protocol, url: `${protocol}://${authority}/{app}/{stream}`, server: `${protocol}://${authority}/live` }
}
