import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Control } from '#control/control.ts'
import type { Stream } from '#hub/stream.ts'
import type {
  PublishedHandle,
  PublishRequest,
  RtmpCall,
  RtmpExtension,
  SendStatus,
  StreamRequest,
} from '#ingest/rtmp/extension.ts'
import type { StreamTarget } from '#ingest/rtmp/stream-name.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { readCallArguments } from './call-arguments.ts'
import type { WowzaSettings } from './declaration.ts'
import { PrefixMissingError, RecordingNotPermittedError, UnknownStreamError } from './errors.ts'
import { firstVideoCodec } from './first-video-codec.ts'
import { type LiveStream, type LiveStreams, liveStream } from './live-stream.ts'
import { existingFile, fileFormat, truth, words } from './option-values.ts'
import { type PublishType, publishType } from './publish-type.ts'
import { type FileRules, filePlace, type RecordOptions } from './record-options.ts'
import { RecordReport } from './record-report.ts'
import type { Recorders } from './recorders.ts'

export interface RtmpFrontOptions {
  readonly control: Pick<Control, 'hub' | 'recorder' | 'access'>
  readonly log: Logger
  readonly settings: Pick<WowzaSettings, 'strictNames' | 'deleteOnLive' | 'callersWaitSeconds'>
  readonly rules: (app: string) => FileRules
  readonly streams: LiveStreams
  readonly recorders: Recorders
}

/** Publish types, names and calls of Flash Media Server, Wowza and nanoStream. rtmp-recording.md §1 to §5.2. */
export class RtmpFront implements RtmpExtension {
  readonly callerPatienceMs: number
  readonly #options: RtmpFrontOptions

  constructor(options: RtmpFrontOptions) {
    this.#options = options
    this.callerPatienceMs = options.settings.callersWaitSeconds * 1000
  }

  target({ action, app, instance, name, query }: StreamRequest): StreamTarget | undefined {
    const { hub } = this.#options.control
    const { path } = liveStream(app, instance, name)
    // What did not come in by way of this facade is played by its path.
    if (action === 'play' && hub.get(path) === undefined) return undefined
    return { path, query: { ...query, ...nameQuery(name) } }
  }

  published(request: PublishRequest, stream: Stream, status: SendStatus): PublishedHandle {
    const { log, streams, control } = this.#options
    const live = liveStream(request.app, request.instance, request.name)
    const registration = streams.add(live)
    const type = publishType(request.publishType)
    if (type === undefined) {
      log.warn({
        event: 'wowza.publish-type-unknown',
        stream: live.path,
        publishType: request.publishType.slice(0, 100),
      })
    }
    const begun = this.#record(live, type ?? 'live', stream, status)
    return {
      async end() {
        registration[Symbol.dispose]()
        const recording = await begun
        if (recording !== undefined) await control.recorder.stop(recording.id)
      },
    }
  }

  command(call: RtmpCall): Promise<AmfEncodable> | undefined {
    switch (call.name) {
      case 'startRecording':
        return this.#startRecording(call)
      case 'stopRecording':
        return this.#stopRecording(call)
      case 'splitRecording':
        return this.#splitRecording(call)
      default:
        return undefined
    }
  }

