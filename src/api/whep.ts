import { Type } from 'typebox'
import type { App, Resources } from './app.ts'
import { TokenQuery } from './schemas/common.ts'
import { StreamParamsSchema } from './schemas/stream.ts'
import { authorizeStream } from './stream-access.ts'
import { offerOf, registerEndpointFacts, sendAnswer, webRtcOf, withSdp } from './webrtc.ts'

const URL = '/whep/*'

/** Whatever an operator's access endpoint wants to know, besides. */
const PlayQuerySchema = Type.Object(
  { ...TokenQuery, key: Type.Optional(Type.String({ maxLength: 1000, description: 'with auth.play: key' })) },
  { additionalProperties: Type.String() },
)

/** Playing in browsers over WebRTC. draft-ietf-wish-whep-03. */
export function registerWhep(app: App, resources: Resources): void {
  withSdp(app, (scope) => {
    scope.post(
      URL,
      {
        config: { access: 'public', tokenInQuery: true },
        schema: {
          summary: 'Plays a stream over WebRTC (WHEP)',
          description:
            'The body is an SDP offer with m-lines to receive, the answer its SDP answer; Location is the session, to ' +
            'be ended with DELETE. Sound that browsers lack is transcoded to Opus; pictures are sent as they are: ' +
            'without a common codec, or with B-frames, the offer is refused.',
          tags: ['webrtc'],
          params: StreamParamsSchema,
          querystring: PlayQuerySchema,
          response: { 201: { description: 'the answer', content: { 'application/sdp': { schema: Type.String() } } } },
        },
      },
      async (request, reply) => {
        const webrtc = webRtcOf(resources)
        const path = request.params['*']
        await authorizeStream(request, resources, 'play', path)
        return sendAnswer(reply, await webrtc.play(offerOf(request, path)), webrtc)
      },
    )
  })
  registerEndpointFacts(app, URL, resources)
}
