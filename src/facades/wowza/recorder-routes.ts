import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '#api/app.ts'
import { OptionInvalidError } from './errors.ts'
import { DEFAULT_FILE_TEMPLATE } from './file-template.ts'
import type { Asker, DoorProblem } from './http-door.ts'
import { DEFAULT_INSTANCE, type LiveStream, type LiveStreams } from './live-stream.ts'
import { optionWords, readRecorderSettings } from './recorder-settings.ts'
import type { StreamRecorder, StreamRecorders } from './stream-recorders.ts'
import { type XmlValue, xmlDocument } from './xml.ts'

const BASE = '/v2/servers/:server/vhosts/:vhost/applications/:application/instances/:instance/streamrecorders' as const

const VERSION_DELEGATE = 'com.wowza.wms.livestreamrecord.manager.StreamRecorderFileVersionDelegate'

export interface StreamRecordersRoutes {
  readonly streams: LiveStreams
  readonly recorders: StreamRecorders
  readonly askers: Asker
}

type Parameters = Readonly<Record<string, string | undefined>>

/** The streamrecorders resource of port 8087. rtmp-recording.md §5.5. */
export function registerStreamRecorders(app: App, { streams, recorders, askers }: StreamRecordersRoutes): void {
  const called = (request: FastifyRequest): LiveStream => {
    const { application = '', instance = '', name = '' } = parametersOf(request)
    const stream = streams.called(application, instance, name)
    askers.get(request)?.requireFor('record', stream.path)
    return stream
  }

  app.get(BASE, async (request, reply) => {
    const { server = '', application = '', instance = '' } = parametersOf(request)
    const asker = askers.get(request)
    const visible = recorders.list(application, instance).filter(({ path }) => asker?.reaches(path) === true)
    const streamrecorder = visible.map(document)
    return write(request, reply, 'StreamRecorders', { serverName: server, instanceName: instance, streamrecorder })
  })

  app.get(`${BASE}/:name`, async (request, reply) => {
    return write(request, reply, 'StreamRecorder', document(recorders.get(called(request))))
  })

  app.post(`${BASE}/:name`, async (request, reply) => {
    const stream = called(request)
    await recorders.create(stream, readRecorderSettings(bodyOf(request)))
    void reply.status(201)
    return write(request, reply, 'Result', success(`Recorder Created: ${stream.name}`))
  })

  app.put(`${BASE}/:name/actions/:action`, async (request, reply) => {
    const stream = called(request)
    const { action = '' } = parametersOf(request)
    switch (action.toLowerCase()) {
      case 'stoprecording':
        await recorders.stop(stream)
        return write(request, reply, 'Result', success(`Recorder Stopped: ${stream.name}`))
      case 'splitrecording':
        await recorders.split(stream)
        return write(request, reply, 'Result', success(`Recording Split: ${stream.name}`))
      default:
        throw new OptionInvalidError('action', action, 'stopRecording or splitRecording')
    }
  })
}

/** An error as this interface says it. */
export function answerProblem({ status, message }: DoorProblem, request: FastifyRequest, reply: FastifyReply): unknown {
  return reply.send(write(request, reply, 'Result', { success: false, code: String(status), message, data: null }))
}

function success(message: string) {
  return { success: true, message, data: null }
}

function write(
  request: FastifyRequest,
  reply: FastifyReply,
  root: string,
  fields: Readonly<Record<string, XmlValue>>,
): string {
  if (wantsXml(request.headers.accept)) {
    void reply.type('application/xml; charset=utf-8')
    return xmlDocument(root, fields)
  }
  void reply.type('application/json; charset=utf-8')
  return JSON.stringify(fields)
}

/** The first of the two that is named counts; JSON when neither is. */
function wantsXml(accept = ''): boolean {
  const xml = accept.search(/\bxml\b/i)
  const json = accept.search(/\bjson\b/i)
  return xml >= 0 && (json < 0 || xml < json)
}

function document({ name, application, instance, settings, recording }: StreamRecorder) {
  const part = recording?.parts.at(-1)
  const isRecording = recording?.state === 'recording'
  return {
    recorderName: name,
    instanceName: instance || DEFAULT_INSTANCE,
    recorderState: isRecording ? 'Recording in Progress' : 'Waiting for stream',
    defaultRecorder: false,
    segmentationType: settings.segmentationType,
    outputPath: settings.outputPath,
    baseFile: settings.baseFile,
    fileFormat: (settings.fileFormat ?? recording?.format ?? '').toUpperCase(),
    fileVersionDelegateName: VERSION_DELEGATE,
    fileTemplate: settings.fileTemplate || DEFAULT_FILE_TEMPLATE,
    segmentDuration: settings.segmentDuration,
    segmentSize: settings.segmentSize,
    segmentSchedule: settings.segmentSchedule,
    recordData: settings.recordData,
    startOnKeyFrame: settings.startOnKeyFrame,
    splitOnTcDiscontinuity: settings.splitOnTcDiscontinuity,
    backBufferTime: settings.backBufferTime,
    option: optionWords(settings.option),
    moveFirstVideoFrameToZero: settings.moveFirstVideoFrameToZero,
    currentSize: part?.bytes ?? 0,
    currentDuration: Math.round(part?.durationMs ?? 0),
    currentFile: part?.path ?? '',
    recordingStartTime: recording?.startedAt ?? '',
    applicationName: application,
    recorderErrorString: recording?.error?.message ?? '',
    saveFieldList: [],
    version: '1',
  }
}

function parametersOf({ params }: FastifyRequest): Parameters {
  return (params ?? {}) as Parameters
}

/** @throws {OptionInvalidError} */
function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {}
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new OptionInvalidError('body', body, 'a JSON object with the fields of a recorder')
  }
  return body as Readonly<Record<string, unknown>>
}
