import { parseOpusHead } from '#media/opus/opus-head.ts'
import type { AudioFormat } from '#media/track.ts'
import { CodecUnsupportedError } from '../errors.ts'
import type { ElementaryFramer } from './elementary-framer.ts'

/**
 * Streams, coupled streams and channel mapping that a channel_config_code of 1 to 8 stands for: mono, stereo and the
 * Vorbis layouts of RFC 7845 §5.1.1.2.
 */
const LAYOUTS: readonly { readonly streams: number; readonly coupled: number; readonly table: readonly number[] }[] = [
  { streams: 1, coupled: 0, table: [0] },
  { streams: 1, coupled: 1, table: [0, 1] },
  { streams: 2, coupled: 1, table: [0, 2, 1] },
  { streams: 2, coupled: 2, table: [0, 1, 2, 3] },
  { streams: 3, coupled: 2, table: [0, 4, 1, 2, 3] },
  { streams: 4, coupled: 2, table: [0, 4, 1, 2, 3, 5] },
  { streams: 4, coupled: 3, table: [0, 4, 1, 2, 3, 5, 6] },
  { streams: 5, coupled: 3, table: [0, 6, 1, 2, 3, 4, 5, 7] },
]

/** Sizes are written in bytes of 255 and a rest, so this covers access units up to 16 KiB without growing. */
const PREPARED_SIZE_BYTES = 64

/**
 * opus_access_unit: a control header (prefix 0x3ff, no trims, no extension, the size laced like in Ogg) before every
 * packet. "Encapsulation of Opus in MPEG-TS" §4.
 * @throws {CodecUnsupportedError} a channel mapping without a code
 */
export function opusFramer(format: AudioFormat): ElementaryFramer {
  const head = parseOpusHead(format.configuration)
  const layout = LAYOUTS[head.channels - 1]
  const { mapping } = head
  const isKnown =
    layout !== undefined &&
    (mapping === undefined
      ? head.channels <= 2
      : head.mappingFamily === 1 &&
        mapping.streams === layout.streams &&
        mapping.coupledStreams === layout.coupled &&
        layout.table.every((channel, i) => mapping.table[i] === channel))
  if (!isKnown) {
    throw new CodecUnsupportedError(
      'MPEG-TS',
      'opus',
      `mapping family ${head.mappingFamily}, ${head.channels} channels`,
    )
  }
  let header = new Uint8Array(2 + PREPARED_SIZE_BYTES)
  return (payload, _isRandomAccess, out) => {
    const fullBytes = Math.floor(payload.length / 255)
    const headerBytes = 2 + fullBytes + 1
    if (headerBytes > header.length) header = new Uint8Array(headerBytes)
    header[0] = 0x7f // control_header_prefix, start_trim_flag …
    header[1] = 0xe0 // … end_trim_flag, control_extension_flag, reserved
    header.fill(0xff, 2, 2 + fullBytes) // au_size
    header[2 + fullBytes] = payload.length % 255
    out.add(header, 0, headerBytes)
    out.add(payload)
  }
}
