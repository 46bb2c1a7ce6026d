import { Type } from 'typebox'
import { DAMAGED_POLICIES, PULL_TRANSPORTS } from '#base/pull-options.ts'
import { PULL_STATES } from '#control/pull-document.ts'
import { listOf, oneOf } from '../validation.ts'
import { MetadataSchema } from './recording.ts'

const FIELDS = {
  path: Type.String({ minLength: 1, maxLength: 1024, description: 'where it is published here, e.g. live/gate' }),
  url: Type.String({
    minLength: 1,
    maxLength: 4096,
    description:
      'of the stream at its origin: rtmp://, rtmps://, rtsp://, rtsps://, rtsp+http://, rtsp+https://, http://, https://, srt://, udp:// or file://, with user:password@ and query where needed',
  }),
  keepAlive: Type.Boolean({
    description: 'true (default): tried again for ever; false: one try, and removed when it is over',
  }),
  verifyTls: Type.Boolean({ description: 'true (default): the certificate of a TLS origin must be trusted' }),
  transport: oneOf(
    PULL_TRANSPORTS,
    'RTSP: how media travels; auto (default): UDP, or TCP where that does not get through',
  ),
  damaged: oneOf(
    DAMAGED_POLICIES,
    'RTSP: what arrives incomplete is left out up to the next random access point (drop, the default) or recorded too',
  ),
}

export const NewPullSchema = Type.Object(
  {
    path: FIELDS.path,
    url: FIELDS.url,
    keepAlive: Type.Optional(FIELDS.keepAlive),
    verifyTls: Type.Optional(FIELDS.verifyTls),
    transport: Type.Optional(FIELDS.transport),
    damaged: Type.Optional(FIELDS.damaged),
    metadata: Type.Optional(MetadataSchema),
  },
  { additionalProperties: false },
)

export const PullSchema = Type.Object({
  id: Type.String({ description: 'the same after a restart' }),
  path: FIELDS.path,
  url: Type.String({ description: 'credentials hidden' }),
  keepAlive: FIELDS.keepAlive,
  verifyTls: FIELDS.verifyTls,
  transport: FIELDS.transport,
  damaged: FIELDS.damaged,
  state: oneOf(PULL_STATES, 'waiting: for the next try, or for the path to be free'),
  lastError: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()], {
    description: 'why the last try ended; null once media arrives',
  }),
  attempts: Type.Integer({ minimum: 0, description: 'connections tried since the server was started' }),
  since: Type.String({ description: 'when the present state began; ISO 8601, UTC' }),
  origin: oneOf(['config', 'api'], 'config: from the configuration file, which alone can change it'),
  metadata: Type.Record(Type.String(), Type.String()),
})

export const PullListSchema = Type.Object({ pulls: listOf(PullSchema) })
