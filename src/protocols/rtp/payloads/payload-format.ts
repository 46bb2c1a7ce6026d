import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import type { RtpPacket } from '../packet.ts'

/** Where a depacketizer puts the bytes of the access unit in progress; they are copied once, here. */
export interface UnitSink {
  /** Bytes of the access unit in progress. */
  readonly length: number
  /** Appends `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number): void
  /** Appends room to be filled later (the length of a NAL unit); gives its offset. */
  reserve(bytes: number): number
  /** Big-endian, at an offset that was appended before. */
  setUint32(offset: number, value: number): void
  setUint8(offset: number, value: number): void
  /** The access unit is complete. */
  finish(unit: UnitFacts): void
  /** What was appended is forgotten. */
  abandon(): void
}

/** What the packets tell of an access unit. */
export interface UnitFacts {
  /** 32 bits as received; for audio units after the first of a packet, advanced by what came before. */
  readonly rtpTimestamp: number
  /** Packets of it are missing, or may be. */
  readonly isDamaged: boolean
  /** Packets between the unit before and this one are missing: what it refers to may be. */
  readonly followsLoss: boolean
}

/** What in-band parameter sets or the packets themselves say of a track. */
export interface FormatHints {
  readonly widthPixels?: number
  readonly heightPixels?: number
  readonly sampleRateHz?: number
  readonly channels?: number
}

export interface DepacketizerOptions {
  /** Format parameters of the session description, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
  readonly clockRateHz: number
  /** From the rtpmap; 1 when it says nothing. */
  readonly channels: number
  readonly sink: UnitSink
  /** The codec configuration became known or changed: called before the first access unit it is about is finished. */
  configured(configuration: Uint8Array, hints: FormatHints): void
}

/** Packets of one track, in order → access units. Keeps its state over losses; nothing in a packet makes it throw. */
export interface Depacketizer {
  /** @param lostBefore that many packets before this one are missing */
  push(packet: RtpPacket, lostBefore: number): void
  /** No more packets for now: hands over what is complete. */
  flush(): void
}

/**
 * Takes one payload, which it borrows: the bytes are only good during the call.
 * @param laterTicks of the RTP clock: this packet's timestamp is that much after the access unit's (default 0). Only
 * sound in large access units (PCM) needs it.
 */
export type EmitPayload = (payload: Uint8Array, marker: boolean, laterTicks?: number) => void

/** One access unit → payloads. */
export interface Packetizer {
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void
}

/** An RTP payload format, both ways. */
export interface PayloadFormat {
  /** As in `a=rtpmap`, upper case. */
  readonly encoding: string
  readonly codec: VideoCodec | AudioCodec
  readonly kind: 'video' | 'audio'
  depacketizer(options: DepacketizerOptions): Depacketizer
  packetizer(format: TrackFormat): Packetizer
  /** RTP clock of a track, for a session description of ours. */
  clockRateHz(format: TrackFormat): number
  /** Value of `a=fmtp` for a session description of ours; empty when there is none. */
  parameters(format: TrackFormat): string
}
