import type { FastifyRequest } from 'fastify'
import type { Permission } from '#control/auth.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { API_PREFIX } from './app.ts'
import { principalOf } from './guards.ts'

/** A recording as the API gives it. */
export interface RecordingView extends Omit<RecordingDocument, 'parts'> {
  readonly parts: readonly (PartDocument & { readonly url: string })[]
}

export function toView(recording: RecordingDocument): RecordingView {
  const parts = recording.parts.map((part) => ({ ...part, url: partUrl(recording.id, part.index) }))
  return { ...recording, parts }
}

function partUrl(id: string, index: number): string {
  return `${API_PREFIX}/recordings/${id}/parts/${index}`
}

/** The recording, if the caller may do this with recordings of its stream. @throws {ForbiddenError} he may not */
export async function recordingFor(
  request: FastifyRequest,
  recorder: RecorderApi,
  id: string,
  permission: Permission,
): Promise<RecordingDocument> {
  const recording = await recorder.get(id)
  principalOf(request).requireFor(permission, recording.stream)
  return recording
}
