import { resolve } from 'node:path'
import type { RecordingEvent } from '#recorder/recorder-api.ts'
import { type Facade, type FacadeContext, implementFacade, type RunningFacade } from '../facade.ts'
import { formatAsciiAnswer, frameJsonAnswer } from './answer.ts'
import { Commands } from './command-table.ts'
import { type ConfigurationGroup, configurationCommands } from './commands/configurations.ts'
import { generalCommands, versionValue } from './commands/general.ts'
import { pullCommand } from './commands/pull.ts'
import { recordCommand } from './commands/record.ts'
import { streamCommands } from './commands/streams.ts'
import { timerCommands } from './commands/timers.ts'
import { ConfigIds } from './config-ids.ts'
import { EVOSTREAM } from './declaration.ts'
import { EventLog } from './events/event-log.ts'
import { fileSink } from './events/file-sink.ts'
import { httpSink } from './events/http-sink.ts'
import { tellChunk, tellStreams } from './events/tell.ts'
import { openHttpDoor } from './http-door.ts'
import { openLineDoor } from './line-door.ts'
import { PullConfigurations } from './pull-configurations.ts'
import { RecordConfigurations } from './record-configurations.ts'
import { inStreamValue, outStreamValue, type ValueMap } from './stream-value.ts'
import { type AnyStream, Streams } from './streams.ts'
import { Timers } from './timers.ts'

/** The commands of EvoStream Media Server. */
export const evostream: Facade = implementFacade(EVOSTREAM, { start })

type Settings = Parameters<Parameters<typeof implementFacade<typeof EVOSTREAM.keys>>[1]['start']>[0]

async function start(settings: Settings, context: FacadeContext): Promise<RunningFacade> {
  const { runtime, control, roots, data, version } = context
  const { hub, recorder } = control
  await using opening = new AsyncDisposableStack()
  const [firstRoot = ''] = roots
  const events = opening.use(openEvents(settings, context))
  const ids = await ConfigIds.open(data, runtime.log, RecordConfigurations.idsOf(recorder.rules()))
  opening.defer(() => ids.settled())
  const records = opening.use(
    await RecordConfigurations.open({
      runtime,
      hub,
      recorder,
      ids,
      folders: { roots, workingDirectory: resolve(firstRoot, settings.workingDirectory) },
      dateFolders: settings.dateFolders,
      mp4BinPath: settings.mp4BinPath,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }),
  )
  const pulls = opening.use(
    new PullConfigurations({
      runtime,
      pulls: control.pulls,
      ids,
      streams: () => streams,
      tell: (type, payload) => events.emit(type, payload),
    }),
  )
  const describe = (stream: AnyStream): ValueMap => {
    if (stream.kind === 'in') {
      const pullSettings = pulls.settingsOf(stream.stream.path)
      return inStreamValue(stream, streams.outIds(stream), runtime.nowMs(), pullSettings)
    }
    const { recording } = stream
    const current = recorder.active(recording.stream).find(({ id }) => id === recording.id) ?? recording
    const configuration = records.ofRecording(recording)
    const recordSettings = configuration === undefined ? undefined : records.value(configuration)
    return outStreamValue(stream, current, runtime.nowMs(), recordSettings)
  }
  const streams: Streams = opening.use(
    new Streams({ runtime, hub, recorder, watcher: tellStreams(events, (stream) => describe(stream)) }),
  )
  const recordingEvent = (event: RecordingEvent) => {
    const { type, recording } = event
    const isOver = type === 'recording.ready' || type === 'recording.failed'
    if (type === 'recording.deleted') return
    // What recovery finishes at the start never ran here.
    const out = isOver ? streams.ofRecording(recording.id) : streams.recording(recording)
    const configuration = records.ofRecording(recording)
    records.recordingEvent(event, out)
    tellChunk(events, event, (part) => records.fileOf(part, configuration), configuration?.settings.variables ?? {})
    if (!isOver) return
    if (out !== undefined) out.recording = recording
    streams.recordingOver(recording.id)
    records.recordingOver(recording.id)
  }
  opening.use(
    recorder.events.listen((event) => {
      if ('recording' in event) recordingEvent(event)
    }),
  )
  streams.begin()
  const timers = opening.use(new Timers(runtime, (type, payload) => events.emit(type, payload)))
  const recordGroup: ConfigurationGroup = {
    name: 'record',
    list: () =>
      records.list().map((each) => ({ ...records.value(each), status: each.status.toValue(runtime.nowMs()) })),
    async remove(id) {
      const configuration = records.get(id)
      if (configuration === undefined) return undefined
      const value = records.value(configuration)
      await records.remove(configuration)
      return value
    },
  }
  const removePullOf = async (stream: AnyStream) => {
    const settings = stream.kind === 'in' ? pulls.settingsOf(stream.stream.path) : undefined
    if (settings !== undefined) await pulls.remove(Number(settings['configId']))
  }
  const commands = new Commands(
    runtime,
    [
      recordCommand(records, settings.defaults),
      ...streamCommands({ streams, records, describe, removePullOf }),
      pullCommand(pulls),
      ...configurationCommands([recordGroup, pulls]),
      ...timerCommands(timers),
      ...generalCommands(version),
    ],
    {
      request: (value) => events.emit('cliRequest', value),
      response: (value) => events.emit('cliResponse', value),
    },
  )
  await using opened = new AsyncDisposableStack()
  const addresses = await openDoors(settings, context, commands, opened)
  events.emit('serverStarted', versionValue(version))
  const doors = opened.move()
  const owned = opening.move()
  return {
    addresses,
    closeDoors: async () => {
      events.emit('serverStopping', versionValue(version))
      await doors.disposeAsync()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function openEvents({ eventLogger }: Settings, { runtime, data, version }: FacadeContext): EventLog {
  const sinks = eventLogger.sinks.map((sink) =>
    sink.type === 'file' ? fileSink(runtime, data, sink, version) : httpSink(runtime, sink),
  )
  return new EventLog(runtime, sinks, eventLogger.customData)
}

async function openDoors(
  settings: Settings,
  { runtime }: FacadeContext,
  commands: Commands,
  opening: AsyncDisposableStack,
): Promise<RunningFacade['addresses']> {
  const { http, jsonCli, asciiCli, maxConnections, idleSeconds, userName, password } = settings
  const common = { runtime, commands, maxConnections, credential: { userName, password }, idleMs: idleSeconds * 1000 }
  const addresses: Record<string, RunningFacade['addresses'][string]> = {}
  if (http.listen !== undefined) {
    const { listen, allowedHosts, allowedOrigins } = http
    addresses['http'] = opening.use(await openHttpDoor({ ...common, listen, allowedHosts, allowedOrigins })).address
  }
  if (jsonCli.listen !== undefined) {
    const { listen, useLengthPadding } = jsonCli
    const format = (answer: Parameters<typeof frameJsonAnswer>[0]) => frameJsonAnswer(answer, useLengthPadding)
    addresses['jsonCli'] = opening.use(await openLineDoor({ ...common, listen, key: 'jsonCli.listen', format })).address
  }
  if (asciiCli.listen !== undefined) {
    const { listen } = asciiCli
    addresses['asciiCli'] = opening.use(
      await openLineDoor({ ...common, listen, key: 'asciiCli.listen', format: formatAsciiAnswer }),
    ).address
  }
  return addresses
}
