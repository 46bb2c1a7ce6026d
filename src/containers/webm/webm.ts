import type { Container, ContainerName } from '../container.ts'
import { openForAppend } from './append.ts'
import { type DocType, isCarried } from './codec-mapping.ts'
import { finish, inspect } from './finish.ts'
import { MatroskaWriter } from './writer.ts'

/** WebM: what browsers play and make without a patent. */
export const webm: Container = container('webm', 'webm', 'video/webm')

/** Matroska (RFC 9559): the same file, for any codec. */
export const mkv: Container = container('mkv', 'matroska', 'video/matroska')

/**
 * Clusters of about a second, playable at every moment of their making; finishing adds Cues and duration in the space
 * kept for them, and one write shows it.
 */
function container(name: ContainerName, docType: DocType, mimeType: string): Container {
  return {
    name,
    extension: name,
    mimeType,
    carries: (codec) => isCarried(docType, codec),
    maxVideoTracks: Number.POSITIVE_INFINITY,
    maxAudioTracks: Number.POSITIVE_INFINITY,
    open: (options) => new MatroskaWriter(docType, options),
    openForAppend: (part, options) => openForAppend(part, options, docType),
    finish: (part) => finish(part, docType),
    inspect: (part) => inspect(part, docType),
  }
}
