import type { App } from '#api/app.ts'
import type { Control } from '#control/control.ts'
import type { WowzaSettings } from './declaration.ts'
import { UnknownStreamError } from './errors.ts'
import { formPage, messagePage, type PageEntry } from './html.ts'
import type { Asker, DoorProblem } from './http-door.ts'
import { type LiveStreams, splitApplication } from './live-stream.ts'
import { type PageRequest, readPageRequest } from './livestreamrecord-query.ts'
import type { Recorders } from './recorders.ts'

const HTML = 'text/html; charset=utf-8'

export interface LiveStreamRecordOptions {
  readonly control: Pick<Control, 'hub'>
  readonly settings: Pick<WowzaSettings, 'http'>
  readonly streams: LiveStreams
  readonly recorders: Recorders
  readonly askers: Asker
}

/** `GET /livestreamrecord?app=…&streamname=…&action=…` of port 8086. rtmp-recording.md §5.3. */
export function registerLiveStreamRecord(app: App, options: LiveStreamRecordOptions): void {
  const { askers, settings } = options
  app.get('/livestreamrecord', async (request, reply) => {
    const [, query = ''] = /\?(.*)$/s.exec(request.raw.url ?? '') ?? []
    const asked = readPageRequest(query)
    void reply.type(HTML)
    if (asked.action === undefined) return formPage(entries(options))
    const { app: application, instance } = splitApplication(asked.application)
    const stream = options.streams.called(application, instance, asked.streamName)
    askers.get(request)?.requireFor('record', stream.path)
    const subject = `${asked.application} ${asked.streamName}`
    try {
      return messagePage(asked.action, `${asked.action}: ${subject}`, await carryOut(asked, stream, options))
    } catch (error) {
      // Clients look at the text, not at the status.
      if (!(error instanceof UnknownStreamError) || settings.http.strictStatus) throw error
      return messagePage(asked.action, `${asked.action}: ${subject}`, error.message)
    }
  })
}

/** An error as a page. */
export function problemPage({ status, message }: DoorProblem): string {
  return messagePage('LiveStreamRecord', `Error ${status}`, message)
}

async function carryOut(
  { action, options: wanted, streamName }: PageRequest,
  stream: ReturnType<LiveStreams['called']>,
  { control, recorders }: LiveStreamRecordOptions,
): Promise<string> {
  if (action === 'startRecording') {
    const recording = await recorders.start(stream, wanted)
    const path = recording.parts.at(-1)?.path
    return path === undefined ? `recording of ${streamName} begins` : `${streamName} is recorded to ${path}`
  }
  if (control.hub.get(stream.path) === undefined && recorders.of(stream.path) === undefined) {
    throw new UnknownStreamError(stream.app, stream.name)
  }
  const changed = action === 'stopRecording' ? await recorders.stop(stream.path) : await recorders.split(stream.path)
  if (changed === undefined) return `${streamName} was not being recorded`
  return action === 'stopRecording'
    ? `recording of ${streamName} ended: ${changed.parts.map(({ path }) => path).join(', ')}`
    : `recording of ${streamName} goes on in a new file`
}

function entries({ control, streams, recorders }: LiveStreamRecordOptions): PageEntry[] {
  return [...control.hub.streams()].map(({ path }) => {
    const { app, instance, name } = streams.atPath(path)
    const application = instance === '' ? app : `${app}/${instance}`
    return { application, streamName: name, isRecording: recorders.of(path) !== undefined }
  })
}
