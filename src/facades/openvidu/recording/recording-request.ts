import type { RoomComposer } from '#sessions/composing.ts'
import type { Publication } from '#sessions/publication.ts'
import type { FileRequest, SessionRecordingRequest } from '#sessions/session-recording.ts'
import { awaitTracks, kindsOf } from '../awaited-tracks.ts'
import type { Desk } from '../desk.ts'
import type { RecordedStream } from './recording-facts.ts'
import type { RecordingFolder } from './recording-folder.ts'
import type { RecordingRoot } from './recording-root.ts'
import type { RunningRecording } from './running-recording.ts'

/** A page that publishes sends within a second; what comes later is recorded whatever it is. */
const TRACK_PATIENCE = { beginMs: 3_000, completeMs: 3_000 }
const WEBM_CODECS: readonly string[] = ['vp8', 'vp9', 'av1', 'opus', 'vorbis']
/** For a browser to be started again, with the pauses between tries. */
const PAGE_PATIENCE_SECONDS = 60

/** Where files go, and what else of the server a request needs. */
export interface RequestContext {
  readonly desk: Pick<Desk, 'control' | 'settings'>
  readonly folder: RecordingFolder
  readonly place: RecordingRoot
  /** Undefined: the server's own grid. */
  readonly composer: RoomComposer | undefined
}

/** What the room is asked for, of a recording of the vendor's. spec section 4. */
export function recordingRequest(running: RunningRecording, context: RequestContext): SessionRecordingRequest {
  const { facts, layout, fileName, properties, room } = running
  const { desk, folder, place, composer } = context
  const { id, hasAudio, hasVideo } = facts
  const [widthPixels, heightPixels] = properties.resolution.split('x').map(Number)
  const file = { root: place.root, pathText: 'verbatim' } as const
  return {
    id,
    ...(composer !== undefined && { composer }),
    mode: facts.outputMode === 'INDIVIDUAL' ? 'individual' : 'composed',
    keepTracks: desk.settings.keepTracks,
    audio: hasAudio,
    video: hasVideo,
    layout: 'best-fit',
    ...(widthPixels !== undefined && { widthPixels }),
    ...(heightPixels !== undefined && { heightPixels }),
    frameRate: properties.frameRate,
    composedFile: {
      ...file,
      path: place.prefix + folder.relative(id, layout, fileName),
      format: hasVideo ? 'mp4' : 'webm',
      // A page that has crashed is opened again.
      ...(composer !== undefined && { reconnectSeconds: PAGE_PATIENCE_SECONDS }),
    },
    individualFile: async (publication) => {
      if (facts.outputMode !== 'INDIVIDUAL') return { ...file, ...keptFile(running, publication, context) }
      return { ...file, ...(await streamFile(running, publication, context)) }
    },
    labels: { name: facts.name, uniqueSessionId: room.uniqueId },
  }
}

/** The file of one stream. It is WebM where that carries it, else Matroska, which carries everything. */
async function streamFile(
  running: RunningRecording,
  publication: Publication,
  { desk, folder, place }: RequestContext,
): Promise<FileRequest> {
  // What it is of is noted right after it was announced.
  await Promise.resolve()
  running.addStream(recordedStream(running, publication))
  const { hasAudio, hasVideo } = publication
  const kinds = Number(hasAudio) + Number(hasVideo)
  const tracks = await awaitTracks(desk.control.hub, publication.path, kinds, TRACK_PATIENCE)
  const isForWebm = kindsOf(tracks) >= kinds && tracks.every(({ codec }) => WEBM_CODECS.includes(codec))
  const path = `${place.prefix}${folder.streams(running.id, running.layout)}/${publication.id}`
  return { path, format: isForWebm ? 'webm' : 'mkv' }
}

/**
 * The file of a stream that is kept besides what is composed: where no client sees it, and of what carries everything,
 * so that the recording begins without having to wait for what is sent.
 */
function keptFile(
  { id, layout }: RunningRecording,
  { id: streamId }: Publication,
  context: RequestContext,
): FileRequest {
  const { folder, place } = context
  return { path: `${place.prefix}${folder.keptTracks(id, layout)}/${streamId}`, format: 'mkv' }
}

function recordedStream({ room }: RunningRecording, { id, participant }: Publication): RecordedStream {
  const connection = room.connection(participant.id)
  const typeOfVideo = connection?.published?.stream.typeOfVideo
  return {
    streamId: id,
    connectionId: participant.id,
    clientData: connection?.arrival?.clientData ?? '',
    serverData: connection?.properties.data ?? '',
    ...(typeOfVideo !== undefined && { typeOfVideo }),
  }
}
