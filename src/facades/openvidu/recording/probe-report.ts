import type { ContainerName } from '#containers/container.ts'
import type { PartDocument } from '#storage/recording-document.ts'

/** `ID.info` of the flat layout: what ffprobe says of the file, as far as applications read it. spec section 4.5. */
export function probeReport(part: PartDocument, format: ContainerName): object {
  const duration = (part.durationMs / 1000).toFixed(6)
  return {
    format: {
      filename: part.path,
      nb_streams: part.tracks.length,
      format_name: format,
      duration,
      size: String(part.bytes),
      bit_rate: part.durationMs > 0 ? String(Math.round((part.bytes * 8000) / part.durationMs)) : '0',
    },
    streams: part.tracks.map((track, index) => ({
      index,
      codec_name: track.codec,
      codec_type: track.kind,
      ...(track.width !== undefined && { width: track.width }),
      ...(track.height !== undefined && { height: track.height }),
      ...(track.sampleRateHz !== undefined && { sample_rate: String(track.sampleRateHz) }),
      ...(track.channels !== undefined && { channels: track.channels }),
      nb_frames: String(track.accessUnits),
      duration,
    })),
  }
}
