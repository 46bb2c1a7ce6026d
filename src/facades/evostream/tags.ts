/** Codes of the vendor's: up to eight ASCII characters, left-aligned in 64 bits. */
export function tagNumber(tag: string): bigint {
  return Buffer.from(tag.padEnd(8, '\0'), 'latin1').readBigUInt64BE()
}

const CODEC_TAGS: Readonly<Record<string, string>> = { h264: 'VH264', aac: 'AAAC', mp3: 'AMP3' }

/** The vendor's code of a codec; unknown ones have one too. */
export function codecTag(kind: 'audio' | 'video', codec: string | undefined): string {
  return CODEC_TAGS[codec ?? ''] ?? (kind === 'audio' ? 'AUNK' : 'VUNK')
}

/** The vendor's code of an inbound stream. */
export function inboundTag(protocol: string): string {
  if (protocol.startsWith('rtsp')) return 'INP'
  if (protocol.startsWith('ts') || protocol.startsWith('mpegts')) return 'INTS'
  return 'INR'
}

const FILE_TAGS: Readonly<Record<string, string>> = { mp4: 'OFMP4', flv: 'OFRFLV', ts: 'OFTS' }

/** The vendor's code of a recording that runs. */
export function fileTag(format: string): string {
  return FILE_TAGS[format] ?? 'OF'
}
