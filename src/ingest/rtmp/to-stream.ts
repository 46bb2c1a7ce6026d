import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { bytesEqual } from '#media/bytes.ts'
import { MAX_DATA_BYTES } from '#media/data-message.ts'
import { type AmfObject, amfFields } from '#media/flv/amf-value.ts'
import { type AudioTag, isPlainAudioTag, parseAudioTag, splitAudioTag } from '#media/flv/audio-tag.ts'
import { isPlainVideoTag, splitVideoTag, type VideoTag } from '#media/flv/video-tag.ts'
import type { MessageHead, Placement } from '#protocols/rtmp/chunk-reader.ts'
import { decodeData, MessageType, type RtmpMessage, withoutFirstValue } from '#protocols/rtmp/message.ts'
import { AudioFeed } from './audio-feed.ts'
import { NoSupportedTrackError } from './errors.ts'
import { PlainVideoTags } from './plain-video-tags.ts'
import { TimestampUnwrapper } from './timestamp-unwrapper.ts'
import { NO_ANNOUNCEMENTS, readAnnouncements, toJson } from './track-announcements.ts'
import { VideoFeed } from './video-feed.ts'

/** Tracks of one kind a publisher may have; each owns memory. */
const MAX_TRACKS_OF_A_KIND = 16

/** A publisher may begin with a track we can't record; this long after the first one, there must be another. */
const SUPPORTED_TRACK_WAIT_MS = 5_000

interface IgnoredTrack {
  readonly kind: 'video' | 'audio'
  readonly codec: string
  readonly reason: string
}

/** Turns a publisher's media and data messages into formats and access units of its stream. */
export class RtmpToStream implements Disposable {
  readonly #stream: Stream
  readonly #log: Logger
  readonly #monotonicMs: () => number
  readonly #unwrapper = new TimestampUnwrapper()
  readonly #plainVideoTags = new PlainVideoTags()
  readonly #video: (VideoFeed | undefined)[] = []
  readonly #audio: (AudioFeed | undefined)[] = []
  readonly #ignored = new Map<string, IgnoredTrack>()
  #firstIgnoredMs = 0
  #videoTracks = 0
  #audioTracks = 0
  #audioTag: AudioTag | undefined
  #audioTagKey = 0
  #announcements = NO_ANNOUNCEMENTS
  #metadata: Readonly<Record<string, unknown>> = {}
  /** Body of the last onMetaData. */
  #metadataBody: Uint8Array | undefined
  #isDataIgnored = false

  constructor(options: { stream: Stream; log: Logger; monotonicMs: () => number }) {
    this.#stream = options.stream
    this.#log = options.log
    this.#monotonicMs = options.monotonicMs
  }

