import { OpenViduPropertiesError } from './errors.ts'
import { NEEDLESS, PROPERTIES, type PropertyNames } from './property-names.ts'
import { PropertyReader } from './values.ts'

/** Which version's behaviour counts where versions contradict each other. spec section 0.2. */
export const COMPAT = ['classic', 'modern'] as const
/** One of {@link COMPAT}. */
export type Compat = (typeof COMPAT)[number]

/** Who is told over signalling that a recording started or stopped. */
export const NOTIFICATIONS = ['none', 'moderator', 'publisher_moderator', 'all'] as const
/** One of {@link NOTIFICATIONS}. */
export type Notification = (typeof NOTIFICATIONS)[number]

/** What a session may force its publishers to send. */
export const FORCED_CODECS = ['MEDIA_SERVER_PREFERRED', 'NONE', 'VP8', 'VP9', 'H264'] as const
/** One of {@link FORCED_CODECS}. */
export type ForcedCodec = (typeof FORCED_CODECS)[number]

/** Events of the webhook. spec section 6. */
export const EVENT_NAMES = [
  'sessionCreated',
  'sessionDestroyed',
  'participantJoined',
  'participantLeft',
  'webrtcConnectionCreated',
  'webrtcConnectionDestroyed',
  'recordingStatusChanged',
  'signalSent',
] as const

/** The value that every example of the vendor's has. */
export const SAMPLE_SECRET = 'MY_SECRET'

/** A STUN or TURN server, as clients take it. */
export interface IceServer {
  readonly url: string
  readonly username?: string
  readonly credential?: string
}

/** Where events are POSTed to. */
export interface WebhookSettings {
  readonly endpoint: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly events: readonly string[]
}

/** The vendor's configuration as far as it is followed. spec section 1. */
export interface OpenViduSettings {
  readonly compat: Compat
  readonly secret: string
  /** 0: not given. */
  readonly port: number
  /** As given: `local`, a host or an address, or a whole URL. Empty: not given. */
  readonly publicUrl: string
  readonly recording: boolean
  /** Empty: the first recording root. */
  readonly recordingPath: string
  readonly publicAccess: boolean
  /** Empty: not given. */
  readonly customLayout: string
  readonly notification: Notification
  readonly autostopSeconds: number
  /** Empty: the layout is composed without a page. */
  readonly composedUrl: string
  readonly composedBasicAuth: boolean
  /** The streams of a composed recording are kept besides, so that it can be composed again. */
  readonly keepTracks: boolean
  readonly cdr: boolean
  /** Empty: the facade's data folder. */
  readonly cdrPath: string
  /** Undefined: off. */
  readonly webhook: WebhookSettings | undefined
  readonly videoKbps: {
    readonly maxReceive: number
    readonly minReceive: number
    readonly maxSend: number
    readonly minSend: number
  }
  readonly forcedVideoCodec: ForcedCodec
  readonly allowTranscoding: boolean
  /** 0: never. */
  readonly garbageIntervalSeconds: number
  readonly garbageThresholdSeconds: number
  readonly iceServers: readonly IceServer[]
  /** Names of 2.12 and before that were used. */
  readonly oldNames: readonly string[]
  /** Given, and without effect here. */
  readonly needless: readonly string[]
  /** Given, and known to nobody. */
  readonly unknown: readonly string[]
}

/**
 * Reads the vendor's properties. The environment names win over the dotted ones.
 * @param source for messages: where they come from
 * @throws {OpenViduPropertiesError} naming everything that can't be followed
 */
