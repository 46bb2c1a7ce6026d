import type { DamagedPolicy, PullTransport } from '#base/pull-options.ts'
import type { AudioCodecName, VideoCodecName } from '#base/webrtc-codecs.ts'
import type { ContainerName } from '#containers/container.ts'
import type { EventType } from '#control/event-types.ts'
import type { NewRule } from '#recorder/new-rule.ts'
import type { AacEncoder } from '#transcode/target.ts'

/** The effective configuration: every default applied, every value checked. Sizes are bytes, times as named. */
export interface Config {
  /** Absolute path: catalog, manifests, certificates. */
  readonly data: string
  /** Name of this node in the catalog. Default: `node-` and a persistent random suffix kept in the data folder. */
  readonly node: string
  readonly recordings: {
    /** Absolute paths; the first takes new recordings. */
    readonly roots: readonly string[]
    readonly name: string
    readonly format: ContainerName | 'auto'
    readonly durability: 'process' | 'power'
    /** 0: no limit (minFreeBytes 0: no floor). */
    readonly keep: {
      readonly days: number
      readonly bytes: number
      readonly count: number
      readonly minFreeBytes: number
    }
    /** Longest fragment of media at risk in a crash, milliseconds. */
    readonly fragmentMs: number
    /** Wait this long for a second track before a writer starts. */
    readonly trackWaitMs: number
    readonly reconnectSeconds: number
    /** How far in the past recordings of any stream may begin. */
    readonly preRollSeconds: number
    /** Room for the index at the front of an MP4 of unknown length. */
    readonly mp4IndexBytes: number
    readonly aacEncoder: AacEncoder
  }
  readonly rules: readonly NewRule[]
  /** Streams fetched from other servers. */
  readonly pulls: readonly {
    readonly path: string
    /** May hold credentials. */
    readonly url: string
    readonly keepAlive: boolean
    readonly verifyTls: boolean
    readonly transport: PullTransport
    readonly damaged: DamagedPolicy
    readonly metadata: Readonly<Record<string, string>>
  }[]
  /** Absolute paths; files below may be pulled. */
  readonly pullFolders: readonly string[]
  /** Of sources without a timeout of their protocol's. */
  readonly pullIdleTimeoutMs: number
  /** Pages that are recorded. */
  readonly pages: {
    /** A path, or a name that PATH has; empty: whichever there is. */
    readonly browser: string
    readonly widthPixels: number
    readonly heightPixels: number
    /** Pictures per second at most. */
    readonly frameRate: number
    /** Of pictures, bits per second. */
    readonly bitrate: number
  }
  readonly api: {
    readonly listen: ListenAddress
    readonly allowedOrigins: readonly string[]
    readonly allowedHosts: readonly string[]
  }
  readonly rtmp: {
    /** Undefined: off. */
    readonly listen: ListenAddress | undefined
    readonly tls: { readonly listen: ListenAddress | undefined; readonly certificate: string; readonly key: string }
    /** A publisher that sends nothing for this long is dropped. */
    readonly idleTimeoutMs: number
    readonly maxConnections: number
    readonly maxMessageBytes: number
    readonly maxChunkStreams: number
  }
  readonly rtsp: {
    /** Undefined: off. */
    readonly listen: ListenAddress | undefined
    readonly tls: { readonly listen: ListenAddress | undefined; readonly certificate: string; readonly key: string }
    /** For media over UDP; undefined: TCP only. */
    readonly udpPorts: { readonly first: number; readonly last: number } | undefined
    /** Wait for a missing packet. */
    readonly reorderMs: number
    readonly damaged: 'drop' | 'keep'
    /** A publisher from whom nothing comes for this long is dropped. */
    readonly idleTimeoutMs: number
    /** A player over UDP from whom nothing comes for this long is dropped. */
    readonly sessionTimeoutMs: number
    readonly maxConnections: number
  }
  readonly webrtc: {
    /** The one port of all transports; undefined: off. */
    readonly udp: ListenAddress | undefined
    /** IP addresses by which it is reached besides those of this machine. */
    readonly advertise: readonly string[]
    readonly iceServers: readonly {
      readonly urls: readonly string[]
      readonly username?: string | undefined
      readonly credential?: string | undefined
    }[]
    /** The preferred first. */
    readonly videoCodecs: readonly VideoCodecName[]
    readonly audioCodecs: readonly AudioCodecName[]
    /** Bits per second that a publisher may send of pictures. */
    readonly maxBitrate: number
    /** Wait for a missing packet. */
    readonly jitterMs: number
    readonly damaged: 'drop' | 'keep'
    /** From the answer to the connection. */
    readonly iceTimeoutMs: number
    /** Somebody from whom nothing comes for this long is dropped. */
    readonly idleTimeoutMs: number
    readonly maxSessions: number
    readonly maxConnecting: number
    readonly maxConnectingPerAddress: number
  }
  readonly auth: {
    readonly tokens: readonly AuthToken[]
    /** `key` compares ?key= with the tokens; a URL is asked by HTTP. */
    readonly publish: AccessPolicy
    readonly play: AccessPolicy
  }
  readonly hooks: {
    readonly exec: readonly ExecHookConfig[]
    readonly webhooks: readonly WebhookConfig[]
    /** Scripts that run at a time, all hooks together. */
    readonly concurrency: number
    readonly giveUpDays: number
    /** Deliveries of one hook that may wait. */
    readonly maxPending: number
    /** Of the file that keeps them. */
    readonly maxBytes: number
  }
  readonly limits: {
    readonly publishers: number
    readonly recordingQueueBytes: number
    readonly gopMemoryBytes: number
    /** Of each stream, where recordings may begin in the past. */
    readonly preRollBytes: number
    readonly pulls: number
    /** Pages at a time, a browser each. */
    readonly pages: number
    /** Under way at a time. */
    readonly uploads: number
    /** Of one. */
    readonly uploadBytes: number
    /** Pulls that are a process each. */
    readonly pullProcesses: number
    /** Of all cores, what compositions may take together. */
    readonly composingPercent: number
  }
  /** Settings of the facades by name; each has `enabled`. Their own code knows their shape. */
  readonly facades: Readonly<Record<string, FacadeSettings>>
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'text' }
}

