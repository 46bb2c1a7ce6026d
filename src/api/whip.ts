import { Type } from 'typebox'
import type { App, Resources } from './app.ts'
import { TokenQuery } from './schemas/common.ts'
import { StreamParamsSchema } from './schemas/stream.ts'
import { authorizeStream } from './stream-access.ts'
import { offerOf, registerEndpointFacts, sendAnswer, webRtcOf, withSdp } from './webrtc.ts'

const URL = '/whip/*'

/** Whatever an operator's access endpoint wants to know, besides. */
const PublishQuerySchema = Type.Object(
  { ...TokenQuery, key: Type.Optional(Type.String({ maxLength: 1000, description: 'with auth.publish: key' })) },
  { additionalProperties: Type.String() },
)

/** Publishing from browsers and encoders over WebRTC. RFC 9725. */
export function registerWhip(app: App, resources: Resources): void {
  withSdp(app, (scope) => {
    scope.post(
      URL,
      {
        config: { access: 'public', tokenInQuery: true },
        schema: {
          summary: 'Publishes a stream over WebRTC (WHIP)',
          description:
            'The body is an SDP offer, the answer its SDP answer; Location is the session, to be ended with DELETE.',
          tags: ['webrtc'],
          params: StreamParamsSchema,
          querystring: PublishQuerySchema,
          response: { 201: { description: 'the answer', content: { 'application/sdp': { schema: Type.String() } } } },
        },
      },
      async (request, reply) => {
        const webrtc = webRtcOf(resources)
        const path = request.params['*']
        await authorizeStream(request, resources, 'publish', path)
        return sendAnswer(reply, await webrtc.publish(offerOf(request, path)), webrtc)
      },
    )
    registerEndpointFacts(scope, URL, resources)
  })
}