  /** A place for the payload of a plain coded tag of a known track; undefined for everything rarer. */
  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    const first = firstBytes[0]
    if (first === undefined || firstBytes.length < 5) return undefined
    if (head.typeId === MessageType.video) {
      if (!isPlainVideoTag(first)) return undefined
      const tag = this.#plainVideoTags.read(firstBytes)
      if (tag.kind !== 'codedPicture') return undefined
      const headerBytes = tag.headerBytes + temporalDelimiterBytes(tag, firstBytes, tag.headerBytes)
      return this.#video[0]?.reserve(tag, head.timestampMs, head.messageBytes - headerBytes)
    }
    if (!isPlainAudioTag(first)) return undefined
    const tag = this.#plainAudioTag(firstBytes)
    if (tag.kind !== 'codedAudio') return undefined
    return this.#audio[0]?.reserve(tag, head.timestampMs, head.messageBytes - tag.headerBytes)
  }

  /** Legacy audio headers are the same two bytes with every access unit: parsed once, until they change. */
  #plainAudioTag(firstBytes: Uint8Array): AudioTag {
    const key = ((firstBytes[0] ?? 0) << 8) | (firstBytes[1] ?? 0)
    const known = this.#audioTag
    if (known !== undefined && key === this.#audioTagKey) return known
    const tag = parseAudioTag(firstBytes)
    const isLegacy = tag.headerBytes <= 2
    this.#audioTag = isLegacy ? tag : undefined
    this.#audioTagKey = key
    return tag
  }

  /** A whole audio or video message: configurations, multitrack, tracks that are not known yet. */
  media({ typeId, timestampMs, body }: RtmpMessage): void {
    if (body.length === 0) return // FMLE and others keep a connection alive with empty messages
    const isVideo = typeId === MessageType.video
    try {
      if (isVideo) {
        for (const { tag, payload } of splitVideoTag(body)) this.#takeVideo(tag, timestampMs, payload)
      } else {
        for (const { tag, payload } of splitAudioTag(body)) this.#takeAudio(tag, timestampMs, payload)
      }
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // One damaged tag is no reason to lose the recording of a publisher that goes on.
      this.#ignore(isVideo ? 'video' : 'audio', 'unreadable', errorMessage(error))
    }
  }

  /**
   * A data message: goes to everybody as it is, but without `@setDataFrame`. The first `onMetaData` only describes the
   * stream, since recordings and players get a description of their own; so does one that is repeated.
   * @throws {AmfError}
   */
  data(message: RtmpMessage): void {
    const values = decodeData(message)
    const isFramed = values[0] === '@setDataFrame'
    const name = values[isFramed ? 1 : 0]
    // What does not begin with a name means nothing to anybody.
    if (typeof name !== 'string' || name === '@clearDataFrame') return
    const body = isFramed ? withoutFirstValue(message) : message.body.slice()
    if (body.length > MAX_DATA_BYTES) {
      this.#ignoreData(name, body.length)
      return
    }
    if (name === 'onMetaData') {
      const before = this.#metadataBody
      this.#metadataBody = body
      if (before !== undefined && bytesEqual(before, body)) return
      this.#describe(amfFields(values[isFramed ? 2 : 1]))
      if (!this.#hasMedia) return
    }
    const encoding = message.typeId === MessageType.dataAmf3 ? 'amf3' : 'amf0'
    this.#stream.data({ encoding, timeMs: this.#unwrapper.peek(message.timestampMs), body })
  }

  get #hasMedia(): boolean {
    for (const { accessUnits } of this.#stream.counters.values()) if (accessUnits > 0) return true
    return false
  }

  #describe(fields: AmfObject): void {
    this.#announcements = readAnnouncements(fields)
    this.#metadata = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, toJson(value)]))
    this.#publishMetadata()
  }

  #ignoreData(name: string, bodyBytes: number): void {
    if (this.#isDataIgnored) return
    this.#isDataIgnored = true
    const fields = { event: 'rtmp.data-ignored', name: name.slice(0, 100), bodyBytes, maxBytes: MAX_DATA_BYTES }
    this.#log.warn(fields, 'data messages that are too large are left out')
  }

  /** @throws {NoSupportedTrackError} when nothing the publisher sends can be recorded */
  checkTracks(): void {
    if (this.#ignored.size === 0 || this.#stream.formats.size > 0) return
    if (this.#monotonicMs() - this.#firstIgnoredMs < SUPPORTED_TRACK_WAIT_MS) return
    throw new NoSupportedTrackError([...this.#ignored.values()].map(({ codec }) => codec))
  }

  #takeVideo(tag: VideoTag, timestampMs: number, payload: Uint8Array): void {
    if (tag.kind !== 'configuration' && tag.kind !== 'codedPicture') return
    if (tag.codec === undefined) {
      this.#ignore('video', tag.codecName, 'Tapedeck does not record this codec')
      return
    }
    const feed = this.#videoFeed(tag.multitrackId)
    if (feed === undefined) return
    if (tag.kind === 'configuration') {
      feed.configure(tag.codec, payload)
    } else if (!feed.write(tag, timestampMs, payload.subarray(temporalDelimiterBytes(tag, payload, 0)))) {
      this.#ignore('video', tag.codec, 'pictures came before their configuration')
    }
  }

  #takeAudio(tag: AudioTag, timestampMs: number, payload: Uint8Array): void {
    if (tag.kind !== 'configuration' && tag.kind !== 'codedAudio') return
    if (tag.codec === undefined) {
      this.#ignore('audio', tag.codecName, 'Tapedeck does not record this codec')
      return
    }
    const feed = this.#audioFeed(tag.multitrackId)
    if (feed === undefined) return
    if (tag.kind === 'configuration') {
      feed.configure(tag.codec, payload)
    } else if (!feed.write(tag, timestampMs, payload)) {
      this.#ignore('audio', tag.codec, 'audio came before its configuration')
    }
  }

  /** Video tracks have odd ids and audio tracks even ones, whoever comes first: a reconnect finds the same ids. */
  #videoFeed(multitrackId: number): VideoFeed | undefined {
    const known = this.#video[multitrackId]
    if (known !== undefined) return known
    if (this.#videoTracks >= MAX_TRACKS_OF_A_KIND) {
      this.#ignore('video', `track ${multitrackId}`, `there are ${MAX_TRACKS_OF_A_KIND} video tracks already`)
      return undefined
    }
    this.#videoTracks++
    const feed = new VideoFeed(1 + 2 * multitrackId, this.#stream, this.#unwrapper, () => this.#announcements)
    this.#video[multitrackId] = feed
    return feed
  }

  #audioFeed(multitrackId: number): AudioFeed | undefined {
    const known = this.#audio[multitrackId]
    if (known !== undefined) return known
    if (this.#audioTracks >= MAX_TRACKS_OF_A_KIND) {
      this.#ignore('audio', `track ${multitrackId}`, `there are ${MAX_TRACKS_OF_A_KIND} audio tracks already`)
      return undefined
    }
    this.#audioTracks++
    const feed = new AudioFeed(2 + 2 * multitrackId, this.#stream, this.#unwrapper, () => this.#announcements)
    this.#audio[multitrackId] = feed
    return feed
  }

  /** Once for each cause: in the log, and in what operators see of the stream. */
  #ignore(kind: 'video' | 'audio', codec: string, reason: string): void {
    const key = `${kind} ${codec} ${reason}`
    if (this.#ignored.has(key) || this.#ignored.size >= 2 * MAX_TRACKS_OF_A_KIND) return
    if (this.#ignored.size === 0) this.#firstIgnoredMs = this.#monotonicMs()
    this.#ignored.set(key, { kind, codec, reason })
    this.#log.warn({ event: 'rtmp.media-ignored', kind, codec, reason }, 'media of the publisher is not recorded')
    this.#publishMetadata()
  }

  #publishMetadata(): void {
    const ignored = [...this.#ignored.values()]
    this.#stream.metadata = ignored.length === 0 ? this.#metadata : { ...this.#metadata, ignoredTracks: ignored }
  }

  [Symbol.dispose](): void {
    for (const feed of this.#video) feed?.[Symbol.dispose]()
    for (const feed of this.#audio) feed?.[Symbol.dispose]()
  }
}

/** The hub's AV1 has no temporal delimiters; some publishers leave it at the start of each temporal unit. */
function temporalDelimiterBytes(tag: VideoTag, bytes: Uint8Array, at: number): number {
  return tag.codec === 'av1' && bytes[at] === 0x12 && bytes[at + 1] === 0 ? 2 : 0
}