/** What all facades' settings share. */
export interface FacadeSettings {
  readonly enabled: boolean
}

/** An executable to run when something happens. */
export interface ExecHookConfig {
  /** Tells hooks apart across restarts; without one, what it runs does. */
  readonly name?: string | undefined
  /** Glob over stream paths. */
  readonly match: string
  /** Absolute, or a name that PATH has. */
  readonly command: string
  /** Templates, see hooks/exec-arguments.ts. */
  readonly args: readonly string[]
  readonly events: readonly EventType[]
  readonly timeoutMs: number
  readonly concurrency: number
}

/** An address to post events to. */
export interface WebhookConfig {
  /** Tells webhooks apart across restarts; without one, the address does. */
  readonly name?: string | undefined
  readonly match: string
  readonly url: string
  /** Key of the signature; undefined: deliveries are not signed. */
  readonly secret?: string | undefined
  readonly events: readonly EventType[]
  readonly timeoutMs: number
  readonly concurrency: number
}

/** `open`: anybody, and only on loopback. `key`: `?key=` must be a token. `http`: the operator's endpoint is asked. */
export type AccessPolicy = 'open' | 'key' | { readonly http: string }

/** Where a server listens. Port 0: any free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** What a credential may do; `admin` may do everything. */
export const TOKEN_ROLES = ['admin', 'record', 'publish', 'play'] as const
/** One of {@link TOKEN_ROLES}. */
export type TokenRole = (typeof TOKEN_ROLES)[number]

/** A configured credential. */
export interface AuthToken {
  readonly name: string
  readonly token: string
  readonly role: TokenRole
  /** Glob over stream paths, default `**`. */
  readonly match: string
}