  /** Never rejects: the publisher is told, and goes on. */
  async #record(
    live: LiveStream,
    type: PublishType,
    stream: Stream,
    status: SendStatus,
  ): Promise<RecordingDocument | undefined> {
    const { control, recorders, settings, log, rules } = this.#options
    const { recordMode, existing } = rules(live.app).application
    if (type === 'live' && recordMode !== 'always') {
      if (settings.deleteOnLive) await this.#deleteRecorded(live)
      return undefined
    }
    const report = new RecordReport(control.recorder.events, status, { name: live.name, stream: live.path })
    try {
      if (recordMode === 'none') throw new RecordingNotPermittedError(live.app)
      if (settings.strictNames && live.media.prefix === '' && (await firstVideoCodec(stream)) === 'h264') {
        throw new PrefixMissingError(live.name)
      }
      const isForGood = recordMode === 'always'
      const kept = isForGood ? existing : 'overwrite'
      const appends = type === 'append' || type === 'appendWithGap'
      const options: RecordOptions = { existing: appends ? 'append' : kept, keepsGap: type === 'appendWithGap' }
      const recording = await (isForGood ? recorders.startForGood(live, options) : recorders.start(live, options))
      report.started(recording)
      return recording
    } catch (error) {
      const level = error instanceof TapedeckError ? 'warn' : 'error'
      const fields = { event: 'wowza.record-refused', stream: live.path, code: errorCode(error), err: error }
      log[level](fields, errorMessage(error))
      report.refused(error)
      return undefined
    }
  }

  async #startRecording(call: RtmpCall): Promise<AmfEncodable> {
    const { streamName, options } = readCallArguments(call.args)
    const stream = await this.#calledStream(call, streamName)
    const recording = await this.#options.recorders.start(stream, {
      format: fileFormat(options['format']),
      existing: existingFile(truth(options['append'], 'append'), truth(options['versionfile'], 'versionFile')),
      startOnKeyFrame: truth(options['startonkeyframe'], 'startOnKeyFrame'),
      recordData: truth(options['recorddata'], 'recordData'),
      output: words(options['outputpath'] ?? options['output'], 'outputPath'),
    })
    return recording.parts.at(-1)?.path ?? true
  }

  async #stopRecording(call: RtmpCall): Promise<AmfEncodable> {
    const { streamName } = readCallArguments(call.args)
    const stream = await this.#calledStream(call, streamName)
    const { recorders, log } = this.#options
    const recording = await recorders.stop(stream.path)
    if (recording === undefined) log.warn({ event: 'wowza.nothing-to-stop', stream: stream.path })
    return recording?.parts.at(-1)?.path ?? true
  }

  async #splitRecording(call: RtmpCall): Promise<AmfEncodable> {
    const { streamName } = readCallArguments(call.args)
    const stream = await this.#calledStream(call, streamName)
    return (await this.#options.recorders.split(stream.path)) !== undefined
  }

  /** @throws {UnknownStreamError | StreamPathError | TapedeckError} unnamed, or not the caller's to record */
  async #calledStream(call: RtmpCall, streamName: string | undefined): Promise<LiveStream> {
    const { streams, control } = this.#options
    const [own] = call.published
    if (streamName === undefined && own === undefined) throw new UnknownStreamError(call.app, '(unnamed)')
    const stream =
      streamName === undefined ? streams.atPath(own ?? '') : streams.called(call.app, call.instance, streamName)
    if (!call.published.includes(stream.path)) {
      const { protocol, remoteAddress, query } = call
      // Whoever may publish a stream may have it recorded; the publisher itself has proved that.
      await control.access.authorize({ action: 'publish', path: stream.path, protocol, remoteAddress, query })
    }
    return stream
  }

  /** What a recording of this name has left. Held recordings stay. */
  async #deleteRecorded(live: LiveStream): Promise<void> {
    const { control, log, rules } = this.#options
    const { path, extension } = filePlace(live, { format: live.media.format }, rules(live.app))
    try {
      const { recordings } = await control.recorder.list({ stream: live.path })
      for (const { id, parts } of recordings) {
        if (!parts.some((part) => part.path === `${path}${extension}`)) continue
        await control.recorder.remove(id)
        log.info({ event: 'wowza.deleted-on-live', stream: live.path, recording: id })
      }
    } catch (error) {
      log.warn({ event: 'wowza.not-deleted', stream: live.path, code: errorCode(error), err: error })
    }
  }
}

function nameQuery(name: string): Record<string, string> {
  const at = name.indexOf('?')
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(name.slice(at + 1)))
}
