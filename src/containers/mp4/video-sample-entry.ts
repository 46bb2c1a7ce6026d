import type { ColorInfo, VideoFormat } from '#media/track.ts'
import { ascii, type Bytes, box, u8, u16, u32 } from './box.ts'
import { esds, OBJECT_TYPE_JPEG, OBJECT_TYPE_MPEG4_VIDEO } from './esds.ts'

/** A sample entry of the format's codec: VisualSampleEntry with the codec's own box, then what is known besides. */
export function videoDescription(format: VideoFormat): Bytes {
  const { configuration, announcedBitrateBps } = format
  switch (format.codec) {
    case 'h264':
      return visualSampleEntry(
        hasAvcParameterSets(configuration) ? 'avc1' : 'avc3',
        format,
        box('avcC', [configuration]),
      )
    case 'h265':
      return visualSampleEntry(
        hasHevcParameterSets(configuration) ? 'hvc1' : 'hev1',
        format,
        box('hvcC', [configuration]),
      )
    case 'av1':
      return visualSampleEntry('av01', format, box('av1C', [configuration]))
    case 'vp9':
      return visualSampleEntry('vp09', format, box('vpcC', [configuration.length > 0 ? configuration : EIGHT_BIT_420]))
    case 'vp8':
      return visualSampleEntry('vp08', format, box('vpcC', [configuration.length > 0 ? configuration : EIGHT_BIT_420]))
    case 'mpeg4':
      return visualSampleEntry(
        'mp4v',
        format,
        esds('video', OBJECT_TYPE_MPEG4_VIDEO, announcedBitrateBps, configuration),
      )
    case 'jpeg':
      return visualSampleEntry('mp4v', format, esds('video', OBJECT_TYPE_JPEG, announcedBitrateBps, configuration))
  }
}

/** vpcC of a publisher that sent none: profile 0, level unknown, 8 bits, 4:2:0, colours unspecified. */
const EIGHT_BIT_420 = u8(1, 0, 0, 0, 0, 0, 0x82, 2, 2, 2, 0, 0)

/** VisualSampleEntry, ISO/IEC 14496-12 §12.1.3. */
function visualSampleEntry(type: string, format: VideoFormat, configuration: Bytes): Bytes {
  const { horizontal, vertical } = format.pixelAspect
  return box(type, [
    u32(0),
    u16(0), // reserved
    u16(1), // data_reference_index
    u32(0, 0, 0, 0), // pre_defined, reserved
    u16(format.widthPixels, format.heightPixels),
    u32(0x0048_0000, 0x0048_0000), // horizresolution, vertresolution: 72 dpi
    u32(0), // reserved
    u16(1), // frame_count
    new Uint8Array(32), // compressorname
    u16(0x18), // depth
    u16(0xffff), // pre_defined
    configuration,
    ...(format.color === undefined ? [] : [colr(format.color)]),
    ...(horizontal === vertical ? [] : [box('pasp', [u32(horizontal, vertical)])]), // §12.1.4
    ...(format.announcedBitrateBps === 0 ? [] : [btrt(format.announcedBitrateBps)]),
  ])
}

/** ColourInformationBox, §12.1.5. */
const colr = (color: ColorInfo): Bytes =>
  box('colr', [
    ascii('nclx'), // colour_type
    u16(color.primaries, color.transfer, color.matrix),
    u8(color.fullRange ? 0x80 : 0), // full_range_flag, reserved
  ])

/** BitRateBox, §8.5.2. */
const btrt = (bitrateBps: number): Bytes => box('btrt', [u32(0, bitrateBps, bitrateBps)]) // bufferSizeDB, max, average

/** avcC with at least one SPS (ISO/IEC 14496-15 §5.3.3.1): otherwise the parameter sets are in the samples (`avc3`). */
const hasAvcParameterSets = (avcC: Uint8Array): boolean => ((avcC[5] ?? 0) & 0x1f) > 0

/** hvcC whose arrays hold SPS (33) and PPS (34), ISO/IEC 14496-15 §8.3.3.1: Apple plays `hvc1` only. */
function hasHevcParameterSets(hvcC: Uint8Array): boolean {
  const types = new Set<number>()
  let at = 23
  for (let arrays = hvcC[22] ?? 0; arrays > 0 && at + 3 <= hvcC.length; arrays--) {
    const type = (hvcC[at] ?? 0) & 0x3f // NAL_unit_type
    const nalUnits = (hvcC[at + 1] ?? 0) * 256 + (hvcC[at + 2] ?? 0)
    at += 3
    for (let i = 0; i < nalUnits; i++) at += 2 + (hvcC[at] ?? 0) * 256 + (hvcC[at + 1] ?? 0)
    if (nalUnits > 0) types.add(type)
  }
  return types.has(33) && types.has(34)
}
