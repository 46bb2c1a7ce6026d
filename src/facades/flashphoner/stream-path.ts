import { MAX_STREAM_PATH_BYTES, normalizeStreamPath } from '#hub/stream-path.ts'
import { trimToBytes } from '#storage/part-name.ts'

/**
 * The path of a stream of an application. Publishers of the vendor's may choose any name; one that can't be a path here
 * (`../../x`, control characters, some thousand characters) becomes one that can, so that the stream is recorded and not
 * refused. Undefined: the name is empty.
 */
export function pathOfName(application: string, name: string): string | undefined {
  if (name.replaceAll('/', '') === '') return undefined
  const asSent = pathOf(`${application}/${name}`)
  if (asSent !== undefined) return asSent
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  const harmless = name.replace(/[\u0000-\u001f\u007f/\\]/g, '_').replace(/^\.{1,2}$/, '_')
  const room = MAX_STREAM_PATH_BYTES - Buffer.byteLength(`${application}/`)
  return `${application}/${trimToBytes(harmless.toWellFormed(), Math.max(1, room))}`
}

/** The text as a stream's path; undefined when it can't be one. */
export function pathOf(text: string): string | undefined {
  try {
    return normalizeStreamPath(text.replace(/\/{2,}/g, '/'))
  } catch {
    return undefined
  }
}
