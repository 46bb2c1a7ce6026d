import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { IceServer, PlayRequest, WebRtcApi, WebRtcSession } from '#hub/webrtc.ts'
import type { App, Resources } from './app.ts'
import {
  EtagMismatchError,
  EtagMissingError,
  MethodNotAllowedError,
  WebRtcDisabledError,
  WebRtcSessionNotFoundError,
} from './errors.ts'
import { IdSchema } from './schemas/common.ts'
import { singleValues } from './stream-access.ts'
import { noContent } from './validation.ts'

const SESSIONS = '/webrtc/sessions'
const OFFER_TYPE = 'application/sdp'
const FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag'

const SessionParamsSchema = Type.Object({ id: IdSchema })
const SessionEndSchema = Type.Object({ returns: Type.Optional(Type.Boolean()) }, { additionalProperties: true })

/** @throws {WebRtcDisabledError} */
export function webRtcOf({ control }: Pick<Resources, 'control'>): WebRtcApi {
  const { webrtc } = control
  if (webrtc === undefined) throw new WebRtcDisabledError()
  return webrtc
}

/** Registers routes that take session descriptions as texts. */
export function withSdp(app: App, register: (scope: App) => void): void {
  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers()
    for (const type of [OFFER_TYPE, FRAGMENT_TYPE]) {
      scope.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) => done(null, body))
    }
    register(scope)
  })
}

/** An offer as the WebRTC server takes it. */
export function offerOf(request: FastifyRequest, path: string): PlayRequest {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = request.socket
  const { token: _, ...query } = singleValues(request.query)
  return {
    path,
    sdp: typeof request.body === 'string' ? request.body : '',
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    encoder: request.headers['user-agent']?.slice(0, 200) ?? '',
    query,
  }
}

/** 201, with the answer and where the session is. RFC 9725 §4.2. */
export function sendAnswer(reply: FastifyReply, session: WebRtcSession, { iceServers }: WebRtcApi) {
  const links = linksTo(iceServers)
  if (links.length > 0) reply.header('link', links.join(', '))
  return reply
    .code(201)
    .headers({
      location: `${SESSIONS}/${session.id}`,
      etag: session.etag,
      'accept-patch': FRAGMENT_TYPE,
      'cache-control': 'no-store',
    })
    .type(OFFER_TYPE)
    .send(session.answer)
}

/** RFC 9725 §4.6. */
function linksTo(iceServers: readonly IceServer[]): string[] {
  return iceServers.flatMap(({ urls, username, credential }) =>
    urls.map((url) => {
      const parts = [`<${encodeURI(url)}>`, 'rel="ice-server"']
      if (username !== undefined) parts.push(`username=${quoted(username)}`)
      if (credential !== undefined) parts.push(`credential=${quoted(credential)}`, 'credential-type="password"')
      return parts.join('; ')
    }),
  )
}

/** RFC 9110 §5.6.4; a header takes no other characters. */
function quoted(text: string): string {
  return `"${text.replace(/[^\t\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
}

/** What an endpoint says of itself: what to send, and which servers to ask first. */
export function registerEndpointFacts(
  app: App,
  url: string,
  resources: Resources,
  allowed: readonly string[] = ['POST'],
): void {
  app.options(url, { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    const links = linksTo(resources.control.webrtc?.iceServers ?? [])
    if (links.length > 0) reply.header('link', links.join(', '))
    return reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'POST, PATCH, DELETE, OPTIONS',
        'access-control-allow-headers': 'authorization, content-type, if-match',
        'access-control-max-age': '600',
        'accept-post': OFFER_TYPE,
      })
      .send()
  })
  app.route({
    // RFC 9725 §4.2: those without a meaning yet are refused.
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => !allowed.includes(method)),
    url,
    config: { access: 'public' },
    schema: { hide: true },
    handler: async (request, reply) => {
      reply.header('allow', [...allowed, 'OPTIONS'].join(', '))
      throw new MethodNotAllowedError(request.method, allowed.join(' or '))
    },
  })
}

/** Sessions of publishers and players. Their address is the credential: nobody else is told. */
export function registerWebRtcSessions(app: App, resources: Resources): void {
  withSdp(app, (scope) => {
    scope.patch(
      `${SESSIONS}/:id`,
      {
        config: { access: 'public' },
        schema: {
          summary: 'Takes more ICE candidates of a WebRTC session',
          description: `The body is a fragment (${FRAGMENT_TYPE}, RFC 8840). The session finds the browser without; an ICE restart is refused with 422.`,
          tags: ['webrtc'],
          params: SessionParamsSchema,
          response: { 204: noContent('taken') },
        },
      },
      async (request, reply) => {
        const session = sessionOf(resources, request.params.id)
        const { body } = request
        checkEtag(request, session)
        await session.trickle(typeof body === 'string' ? body : '')
        return reply.code(204).header('etag', session.etag).send(undefined)
      },
    )
  })
  app.delete(
    `${SESSIONS}/:id`,
    {
      config: { access: 'public' },
      schema: {
        summary: 'Ends a WebRTC session',
        description:
          'With `?returns=true` a publisher that has lost its connection says that it comes back by another: the path is ' +
          'free for it at once, and recordings wait for it (reconnectSeconds), as for any stream that was lost.',
        tags: ['webrtc'],
        params: SessionParamsSchema,
        querystring: SessionEndSchema,
        response: { 204: noContent('ended'), 200: noContent('ended') },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      // A stream's end and its player's goodbye cross each other on the way: nothing went wrong.
      if (webRtcOf(resources).endedHere(id)) return reply.code(204).send(undefined)
      const session = sessionOf(resources, id)
      if (request.query.returns === true)
        session.close({ cause: 'lost', message: 'the browser comes back by another session' })
      else session.close({ cause: 'unpublished', message: 'the browser ended its session' })
      return reply.code(204).send(undefined)
    },
  )
  registerEndpointFacts(app, `${SESSIONS}/:id`, resources, ['PATCH', 'DELETE'])
}

function sessionOf(resources: Resources, id: string): WebRtcSession {
  const session = webRtcOf(resources).session(id)
  if (session === undefined) throw new WebRtcSessionNotFoundError(id)
  return session
}

/** RFC 9725 §4.3.1: candidates are of one ICE session, which has to be named; `*` asks for a restart. */
function checkEtag({ headers }: FastifyRequest, { etag }: WebRtcSession): void {
  const wanted = headers['if-match']
  if (wanted === undefined) throw new EtagMissingError()
  if (wanted.trim() === '*') return
  if (!wanted.split(',').some((each) => each.trim() === etag)) throw new EtagMismatchError()
}
