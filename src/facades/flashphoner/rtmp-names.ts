import { MAX_STREAM_PATH_BYTES, normalizeStreamPath } from '#hub/stream-path.ts'
import type { RtmpExtension, StreamRequest } from '#ingest/rtmp/extension.ts'
import { type StreamTarget, splitQuery } from '#ingest/rtmp/stream-name.ts'
import { trimToBytes } from '#storage/part-name.ts'

/**
 * Publishers of the vendor's may choose any name; those that can't be a path here (`../../x`, control characters, some
 * thousand characters) get one that can, so that their stream is recorded and not refused.
 */
export const RTMP_NAMES: RtmpExtension = { target: harmlessTarget }

/** Undefined: the name is fine as it is, or empty. */
function harmlessTarget({ app, instance, query, name: asSent }: StreamRequest): StreamTarget | undefined {
  const [name, nameQuery] = splitQuery(asSent)
  const application = [app, instance].filter((part) => part !== '').join('/')
  if (name.replaceAll('/', '') === '' || isPath(`${application}/${name}`)) return undefined
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  const harmless = name.replace(/[\u0000-\u001f\u007f/\\]/g, '_').replace(/^\.{1,2}$/, '_')
  const room = MAX_STREAM_PATH_BYTES - Buffer.byteLength(`${application}/`)
  const path = `${application}/${trimToBytes(harmless.toWellFormed(), Math.max(1, room))}`
  return { path, query: { ...query, ...Object.fromEntries(new URLSearchParams(nameQuery)) } }
}

function isPath(text: string): boolean {
  try {
    normalizeStreamPath(text.replace(/\/{2,}/g, '/'))
    return true
  } catch {
    return false
  }
}
