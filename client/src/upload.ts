import type { RecordingDocument } from '../../src/storage/recording-document.ts'
import { ConnectionError, ServerError, TapedeckError } from './errors.ts'
import { problemIn, type Server } from './server.ts'

/** What becomes of an uploaded file. */
export interface UploadOptions {
  /** Path of the stream it is to belong to. */
  readonly stream: string
  /** Template of its name in the library; the server's own where left out. */
  readonly name?: string
  /** When it was recorded, ISO 8601; now where left out. */
  readonly startedAt?: string
  /** From 0 to 1. */
  readonly onProgress?: (part: number) => void
  readonly signal?: AbortSignal
}

/** Sends a file to the library. XMLHttpRequest, because fetch tells nothing of how far it is. */
export function uploadFile(server: Server, file: Blob, options: UploadOptions): Promise<RecordingDocument> {
  const url = server.address('api/v1', 'uploads')
  for (const key of ['stream', 'name', 'startedAt'] as const) {
    const value = options[key]
    if (value !== undefined) url.searchParams.set(key, value)
  }
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    if (server.recordToken !== '') request.setRequestHeader('authorization', `Bearer ${server.recordToken}`)
    // Of no type in particular: the server looks into it.
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.upload.onprogress = ({ loaded, total }) => options.onProgress?.(total > 0 ? loaded / total : 0)
    request.onload = () => {
      const body = problemIn(request.responseText)
      if (request.status === 201) return resolve(body as unknown as RecordingDocument)
      const { code, detail, title } = body
      const text = detail ?? title ?? `The server answered with status ${request.status}.`
      reject(new ServerError(request.status, code ?? 'client/refused', text))
    }
    request.onerror = () => reject(new ConnectionError('client/unreachable', 'The upload broke off. Try it again.'))
    request.onabort = () => reject(new TapedeckError('client/wrong-state', 'The upload was cancelled.'))
    options.signal?.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}
