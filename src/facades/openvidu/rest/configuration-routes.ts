import type { FastifyInstance } from 'fastify'
import type { Desk } from '../desk.ts'
import { NothingThereError } from '../errors.ts'
import { SERVER_VERSION } from '../token-url.ts'

/** What nobody has to prove anything for. */
export const PUBLIC_URL_NAME = 'openvidu-publicurl'

/** The server's configuration, as the vendor tells it. spec section 3.8. */
export function configurationRoutes(app: FastifyInstance, desk: Desk, recordingPath: string): void {
  const { settings } = desk
  const values: Readonly<Record<string, () => string>> = {
    [PUBLIC_URL_NAME]: () => `${desk.publicAddress().url}/`,
    'openvidu-recording': () => String(settings.recording),
    'openvidu-recording-path': () => recordingPath,
    'openvidu-cdr': () => String(settings.cdr),
    'openvidu-version': () => SERVER_VERSION,
  }
  for (const prefix of ['/config', '/openvidu/api/config', '/api/config']) {
    app.get(prefix, async () => wholeConfiguration(desk, recordingPath))
    app.get<{ Params: { readonly name: string } }>(`${prefix}/:name`, async (request, reply) => {
      const { name } = request.params
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (value === undefined) throw new NothingThereError('property', name)
      return reply.type('text/plain; charset=utf-8').send(value())
    })
  }
}

function wholeConfiguration({ settings, publicAddress }: Desk, recordingPath: string): object {
  const { url } = publicAddress()
  const { hostname, port } = new URL(url)
  const { videoKbps, webhook } = settings
  return {
    VERSION: SERVER_VERSION,
    DOMAIN_OR_PUBLIC_IP: hostname,
    HTTPS_PORT: port === '' ? '443' : port,
    OPENVIDU_PUBLICURL: `${url}/`,
    OPENVIDU_CDR: settings.cdr,
    OPENVIDU_STREAMS_VIDEO_MAX_RECV_BANDWIDTH: videoKbps.maxReceive,
    OPENVIDU_STREAMS_VIDEO_MIN_RECV_BANDWIDTH: videoKbps.minReceive,
    OPENVIDU_STREAMS_VIDEO_MAX_SEND_BANDWIDTH: videoKbps.maxSend,
    OPENVIDU_STREAMS_VIDEO_MIN_SEND_BANDWIDTH: videoKbps.minSend,
    OPENVIDU_SESSIONS_GARBAGE_INTERVAL: settings.garbageIntervalSeconds,
    OPENVIDU_SESSIONS_GARBAGE_THRESHOLD: settings.garbageThresholdSeconds,
    OPENVIDU_RECORDING: settings.recording,
    ...(settings.recording && {
      OPENVIDU_RECORDING_VERSION: SERVER_VERSION,
      OPENVIDU_RECORDING_PATH: recordingPath,
      OPENVIDU_RECORDING_PUBLIC_ACCESS: settings.publicAccess,
      OPENVIDU_RECORDING_NOTIFICATION: settings.notification,
      OPENVIDU_RECORDING_CUSTOM_LAYOUT: settings.customLayout,
      OPENVIDU_RECORDING_AUTOSTOP_TIMEOUT: settings.autostopSeconds,
    }),
    OPENVIDU_WEBHOOK: webhook !== undefined,
    ...(webhook !== undefined && {
      OPENVIDU_WEBHOOK_ENDPOINT: webhook.endpoint,
      OPENVIDU_WEBHOOK_HEADERS: webhook.headers.map(([name, value]) => `${name}: ${value}`),
      OPENVIDU_WEBHOOK_EVENTS: webhook.events,
    }),
  }
}
