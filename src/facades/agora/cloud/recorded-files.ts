import type { Runtime } from '#base/runtime.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { FileNames } from './file-names.ts'
import { PLAYLIST_LABEL, type Playlists } from './playlists.ts'
import type { CloudFileType } from './request.ts'
import type { Wanted } from './subscription.ts'

/** Slices are cut at the first random access point after this long, as the vendor's. */
const SLICE_SECONDS = 15

/** Labels of a recording, beside its playlist's. */
export const CLOUD_LABELS = { sid: 'agora.sid', channel: 'agora.channel', uid: 'agora.uid' } as const

/** A file as the vendor lists it. */
export interface ListedFile {
  /** Path below the recording root. */
  readonly fileName: string
  readonly trackType: 'audio_and_video' | 'audio' | 'video'
  /** `0`: everybody's. */
  readonly uid: string
  readonly mixedAllUser: boolean
  readonly isPlayable: boolean
  /** Milliseconds since 1970 UTC. */
  readonly sliceStartTime: number
}

export interface RecordedFilesOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  readonly playlists: Playlists
  /** Absolute. */
  readonly root: string
  readonly sid: string
  readonly cname: string
  readonly folders: readonly string[]
  readonly fileTypes: readonly CloudFileType[]
}

/** One recording of the core's that files of ours are made by. */
interface Recorded {
  readonly recordingId: string
  readonly fileType: CloudFileType
  readonly names: FileNames
  readonly uid: number | undefined
  readonly trackType: ListedFile['trackType']
}

/** The files of one cloud recording: an MP4, slices with a playlist, or both, of each stream that is recorded. */
export class RecordedFiles {
  readonly #options: RecordedFilesOptions
  readonly #recorded: Recorded[] = []
  readonly #playlists = new Set<string>()
  /** MP4s so far, by the name they share. */
  readonly #mp4s = new Map<string, number>()

  constructor(options: RecordedFilesOptions) {
    this.#options = options
  }

  /**
   * Begins the files of a stream; gives the ids of the recordings. A user who comes back goes on in his playlist.
   * @param uid undefined: everybody's, mixed
   * @throws {TapedeckError} as RecorderApi.start(); nothing of it is recorded then
   */
  async begin(
    uid: number | undefined,
    request: Pick<RecordingRequest, 'stream' | 'waitForStream' | 'reconnectSeconds'>,
    tracks: Wanted,
  ): Promise<readonly string[]> {
    const { sid, cname, folders, fileTypes, recorder } = this.#options
    const type = tracks.audio ? (tracks.video ? 'av' : 'audio') : 'video'
    const trackType = type === 'av' ? 'audio_and_video' : type
    const names = new FileNames({ folders, sid, cname, uid, type })
    const begun: string[] = []
    try {
      for (const fileType of fileTypes) {
        const { id } = await recorder.start({
          ...request,
          ...this.#fileRequest(fileType, names),
          tracks,
          audio: { codec: 'aac' },
          metadata: {
            [CLOUD_LABELS.sid]: sid,
            [CLOUD_LABELS.channel]: cname,
            ...(uid !== undefined && { [CLOUD_LABELS.uid]: String(uid) }),
            ...(fileType === 'hls' && { [PLAYLIST_LABEL]: names.playlist }),
          },
        })
        begun.push(id)
        this.#recorded.push({ recordingId: id, fileType, names, uid, trackType })
      }
    } catch (error) {
      await this.stop(begun)
      throw error
    }
    return begun
  }

  /** Resolves when the files of these recordings are final. What can't be stopped is in the log. */
  async stop(recordingIds: readonly string[]): Promise<void> {
    const { recorder, runtime, sid } = this.#options
    const stopped = await Promise.allSettled(recordingIds.map((id) => recorder.stop(id)))
    for (const result of stopped) {
      // Somebody has deleted it, most likely.
      if (result.status === 'rejected') runtime.log.warn({ event: 'facade.cloud-file-lost', sid, err: result.reason })
    }
  }

  /** Ends the playlists, once all is stopped. */
  async end(): Promise<void> {
    const { playlists, runtime, sid } = this.#options
    for (const ended of await Promise.allSettled([...this.#playlists].map((playlist) => playlists.end(playlist)))) {
      if (ended.status === 'rejected') {
        runtime.log.error({ event: 'facade.playlist-not-written', sid, err: ended.reason })
      }
    }
  }

  /** What there is so far: of a playlist its name, of MP4s every one. */
  async list(): Promise<{ readonly files: readonly ListedFile[]; readonly hasFailed: boolean }> {
    const { recorder } = this.#options
    const files = new Map<string, ListedFile>()
    let hasFailed = false
    for (const recorded of this.#recorded) {
      const document = await recorder.get(recorded.recordingId).catch(() => undefined)
      hasFailed ||= document === undefined || document.state === 'failed'
      if (document === undefined) continue
      for (const file of listed(recorded, document)) if (!files.has(file.fileName)) files.set(file.fileName, file)
    }
    return { files: [...files.values()], hasFailed }
  }

  #fileRequest(fileType: CloudFileType, names: FileNames): Omit<RecordingRequest, 'stream'> {
    const { root, playlists } = this.#options
    if (fileType === 'hls') {
      playlists.begin(names.playlist)
      this.#playlists.add(names.playlist)
      return { format: 'ts', root, name: names.sliceTemplate, rotate: { seconds: SLICE_SECONDS, cut: 'keyframe' } }
    }
    const first = names.mp4(0)
    const index = this.#mp4s.get(first) ?? 0
    this.#mp4s.set(first, index + 1)
    return { format: 'mp4', root, path: names.mp4(index), pathText: 'verbatim', ifExists: 'fail' }
  }
}

function listed(recorded: Recorded, { parts }: RecordingDocument): readonly ListedFile[] {
  const { fileType, names, uid, trackType } = recorded
  const facts = { trackType, uid: String(uid ?? 0), mixedAllUser: uid === undefined }
  // A playlist is there with its first slice.
  const shown = fileType === 'hls' ? parts.filter(({ state }) => state === 'ready').slice(0, 1) : parts
  return shown
    .filter(({ path }) => path !== '')
    .map(({ path, startedAt, state }) => ({
      fileName: fileType === 'hls' ? names.playlist : path,
      ...facts,
      isPlayable: state !== 'damaged',
      sliceStartTime: Date.parse(startedAt),
    }))
}