export function readSettings(texts: ReadonlyMap<string, string>, source: string): OpenViduSettings {
  const read = new PropertyReader(texts)
  const compat = read.oneOf('compat', COMPAT, 'classic')
  const [maxKbps, minKbps] = compat === 'classic' ? [600, 300] : [1000, 300]
  const settings = {
    compat,
    secret: secretOf(read, compat),
    port: read.integer('port', 0, 65_535),
    publicUrl: read.text('publicUrl') ?? '',
    recording: read.flag('recording', false),
    recordingPath: read.text('recordingPath') ?? '',
    publicAccess: read.flag('publicAccess', false),
    customLayout: read.text('customLayout') ?? '',
    notification: read.oneOf('notification', NOTIFICATIONS, 'publisher_moderator'),
    autostopSeconds: read.integer('autostopTimeout', 120, 86_400),
    composedUrl: composedUrlOf(read),
    composedBasicAuth: read.flag('composedBasicAuth', true),
    keepTracks: read.flag('keepTracks', true),
    cdr: read.flag('cdr', false),
    cdrPath: read.text('cdrPath') ?? '',
    webhook: webhookOf(read),
    videoKbps: {
      maxReceive: read.integer('maxReceiveKbps', maxKbps, 1_000_000),
      minReceive: read.integer('minReceiveKbps', minKbps, 1_000_000),
      maxSend: read.integer('maxSendKbps', maxKbps, 1_000_000),
      minSend: read.integer('minSendKbps', minKbps, 1_000_000),
    },
    forcedVideoCodec: read.oneOf('forcedVideoCodec', FORCED_CODECS, 'MEDIA_SERVER_PREFERRED'),
    allowTranscoding: read.flag('allowTranscoding', false),
    garbageIntervalSeconds: read.integer('garbageInterval', 900, 31_536_000),
    garbageThresholdSeconds: read.integer('garbageThreshold', 3600, 31_536_000),
    iceServers: iceServersOf(read),
    oldNames: read.oldNames,
    ...strangers(texts.keys()),
  }
  if (read.problems.length > 0) throw new OpenViduPropertiesError(source, read.problems)
  return settings
}

/** A secret with anything else in it breaks the token parsers of some clients. spec section 1.2. */
function secretOf(read: PropertyReader, compat: Compat): string {
  const secret = read.text('secret')
  if (secret !== undefined && /^[A-Za-z0-9_-]+$/.test(secret)) return secret
  if (secret !== undefined) read.refuse('secret', '(hidden)', 'letters, digits, _ and - only')
  else if (compat === 'modern') read.refuse('secret', '(nothing)', 'a secret of your own')
  return SAMPLE_SECRET
}

function composedUrlOf(read: PropertyReader): string {
  const url = read.text('composedUrl') ?? ''
  if (url === '' || (URL.canParse(url) && /^https?:/i.test(url))) return url
  read.refuse('composedUrl', url, 'the http or https URL below which the layouts are')
  return ''
}

function webhookOf(read: PropertyReader): WebhookSettings | undefined {
  if (!read.flag('webhook', false)) return undefined
  const endpoint = read.text('webhookEndpoint') ?? ''
  if (!URL.canParse(endpoint) || !/^https?:/i.test(endpoint)) {
    read.refuse('webhookEndpoint', endpoint, 'the http or https URL that events are sent to')
  }
  const events = read.texts('webhookEvents')
  for (const event of events ?? []) {
    // The original has more of them, which are never raised here.
    if (!/^[A-Za-z]+$/.test(event)) read.refuse('webhookEvents', event, `names such as ${EVENT_NAMES[0]}`)
  }
  const headers = (read.texts('webhookHeaders') ?? []).map((line) => {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([^\r\n]*)$/.exec(line) ?? []
    if (name === '') read.refuse('webhookHeaders', '(hidden)', '"Name: value"')
    return [name, value] as const
  })
  return { endpoint, headers, events: events === undefined || events.length === 0 ? EVENT_NAMES : events }
}

function iceServersOf(read: PropertyReader): readonly IceServer[] {
  return (read.texts('iceServers') ?? []).flatMap((text) => {
    const fields = new Map(text.split(',').map((pair) => splitOnce(pair.trim(), '=')))
    const url = fields.get('url') ?? ''
    if (!/^(stun|turn|turns):/.test(url)) {
      read.refuse('iceServers', '(hidden)', '"url=turn:HOST:PORT,username=NAME,credential=SECRET"')
      return []
    }
    const username = fields.get('username')
    const credential = fields.get('credential')
    return [{ url, ...(username !== undefined && { username }), ...(credential !== undefined && { credential }) }]
  })
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** Names in the vendor's name space that change nothing here. */
function strangers(names: Iterable<string>): { readonly needless: string[]; readonly unknown: string[] } {
  const known = new Set(Object.values<PropertyNames>(PROPERTIES).flatMap(({ env, dotted }) => [env, dotted ?? env]))
  const others = [...names].filter((name) => !known.has(name))
  const isNeedless = (name: string) => NEEDLESS.some((pattern) => pattern.test(name))
  const isTheirs = (name: string) => /^(openvidu\.|OPENVIDU_)/.test(name)
  return { needless: others.filter(isNeedless), unknown: others.filter((name) => isTheirs(name) && !isNeedless(name)) }
}
