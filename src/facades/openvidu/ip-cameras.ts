import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Hub } from '#hub/hub.ts'
import type { TrackFormat } from '#media/track.ts'
import { announceWhenBegun } from './announcing.ts'
import { awaitTracks } from './awaited-tracks.ts'
import { type Connection, recordingLabels } from './connection.ts'
import type { Desk } from './desk.ts'
import { VendorRequestError } from './errors.ts'
import { newIds } from './ids.ts'
import type { CameraProperties, ConnectionProperties, PublishedStream } from './properties.ts'
import type { Room } from './room.ts'

/** Whoever asks for a camera waits for that; one that is away comes into the room all the same. */
const CAMERA_PATIENCE = { beginMs: 5_000, completeMs: 1_000 }
/** What is told of pictures nobody has measured. */
const UNKNOWN_DIMENSIONS = '{"width":1280,"height":720}'

/** A connection's properties, when it is a camera's. */
export type CameraConnectionProperties = ConnectionProperties & { readonly camera: CameraProperties }

/**
 * Puts an IP camera into a room: a participant that publishes what is pulled from the camera, for as long as it is there,
 * however often the camera goes away. spec section 3.5.
 * @throws {VendorRequestError} its address can't be pulled @throws {SessionNotFoundError} the room was closed meanwhile
 * @throws {TooManyPullsError} @throws {TooManySessionsError}
 */
export async function addCamera(desk: Desk, room: Room, properties: CameraConnectionProperties): Promise<Connection> {
  const { pulls, hub } = desk.control
  const connection = room.place(properties, 'camera')
  const streamId = newIds.stream('IPCAM', connection.id)
  const path = room.streamPath(streamId)
  const pullId = await pulled(desk, path, properties.camera.rtspUri)
  const hangUp = () => {
    pulls.remove(pullId).catch((err: unknown) => {
      desk.runtime.log.warn({ event: 'facade.camera-not-left', session: room.id, connection: connection.id, err })
    })
  }
  try {
    const kinds = await kindsSent(hub, path)
    announce(hub, room, connection, { streamId, kinds, hangUp })
    return connection
  } catch (error) {
    hangUp()
    throw error
  }
}

interface Kinds {
  readonly audio: boolean
  readonly video: boolean
}

/** @returns the pull's id @throws {VendorRequestError | TooManyPullsError} */
async function pulled({ control: { pulls } }: Desk, path: string, url: string): Promise<string> {
  try {
    // It belongs to the room, which ends with the server.
    const { id } = await pulls.add({ path, url, keepAlive: true }, { isRemembered: false })
    return id
  } catch (error) {
    const isAddress = error instanceof TapedeckError && error.code === 'pull/url-invalid'
    throw isAddress ? new VendorRequestError(`rtspUri: ${errorMessage(error)}`) : error
  }
}

function announce(
  hub: Hub,
  room: Room,
  connection: Connection,
  { streamId, kinds, hangUp }: { readonly streamId: string; readonly kinds: Kinds; readonly hangUp: () => void },
): void {
  const { properties, id } = connection
  const labels = recordingLabels('', properties.data)
  const participant = room.session.admit({ id, role: 'publisher', isRecorded: properties.record, labels })
  connection.arrival = {
    participant,
    activeAtMs: participant.joinedAtMs,
    clientData: '',
    platform: 'IPCAM',
    sdkVersion: undefined,
    ip: hostOf(properties.camera?.rtspUri ?? ''),
    isReachable: () => true,
    // Nobody there listens.
    notify() {},
  }
  room.arrived(connection)
  const { audio: hasAudio, video: hasVideo } = kinds
  let announcing: Disposable | undefined
  const end = () => {
    announcing?.[Symbol.dispose]()
    hangUp()
  }
  const publication = participant.publish({ id: streamId, kind: 'camera', hasAudio, hasVideo, end })
  const stream: PublishedStream = {
    id: streamId,
    createdAt: publication.createdAtMs,
    hasAudio,
    hasVideo,
    audioActive: hasAudio,
    videoActive: hasVideo,
    typeOfVideo: hasVideo ? 'IPCAM' : undefined,
    frameRate: null,
    videoDimensions: hasVideo ? UNKNOWN_DIMENSIONS : undefined,
  }
  connection.published = { publication, stream, isAnnounced: false }
  announcing = announceWhenBegun(room, connection, hub)
}

/** What a camera sends; of one that has not said so in time, pictures and sound are taken for granted. */
async function kindsSent(hub: Hub, path: string): Promise<Kinds> {
  const formats = await awaitTracks(hub, path, 2, CAMERA_PATIENCE)
  const has = (kind: TrackFormat['kind']) => formats.length === 0 || formats.some((format) => format.kind === kind)
  return { audio: has('audio'), video: has('video') }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
