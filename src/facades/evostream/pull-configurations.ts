import { randomBytes } from 'node:crypto'
import { TapedeckError } from '#base/error.ts'
import { DEFAULT_PULL_OPTIONS, type PullTransport } from '#base/pull-options.ts'
import type { Runtime } from '#base/runtime.ts'
import type { PullDocument, PullState } from '#control/pull-document.ts'
import type { PullEvent, PullsApi } from '#control/pulls.ts'
import type { ConfigurationGroup } from './commands/configurations.ts'
import type { ConfigIds } from './config-ids.ts'
import { EvoCommandError } from './errors.ts'
import type { EventType } from './events/event.ts'
import type { Parameters } from './parameters.ts'
import { CONFIG_LABEL } from './record-request.ts'
import { STATUS, Status, type StatusCode } from './status.ts'
import type { ValueMap } from './stream-value.ts'
import type { Streams } from './streams.ts'
import type { Value } from './values.ts'

/** Label of our pulls besides {@link CONFIG_LABEL}: the parameters, as JSON. */
const SETTINGS_LABEL = 'evostream.settings'

/** Longest value kept of a parameter that has no meaning here. */
const MAX_SETTING_CHARACTERS = 200

/** Parameters that are accepted and told again; what they ask for does not apply to the protocols pulled here. */
const ECHOED: Readonly<Record<string, Value>> = {
  audioCodecBytes: '',
  emulateUserAgent: '',
  httpProxy: '',
  isAudio: true,
  pageUrl: '',
  ppsBytes: '',
  rangeEnd: -1,
  rangeStart: -2,
  rtcpDetectionInterval: 10,
  spsBytes: '',
  ssmIp: '',
  swfUrl: '',
  tcUrl: '',
  tos: 256,
  ttl: 256,
}

/** Names of the parameters that are only told again. */
export const ECHOED_PARAMETERS = Object.keys(ECHOED)

const STATUS_OF: Readonly<Record<PullState, StatusCode>> = {
  connecting: STATUS.connecting,
  streaming: STATUS.streaming,
  waiting: STATUS.failed,
  failed: STATUS.failed,
  ended: STATUS.disconnected,
}

export interface PullConfigurationsOptions {
  readonly runtime: Runtime
  readonly pulls: PullsApi
  readonly ids: ConfigIds
  readonly streams: () => Streams
  readonly tell: (type: EventType, payload: ValueMap) => void
}

/** The `pullStream` configurations: each is a pull of the product's, which keeps it over restarts. */
export class PullConfigurations implements ConfigurationGroup, Disposable {
  readonly name = 'pull'
  readonly #options: PullConfigurationsOptions
  readonly #statuses = new Map<string, Status>()
  readonly #owned = new DisposableStack()

  constructor(options: PullConfigurationsOptions) {
    this.#options = options
    this.#owned.use(options.pulls.events.listen((event) => this.#event(event)))
  }

