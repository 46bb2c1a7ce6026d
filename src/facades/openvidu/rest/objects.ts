import type { PublicAddress } from '../configuration/public-url.ts'
import type { Connection } from '../connection.ts'
import type { PublishedStream } from '../properties.ts'
import type { Room } from '../room.ts'
import { tokenUrl } from '../token-url.ts'

/** A list as the vendor writes it. */
export function pageOf(content: readonly object[]): object {
  return { numberOfElements: content.length, content }
}

/** spec section 3.4: a superset of all versions. */
export function sessionObject(room: Room, address: PublicAddress, options: { readonly pending: boolean }): object {
  const { id, createdAtMs, properties } = room
  const defaults = properties.defaultRecordingProperties
  const { customLayout, ...others } = defaults
  const { recording } = room.session
  const connections = room.connections().filter(({ status }) => options.pending || status === 'active')
  return {
    id,
    object: 'session',
    sessionId: id,
    createdAt: createdAtMs,
    mediaMode: properties.mediaMode,
    recordingMode: properties.recordingMode,
    recording: recording !== undefined && (recording.state === 'starting' || recording.state === 'started'),
    broadcasting: false,
    defaultRecordingLayout: defaults.recordingLayout,
    defaultOutputMode: defaults.outputMode,
    defaultCustomLayout: customLayout,
    defaultRecordingProperties: { ...others, ...(defaults.recordingLayout === 'CUSTOM' && { customLayout }) },
    customSessionId: properties.customSessionId,
    forcedVideoCodec: properties.forcedVideoCodec,
    allowTranscoding: properties.allowTranscoding,
    connections: pageOf(connections.map((connection) => connectionObject(room, connection, address))),
  }
}

/** spec section 3.5. Lists of an active one are never null: some clients crash on that. */
export function connectionObject(room: Room, connection: Connection, address: PublicAddress): object {
  const { id, createdAtMs, properties, arrival, invitation, published } = connection
  const { camera } = properties
  const subscriptions = arrival === undefined ? [] : [...arrival.participant.subscriptions()]
  return {
    id,
    object: 'connection',
    type: camera === undefined ? 'WEBRTC' : 'IPCAM',
    status: connection.status,
    connectionId: id,
    sessionId: room.id,
    createdAt: createdAtMs,
    activeAt: arrival?.activeAtMs ?? null,
    location: arrival === undefined ? null : 'unknown',
    ip: arrival?.ip ?? null,
    platform: arrival?.platform ?? null,
    token:
      invitation === undefined
        ? null
        : tokenUrl(address, { session: room.id, token: invitation.token, role: connection.role }),
    // The second name is what 2.16 reads.
    serverData: properties.data,
    data: properties.data,
    clientData: arrival?.clientData ?? null,
    record: arrival?.participant.isRecorded ?? properties.record,
    role: camera === undefined ? connection.role : null,
    kurentoOptions: properties.kurentoOptions,
    customIceServers: camera === undefined ? properties.customIceServers : null,
    rtspUri: camera?.rtspUri ?? null,
    adaptativeBitrate: camera?.adaptativeBitrate ?? null,
    onlyPlayWithSubscribers: camera?.onlyPlayWithSubscribers ?? null,
    networkCache: camera?.networkCache ?? null,
    publishers: arrival === undefined ? null : published === undefined ? [] : [publisherObject(published.stream)],
    subscribers:
      arrival === undefined
        ? null
        : subscriptions.map(({ publication, createdAtMs: createdAt }) => ({
            createdAt,
            streamId: publication.id,
            publisher: publication.participant.id,
          })),
  }
}

function publisherObject(stream: PublishedStream): object {
  const { id, createdAt, hasAudio, hasVideo, audioActive, videoActive } = stream
  return {
    createdAt,
    streamId: id,
    mediaOptions: {
      hasAudio,
      ...(hasAudio && { audioActive }),
      hasVideo,
      ...(hasVideo && {
        videoActive,
        typeOfVideo: stream.typeOfVideo,
        frameRate: stream.frameRate,
        videoDimensions: stream.videoDimensions,
      }),
      filter: {},
    },
  }
}
