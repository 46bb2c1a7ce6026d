/** Codecs the hub carries. The payload form of each is fixed here, whatever protocol it came by. */
export const VIDEO_CODECS = ['h264', 'h265', 'av1', 'vp9', 'vp8', 'mpeg4', 'jpeg'] as const
/** The audio side of {@link VIDEO_CODECS}. */
export const AUDIO_CODECS = [
  ...(['aac', 'mp3', 'opus', 'vorbis', 'flac', 'ac3', 'eac3'] as const),
  ...(['pcma', 'pcmu', 'l16', 'g722', 'g726'] as const),
] as const

/**
 * Payload forms (one access unit) and configuration records:
 * - h264, h265: NAL units with the length prefixes the record announces (almost always 4 bytes); avcC / hvcC body
 *   (ISO/IEC 14496-15), without the box header.
 * - av1: one temporal unit of OBUs with size fields, no temporal delimiter; av1C body.
 * - vp9, vp8: one frame (vp9: superframe); vpcC body including its 4-byte version and flags (a "full box" body). VP8
 *   publishers may send none: then the configuration is empty until made from the first key frame.
 * - mpeg4: one VOP with what precedes it (MPEG-4 part 2); the headers from visual_object_sequence or
 *   video_object_layer up to the first GOV or VOP, with start codes.
 * - jpeg: one whole JPEG image, from SOI to EOI; empty configuration.
 * - aac: one raw_data_block without ADTS; AudioSpecificConfig.
 * - mp3: one frame with its header; empty configuration.
 * - opus: one packet; OpusHead as in RFC 7845 §5.1, including the magic.
 * - vorbis: one packet; the three headers with Xiph lacing in front of them, as Matroska has them (A_VORBIS).
 * - flac: one frame; the 34-byte STREAMINFO block body, nothing around it.
 * - ac3, eac3: one syncframe (eac3: all of one access unit); body of dac3 / dec3 (ETSI TS 102 366 annex F), made from
 *   the first syncframe.
 * - pcma, pcmu: interleaved 8-bit samples; empty configuration.
 * - l16: interleaved signed 16-bit samples, big-endian; empty configuration.
 * - g722: octets of two samples each at 16 kHz (64 kbit/s a channel), channels interleaved; empty configuration.
 * - g726: code words packed from the least significant bit of each octet on (RFC 3551 §4.5.4; FFmpeg's `g726le`),
 *   whole octets; one byte: bits of a code word, 2 to 5.
 */
export type VideoCodec = (typeof VIDEO_CODECS)[number]
/** One of {@link AUDIO_CODECS}; the payload forms are listed at {@link VideoCodec}. */
export type AudioCodec = (typeof AUDIO_CODECS)[number]
/** Any codec the hub carries. */
export type Codec = VideoCodec | AudioCodec

/** Tells video codecs from audio codecs. */
export function isVideoCodec(codec: Codec): codec is VideoCodec {
  return (VIDEO_CODECS as readonly string[]).includes(codec)
}
