import type { ContainerName } from '#containers/container.ts'
import type { PartDocument } from '#storage/recording-document.ts'

/** Media type of each container. The containers say the same of themselves; a test compares. */
export const MEDIA_TYPES: Readonly<Record<ContainerName, string>> = {
  mp4: 'video/mp4',
  flv: 'video/x-flv',
  ts: 'video/mp2t',
  webm: 'video/webm',
  mkv: 'video/matroska',
}

/** Containers a browser's <video> plays from an address. */
export const BROWSER_FORMATS: readonly ContainerName[] = ['mp4', 'webm']

/** Containers whose files of sound only have a media type of their own. RFC 4337, RFC 9559. */
const WITH_AUDIO_TYPE: readonly ContainerName[] = ['mp4', 'webm', 'mkv']

/** A part's media type: audio/mp4 rather than video/mp4 when there is sound only. */
export function mediaTypeOf(format: ContainerName, part: PartDocument): string {
  const isAudioOnly = part.tracks.length > 0 && part.tracks.every(({ kind }) => kind === 'audio')
  const type = MEDIA_TYPES[format]
  return isAudioOnly && WITH_AUDIO_TYPE.includes(format) ? type.replace('video/', 'audio/') : type
}
