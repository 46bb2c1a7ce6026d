import type { ServerResponse } from 'node:http'
import { Type } from 'typebox'
import type { Principal } from '#control/auth.ts'
import type { EventFeed, ServerEvent } from '#control/event-feed.ts'
import { EVENT_TYPES } from '#control/event-types.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { TooManyEventReadersError } from './errors.ts'
import { principalOf } from './guards.ts'
import { TokenQuery } from './schemas/common.ts'

/** Proxies cut what is silent for a minute or so. */
const HEARTBEAT_MS = 15_000
/** What a browser waits before it asks again. */
const RETRY_MS = 2_000
const MAX_READERS = 200
/** A reader this far behind is dropped; it comes back with Last-Event-ID and gets what it missed. */
const MAX_BUFFERED_BYTES = 1024 * 1024

const HeadersSchema = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 100, description: 'the last id seen; what came since is sent first' }),
  ),
})

/** Everything that happens, as server-sent events (WHATWG HTML, section 9.2). */
export function registerEvents(app: App, { control }: Resources): void {
  const readers = new Set<ServerResponse>()
  app.get(
    `${API_PREFIX}/events`,
    {
      config: { access: 'view', tokenInQuery: true },
      schema: {
        summary: 'What happens, as server-sent events',
        description:
          `Types: ${EVENT_TYPES.join(', ')}. Each event's data is {id, type, at, data}. ` +
          'A recording has partCount besides, and until its end only the part concerned, or its newest, in parts. ' +
          'When Last-Event-ID is not remembered any more, an event `events.missed` comes first: fetch the lists again.',
        tags: ['events'],
        headers: HeadersSchema,
        querystring: Type.Object(
          { ...TokenQuery, lastEventId: Type.Optional(Type.String({ maxLength: 100, description: 'as the header' })) },
          { additionalProperties: false },
        ),
        response: {
          200: {
            description: 'an endless stream of events',
            content: { 'text/event-stream': { schema: Type.Unsafe<undefined>({ type: 'string' }) } },
          },
        },
      },
    },
    (request, reply) => {
      const principal = principalOf(request)
      if (readers.size >= MAX_READERS) throw new TooManyEventReadersError(MAX_READERS)
      reply.hijack()
      const response = reply.raw
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) response.setHeader(name, value)
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      readers.add(response)
      const feed = sendEvents(
        response,
        control.events,
        principal,
        request.headers['last-event-id'] ?? request.query.lastEventId,
      )
      response.once('close', () => {
        readers.delete(response)
        feed[Symbol.dispose]()
      })
    },
  )
}

/** Sends what was missed, then what comes, until disposed. */
function sendEvents(
  response: ServerResponse,
  events: EventFeed,
  principal: Principal,
  lastId: string | undefined,
): Disposable {
  const send = (text: string) => {
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy()
    else response.write(text)
  }
  const sendEvent = (event: ServerEvent) => {
    const isVisible =
      event.stream === '' ? principal.reachesEverything && principal.may('record') : principal.reaches(event.stream)
    if (isVisible) send(`id: ${event.id}\nevent: ${event.type}\ndata: ${event.json}\n\n`)
  }
  send(`retry: ${RETRY_MS}\n\n`)
  if (lastId !== undefined && lastId !== '') {
    const missed = events.since(lastId)
    if (missed === undefined) send('event: events.missed\ndata: {"type":"events.missed"}\n\n')
    else for (const event of missed) sendEvent(event)
  }
  const owned = new DisposableStack()
  owned.use(events.listen(sendEvent))
  const heartbeat = setInterval(() => send(': still here\n\n'), HEARTBEAT_MS)
  owned.defer(() => clearInterval(heartbeat))
  return owned
}
