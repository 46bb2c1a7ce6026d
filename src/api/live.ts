import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { isForwarded } from './guards.ts'
import { TokenQuery } from './schemas/common.ts'
import { StreamParamsSchema } from './schemas/stream.ts'
import { watchForStall } from './stall-watch.ts'

/** A wildcard must be the end of a route, so the server sees `streams/{path}/live.mp4` as this (liveRoute below). */
export const LIVE_ROUTE = `${API_PREFIX}/live.mp4/*`

/** A viewer whose connection takes nothing for this long is gone, whatever TCP still believes. */
const STALL_TIMEOUT_MS = 15_000
/** Pieces waiting between the fragment writer and the socket: about one second of a good picture. */
const HIGH_WATER_BYTES = 512 * 1024

const LIVE_URL = new RegExp(`^${API_PREFIX}/streams/(.+)/live\\.mp4(\\?.*)?$`)

/** The address as the router should see it. */
export function liveRoute(url: string): string {
  const match = LIVE_URL.exec(url)
  return match === null ? url : `${API_PREFIX}/live.mp4/${match[1]}${match[2] ?? ''}`
}

/** Besides the two it names, whatever an operator's access endpoint wants to know. */
const LiveQuerySchema = Type.Object(
  { ...TokenQuery, key: Type.Optional(Type.String({ maxLength: 1000, description: 'with auth.play: key' })) },
  { additionalProperties: Type.String() },
)

/** The live picture of a stream. */
export function registerLive(app: App, { control }: Resources): void {
  app.get(
    LIVE_ROUTE,
    {
      config: { access: 'playable', tokenInQuery: true },
      schema: {
        summary: 'The stream as endless fragmented MP4',
        description:
          "A browser's <video> plays it. It ends with the stream, and when a format changes: ask again then. " +
          'Who has no token may still play what auth.play allows, with the query it asks for (?key=).',
        tags: ['streams'],
        params: StreamParamsSchema,
        querystring: LiveQuerySchema,
        response: {
          200: {
            description: 'fragmented MP4, until the stream ends',
            content: { 'video/mp4': { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const stream = control.streams.get(request.params['*'])
      await authorizePlay(request, control, stream.path)
      const view = control.liveViews.open(stream)
      const body = Readable.from(view, { objectMode: false, highWaterMark: HIGH_WATER_BYTES })
      const stall = watchForStall(request.raw.socket, STALL_TIMEOUT_MS)
      const end = () => {
        stall[Symbol.dispose]()
        view[Symbol.dispose]()
      }
      body.once('close', end)
      // A body that waits for the stream closes only after the view has: the connection's end must reach the view itself.
      reply.raw.once('close', end)
      // Gone already, while his access was asked for: no close will come.
      if (reply.raw.destroyed) end()
      return reply.headers({ 'cache-control': 'no-store', 'accept-ranges': 'none' }).type('video/mp4').send(body)
    },
  )
}

/** A credential decides; without one, the operator's policy for playing does. */
async function authorizePlay(request: FastifyRequest, control: Resources['control'], path: string): Promise<void> {
  if (request.principal !== null) {
    request.principal.requireFor('view', path)
    return
  }
  await control.access.authorize({
    action: 'play',
    path,
    protocol: 'http',
    remoteAddress: remoteAddressOf(request),
    query: singleValues(request.query),
  })
}

/** A proxy's address says nothing about whom it speaks for, least of all that he is on this machine. */
function remoteAddressOf(request: FastifyRequest): string {
  const address = request.socket.remoteAddress ?? ''
  return isForwarded(request) ? `forwarded by ${address}` : address
}

function singleValues(query: unknown): Record<string, string> {
  const entries = Object.entries(query ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}
