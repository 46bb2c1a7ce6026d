import type { ContainerName } from '#containers/container.ts'
import type { PartDocument } from '#storage/recording-document.ts'

/** Media type of each container. The containers say the same of themselves; a test compares. */
export const MEDIA_TYPES: Readonly<Record<ContainerName, string>> = {
  mp4: 'video/mp4',
  flv: 'video/x-flv',
  ts: 'video/mp2t',
}

/** Containers a browser's <video> plays from an address. */
export const BROWSER_FORMATS: readonly ContainerName[] = ['mp4']

/** A part's media type; an MP4 of sound only is audio/mp4 (RFC 4337). */
export function mediaTypeOf(format: ContainerName, part: PartDocument): string {
  const isAudioOnly = part.tracks.length > 0 && part.tracks.every(({ kind }) => kind === 'audio')
  return format === 'mp4' && isAudioOnly ? 'audio/mp4' : MEDIA_TYPES[format]
}