  /** @throws {EvoCommandError} the protocol or the name can't be */
  async add(parameters: Parameters): Promise<{ readonly uri: string; readonly value: ValueMap }> {
    const uri = parameters.requiredText('uri')
    const localStreamName =
      parameters.text('localStreamName')?.replace(/\?.*$/s, '') ?? `stream_${randomBytes(4).toString('hex')}`
    const forceTcp = parameters.flag('forceTcp') ?? false
    const settings: Record<string, Value> = { forceTcp }
    for (const [name, missing] of Object.entries(ECHOED)) settings[name] = echoed(parameters, name, missing)
    const { pulls, ids } = this.#options
    try {
      const pull = await pulls.add({
        path: localStreamName,
        url: uri,
        transport: transportOf(uri, forceTcp),
        keepAlive: parameters.flag('keepAlive') ?? true,
        metadata: {
          [CONFIG_LABEL]: String(ids.take()),
          [SETTINGS_LABEL]: JSON.stringify({ ...settings, ...parameters.variables() }),
        },
      })
      return { uri: pull.url, value: this.#value(pull) }
    } catch (error) {
      if (error instanceof TapedeckError && error.origin === 'client') {
        throw new EvoCommandError(`Unable to pull stream: ${error.message}`, error)
      }
      throw error
    }
  }

  list(): readonly ValueMap[] {
    const nowMs = this.#options.runtime.nowMs()
    return this.#ours()
      .sort((a, b) => configId(a) - configId(b))
      .map((pull) => ({ ...this.#value(pull), status: this.#status(pull).toValue(nowMs) }))
  }

  async remove(id: number): Promise<ValueMap | undefined> {
    const pull = this.#ours().find((each) => configId(each) === id)
    if (pull === undefined) return undefined
    await this.#options.pulls.remove(pull.id)
    return this.#value(pull)
  }

  /** The settings of the pull that publishes this path. */
  settingsOf(path: string): ValueMap | undefined {
    const pull = this.#ours().find((each) => each.path === path && each.state === 'streaming')
    return pull === undefined ? undefined : this.#value(pull)
  }

  [Symbol.dispose](): void {
    this.#owned.dispose()
  }

  #ours(): PullDocument[] {
    return this.#options.pulls.list().filter(({ metadata }) => metadata[CONFIG_LABEL] !== undefined)
  }

  #value(pull: PullDocument): ValueMap {
    // Written by add().
    const settings = JSON.parse(pull.metadata[SETTINGS_LABEL] ?? '{}') as ValueMap
    return {
      ...settings,
      configId: configId(pull),
      keepAlive: pull.keepAlive,
      localStreamName: pull.path,
      operationType: 1,
      uri: uriValue(pull.url),
    }
  }

  #status(pull: PullDocument): Status {
    const known = this.#statuses.get(pull.id)
    if (known !== undefined) return known
    const status = new Status(Date.parse(pull.since))
    this.#statuses.set(pull.id, status)
    this.#set(status, pull)
    return status
  }

  #set(status: Status, { state, path }: PullDocument): void {
    const stream = state === 'streaming' ? this.#options.streams().find({ name: path }) : undefined
    status.set(STATUS_OF[state], this.#options.runtime.nowMs(), stream?.id)
  }

  #event({ type, pull }: PullEvent): void {
    if (pull.metadata[CONFIG_LABEL] === undefined) return
    if (type === 'pull.removed') {
      this.#statuses.delete(pull.id)
      return
    }
    this.#set(this.#status(pull), pull)
    const hasFailed = pull.state === 'failed' || (pull.state === 'waiting' && pull.lastError !== null)
    if (hasFailed)
      this.#options.tell('pullStreamFailed', { ...this.#value(pull), error: pull.lastError?.message ?? '' })
  }
}

function configId({ metadata }: PullDocument): number {
  return Number(metadata[CONFIG_LABEL])
}

/** Where it is TCP anyway, or the address says it, there is nothing to force. */
function transportOf(uri: string, forceTcp: boolean): PullTransport {
  return forceTcp && /^rtsps?:/i.test(uri) ? 'tcp' : DEFAULT_PULL_OPTIONS.transport
}

function echoed(parameters: Parameters, name: string, missing: Value): Value {
  if (typeof missing === 'boolean') return parameters.flag(name) ?? missing
  const text = parameters.text(name)?.slice(0, MAX_SETTING_CHARACTERS)
  if (text === undefined) return missing
  return typeof missing === 'number' && /^-?\d{1,9}$/.test(text) ? Number(text) : text
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  rtmp: 1935,
  rtmps: 443,
  rtsp: 554,
  rtsps: 322,
  http: 80,
  https: 443,
}

/** An address, taken apart as the vendor does. */
function uriValue(uri: string): ValueMap {
  if (!URL.canParse(uri)) return { fullUri: uri, originalUri: uri }
  const { protocol, hostname, port, pathname, search, searchParams, username } = new URL(uri)
  const scheme = protocol.slice(0, -1)
  const at = pathname.lastIndexOf('/') + 1
  const document = pathname.slice(at)
  return {
    document,
    documentPath: pathname.slice(0, at),
    documentWithFullParameters: document + search,
    fullDocumentPath: pathname,
    fullDocumentPathWithParameters: pathname + search,
    fullParameters: search,
    fullUri: uri,
    fullUriWithAuth: uri,
    host: hostname,
    ip: '',
    originalUri: uri,
    parameters: Object.fromEntries(searchParams),
    password: '',
    port: port === '' ? (DEFAULT_PORTS[scheme] ?? 0) : Number(port),
    portSpecified: port !== '',
    scheme,
    userName: username,
  }
}
